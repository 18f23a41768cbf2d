"""What the help of each command shows to type."""

from __future__ import annotations

from collections.abc import Iterator

import typer
from typer.models import CommandInfo

EXAMPLES: dict[str, tuple[str, ...]] = {
    "analyze": ("analyze logs/", "tail -n +1 train.log | ttsdoc analyze -", "analyze sweep/ --sort best --format csv"),
    "fix": ("fix config.yaml > stable.yaml", "fix config.yaml --diff", "fix config.yaml --logs runs/3 --in-place"),
    "train": ("train", "train small-data --out runs/first", "train config.yaml --resume"),
    "say": ("say 'selam' --run runs/first --out hello.wav",),
    "watch": ("watch logs/", "watch logs/ --notify ntfy://my-topic"),
    "heal": ("heal config.yaml -- python train.py --config {config}", "heal args.yaml -- python train.py --lr {lr}"),
    "compare": ("compare runs/a runs/b",),
    "report": ("report logs/ -o report.html", "report runs/a runs/b -o compared.html"),
    "check": ("check config.yaml", "check config.yaml --trainer train.py --data data/"),
    "config show": ("config show config.yaml",),
    "trace": ("trace --stop-after-start -- python train.py --config config.yaml",),
    "explain": ("explain", "explain overfitting", "explain FIT002 --long", "explain learning_rate"),
    "doctor": ("doctor", "doctor --format json"),
    "export": ("export logs/ -o scalars.csv",),
    "formats": ("formats",),
    "selftest": ("selftest",),
    "schema": ("schema > ttsdoc.schema.json",),
    "mcp": ("mcp --root .",),
    "ui": ("ui",),
    "data demo": ("data demo demo-data --language en",),
    "data import-srt": ("data import-srt talk.srt --audio talk.wav --out clips",),
    "data merge": ("data merge a b --out both",),
    "data split": ("data split clips",),
    "data augment": ("data augment clips --out more",),
    "data stats": ("data stats clips",),
}


def show(app: typer.Typer) -> None:
    """Give every command its examples."""
    for path, command in commands(app):
        if path in EXAMPLES:
            lines = "\n".join(
                f"  {example if 'ttsdoc ' in example else f'ttsdoc {example}'}" for example in EXAMPLES[path]
            )
            command.epilog = f"\b\nExamples:\n{lines}"


def commands(app: typer.Typer, above: str = "") -> Iterator[tuple[str, CommandInfo]]:
    """Each command with the words that call it (`data stats`)."""
    for command in app.registered_commands:
        name = command.name or (command.callback.__name__.replace("_", "-") if command.callback else "")
        yield f"{above}{name}", command
    for group in app.registered_groups:
        if group.typer_instance is not None:
            yield from commands(group.typer_instance, f"{above}{group.name} ")
