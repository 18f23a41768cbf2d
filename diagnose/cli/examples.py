"""What the help shows of each command: one line in the list, and what to type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import typer
from typer.models import CommandInfo


class Shown(NamedTuple):
    """How a command is shown."""

    summary: str
    """Short enough for a line of 80 columns."""
    examples: tuple[str, ...]


SHOWN = {
    "analyze": Shown(
        "Say what is wrong with a run, and what to do.",
        ("analyze logs/", "tail -n +1 train.log | ttsdoc analyze -", "analyze sweep/ --sort best --format csv"),
    ),
    "fix": Shown(
        "Write a config again with only the harmful values changed.",
        ("fix config.yaml > stable.yaml", "fix config.yaml --diff", "fix config.yaml --logs runs/3 --in-place"),
    ),
    "train": Shown(
        "Train a small voice and say whether the run is healthy.",
        ("train", "train small-data --out runs/first", "train config.yaml --resume"),
    ),
    "say": Shown("Speak a text with a trained voice.", ("say 'selam' --run runs/first --out hello.wav",)),
    "watch": Shown(
        "Follow a run and report what is wrong once it is confirmed.",
        ("watch logs/", "watch logs/ --notify ntfy://my-topic"),
    ),
    "heal": Shown(
        "Train, stop at a confirmed error, fix it, train again.",
        ("heal config.yaml -- python train.py --config {config}",),
    ),
    "compare": Shown("Which of two runs is better, and is it noise?", ("compare runs/a runs/b",)),
    "report": Shown(
        "Write one page to look at, to keep, to send.",
        ("report logs/ -o report.html", "report runs/a runs/b -o compared.html"),
    ),
    "check": Shown(
        "Look at a config before a GPU hour is spent.",
        ("check config.yaml", "check config.yaml --trainer train.py --data data/"),
    ),
    "config show": Shown("What a config says, in canonical names.", ("config show config.yaml",)),
    "trace": Shown(
        "Start a training and see which config keys it reads.",
        ("trace --stop-after-start -- python train.py --config config.yaml",),
    ),
    "explain": Shown(
        "What a finding or a hyperparameter means.",
        ("explain", "explain overfitting", "explain FIT002 --long", "explain learning_rate"),
    ),
    "doctor": Shown("What this machine has, and what is missing for what.", ("doctor", "doctor --format json")),
    "export": Shown("Write what a log holds as a table.", ("export logs/ -o scalars.csv",)),
    "formats": Shown("Which log formats are read.", ("formats",)),
    "selftest": Shown("Measure on this machine how often ttsdoc is right.", ("selftest",)),
    "schema": Shown("Print the JSON Schema of --format json.", ("schema > ttsdoc.schema.json",)),
    "mcp": Shown("Serve analyze, explain, check and plan to an agent.", ("mcp --root .",)),
    "ui": Shown("The same in the browser: start, stop, watch, listen.", ("ui",)),
    "data demo": Shown("Synthesise a demo data set.", ("data demo demo-data --language en",)),
    "data import-srt": Shown(
        "Cut recordings at their subtitles into clips.", ("data import-srt talk.srt --audio talk.wav --out clips",)
    ),
    "data merge": Shown("Put data sets together.", ("data merge a b --out both",)),
    "data split": Shown("Hold clips out for validation.", ("data split clips",)),
    "data augment": Shown("Make variants of clips.", ("data augment clips --out more",)),
    "data stats": Shown("What a data set holds and what is wrong with it.", ("data stats clips",)),
}


def show(app: typer.Typer) -> None:
    """Give every command its line in the list and its examples."""
    for path, command in commands(app):
        shown = SHOWN.get(path)
        if shown is not None:
            command.short_help = shown.summary
            lines = "\n".join(f"  {_typed(example)}" for example in shown.examples)
            command.epilog = f"\b\nExamples:\n{lines}"


def commands(app: typer.Typer, above: str = "") -> Iterator[tuple[str, CommandInfo]]:
    """Each command with the words that call it (`data stats`)."""
    for command in app.registered_commands:
        name = command.name or (command.callback.__name__.replace("_", "-") if command.callback else "")
        yield f"{above}{name}", command
    for group in app.registered_groups:
        if group.typer_instance is not None:
            yield from commands(group.typer_instance, f"{above}{group.name} ")


def _typed(example: str) -> str:
    return example if "ttsdoc" in example else f"ttsdoc {example}"
