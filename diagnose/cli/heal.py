"""`ttsdoc heal`, and `ttsdoc train --heal`: run a training, and run it again with what cures it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diagnose.clean import plain
from diagnose.cli.options import Family, MeasuredNoise, Samples, TextOrJson, TrainTag, ValTag, finite, seconds

if TYPE_CHECKING:
    from diagnose.live.order import Order
    from diagnose.live.record import Record

STATUS = {
    "healthy": 0,
    "cured": 0,
    "ahead": 0,
    "improved": 1,
    "not cured": 1,
    "failed": 2,
    "interrupted": 130,
    "unfinished": 2,
}
"""Exit status by verdict."""

Attempts = Annotated[int, typer.Option(min=1, help="Trainings at most.")]
TryRates = Annotated[
    bool, typer.Option("--try-rates", help="Begin with trials of ten times the rate and a tenth of it.")
]
OneAtATime = Annotated[
    bool, typer.Option("--one-at-a-time", help="Afterwards train with each change alone, to see which one helped.")
]


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command("heal", context_settings={"ignore_unknown_options": True})(heal)


def heal(
    config: Annotated[Path, typer.Argument(help="The training config.")],
    command: Annotated[
        list[str],
        typer.Argument(
            metavar="-- COMMAND...",
            help="How to train, with {config}, {log_dir} and {resume} where they belong. A trainer that takes "
            "arguments gets keys of the config instead: --lr {train.lr}. Without a checkpoint to go on from, {resume} "
            "and the option before it are left out.",
        ),
    ],
    logs: Annotated[Path | None, typer.Option(help="Where the trainer logs, if not into {log_dir}.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of heal.json and the attempts. [default: CONFIG-heal]")
    ] = None,
    attempts: Attempts = 3,
    budget: Annotated[str | None, typer.Option(help="Time for all attempts together: 90m, 12h, 600s.")] = None,
    interval: Annotated[float, typer.Option(min=0.05, callback=finite, help="Seconds between two looks.")] = 1.0,
    try_rates: TryRates = False,
    one_at_a_time: OneAtATime = False,
    noise: MeasuredNoise = None,
    form: Annotated[TextOrJson, typer.Option("--format", help="How to report the end: in words, or JSON.")] = (
        TextOrJson.TEXT
    ),
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not show what the trainer prints.")] = False,
    samples: Samples = None,
    family: Family = None,
    train_tag: TrainTag = None,
    val_tag: ValTag = None,
) -> None:
    """Train, stop at a confirmed error, fix it, train again.

    Only what is better is kept.

    Each attempt is watched as by `ttsdoc watch`. Status 0: healthy, cured, or another rate ahead; 1: better, but
    stopped for a fault too, or not cured: the original config stays; 2: could not run, or out of time.
    """
    from diagnose.facts import Hints
    from diagnose.live.order import Order
    from diagnose.live.verdict import Noise

    measured = None if noise is None else Noise(noise, "measured")
    order = Order(
        config=config,
        command=tuple(command),
        out=out or Path(f"{config.stem}-heal"),
        logs=logs,
        attempts=attempts,
        budget=None if budget is None else seconds(budget),
        try_rates=try_rates,
        interval=interval,
        one_at_a_time=one_at_a_time,
        noise=measured,
        hints=Hints(None, samples, family, train_tag, val_tag),
        echo=not quiet,
    )
    raise typer.Exit(_run(order, form))


def heal_bundled(
    config: Path, out: Path | None, *, attempts: int, try_rates: bool, devices: int, form: TextOrJson
) -> int:
    """`ttsdoc train CONFIG --heal`: the same loop around the bundled trainer. The exit status."""
    from diagnose.live.order import Order
    from diagnose.trainer.options import load

    folder = out or Path(load(config).logging.log_dir) / f"{config.stem}-heal"
    train = [sys.executable, "-m", "diagnose", "train", "{config}", "--out", "{log_dir}", "--devices", str(devices)]
    command = (*train, "--format", "json", "--resume-from", "{resume}")
    order = Order(
        config, command, folder, attempts=attempts, try_rates=try_rates, interval=0.2, written_config="config.yaml"
    )
    return _run(order, form)


def _run(order: Order, form: TextOrJson) -> int:
    from diagnose.live.supervise import heal
    from diagnose.live.trainings import RECORD

    record = heal(order, lambda text: print(f"ttsdoc: {plain(text)}", file=sys.stderr, flush=True))
    if form is TextOrJson.JSON:
        sys.stdout.write((order.out / RECORD).read_text("utf-8"))
    else:
        sys.stdout.write(summary(record, order.out))
    return STATUS[record.verdict]


def summary(record: Record, out: Path) -> str:
    """The end in words: the verdict, and one line an attempt."""
    from diagnose.live.trainings import RECORD
    from diagnose.report.words import number

    lines = [f"{record.verdict}: {out / RECORD} holds every attempt"]
    for one in record.attempts:
        best = "no loss" if one.best_val_loss is None else f"best {one.metric} {number(one.best_val_loss)}"
        at = "" if one.best_step is None else f" at step {one.best_step:,}"
        why = f", stopped for {one.stopped_by}" if one.stopped_by else ""
        if not why and record.verdict == "not cured" and one.findings:
            why = f", found: {', '.join(seen.name for seen in one.findings)}"
        kept = {None: "", True: ", kept", False: ", reverted"}[one.accepted] if not one.trial else ""
        changes = ", ".join(f"{edit.parameter} {edit.was} -> {edit.now}" for edit in one.edits) or "as it was"
        lines.append(f"  {one.number}. {changes}: {best}{at}{why}{kept}")
        lines += [f"     {one.reason}"] if one.reason else []
    if record.verdict == "healthy" and len(record.attempts) == 1:
        lines.append("  no log can show whether another rate is better: the same command with --try-rates tries some")
    lines += [f"  alone: {one['parameter']} = {one['now']}: {one['sentence']}" for one in record.helped]
    return "".join(f"{plain(line)}\n" for line in lines)
