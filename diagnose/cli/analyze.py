"""`ttsdoc analyze`: what is wrong with a run, and what to do."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diagnose.cli.options import (
    CI_FORMATS,
    Count,
    ExitZero,
    FailOn,
    FailOnSeverity,
    Family,
    Format,
    Samples,
    TrainTag,
    ValTag,
    for_ci,
)

if TYPE_CHECKING:
    from diagnose.facts import Hints
    from diagnose.finding import Diagnosis
    from diagnose.pool import Fleet
    from diagnose.readers._base import Source
    from diagnose.run import Axis

# More runs than this are summarised in one line each, and the worst in full.
MANY_RUNS = 3
# Where trainers put their logs. Searched in this order when no path is given.
USUAL_PLACES = ("logs", "runs", "lightning_logs", "output", ".")


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command("analyze")(analyze)


def analyze(
    paths: Annotated[
        list[str] | None, typer.Argument(help="Logs, folders or trees of runs; - is standard input.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="Output format.")] = Format.TEXT,
    config: Annotated[Path | None, typer.Option(help="The config of the run, where it is not beside the log.")] = None,
    samples: Samples = None,
    family: Family = None,
    train_tag: TrainTag = None,
    val_tag: ValTag = None,
    x: Annotated[Count | None, typer.Option(help="Count by this, where the log tells more than one.")] = None,
    horizon: Annotated[int | None, typer.Option(min=1, help="Forecast the loss at this step or epoch.")] = None,
    match: Annotated[str | None, typer.Option(help="Only runs whose name fits this pattern (`exp*`).")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only runs written to since then: 90m, 12h, 7d or 2026-01-31.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes for trees of many runs; as many as cores.")] = None,
    fail_on: FailOnSeverity = FailOn.WARNING,
    exit_zero: ExitZero = False,
) -> None:
    """Say what is wrong with a run, and what to do."""
    from diagnose.facts import Hints
    from diagnose.pool import find

    axis = None if x is None else _axis(x)
    hints = Hints(config, samples, family, train_tag, val_tag, horizon, axis)
    sources = find(paths or _usual_place(), match=match, since=None if since is None else _moment(since))
    found = _judged(sources, hints, jobs or os.cpu_count() or 1)
    _tell(found, form)
    raise typer.Exit(0 if exit_zero else _status(found, fail_on))


def _axis(count: Count) -> Axis:
    from diagnose.run import Axis

    return {Count.EPOCH: Axis.EPOCH, Count.STEP: Axis.STEP, Count.TIME: Axis.TIME}[count]


def _moment(text: str) -> float:
    """Seconds since 1970 of `90m` ago, `12h` ago, `7d` ago, or of a date."""
    import time
    from datetime import datetime

    seconds = {"m": 60, "h": 3600, "d": 86_400}.get(text[-1:])
    try:
        return time.time() - float(text[:-1]) * seconds if seconds else datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no time: give 90m, 12h, 7d or a date like 2026-01-31") from error


def _usual_place() -> list[str]:
    """The first usual place that holds something, and a word about it."""
    place = next((place for place in USUAL_PLACES if Path(place).is_dir() and any(Path(place).iterdir())), ".")
    print(f"ttsdoc: no path given, looking in {place}{os.sep}", file=sys.stderr)
    return [place]


def _judged(sources: list[Source], hints: Hints, jobs: int) -> list[Diagnosis]:
    """The diagnoses of all sources, worst first; many of them with a progress bar."""
    from diagnose.pool import judge_all

    if len(sources) <= MANY_RUNS or not sys.stderr.isatty():
        fleet = judge_all(sources, hints, jobs=jobs)
    else:
        fleet = _with_progress(sources, hints, jobs)
    for line in fleet.refused:
        print(f"ttsdoc: {line}", file=sys.stderr)
    return list(fleet.diagnoses)


def _with_progress(sources: list[Source], hints: Hints, jobs: int) -> Fleet:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from diagnose.pool import judge_all

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress("runs", *columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("runs", total=len(sources))
        return judge_all(sources, hints, jobs=jobs, progress=lambda done, _: bar.update(task, completed=done))


def _tell(found: list[Diagnosis], form: Format) -> None:
    if form is Format.JSON:
        from diagnose.report import as_json

        sys.stdout.write(as_json.dumps(as_json.diagnoses(found)))
    elif form is Format.MARKDOWN:
        from diagnose.report import as_markdown

        sys.stdout.write("\n".join(as_markdown.render(diagnosis) for diagnosis in found))
    elif form.value in CI_FORMATS:
        sys.stdout.write(for_ci(found, form.value))
    else:
        from diagnose.report import terminal as text

        if len(found) > MANY_RUNS:
            sys.stdout.write(text.summary(found, text.Screen.of_stdout()) + "\n")
            print(f"The worst of {len(found)} runs in full:\n")
            found = found[:1]
        sys.stdout.write("\n".join(text.render(diagnosis, text.Screen.of_stdout()) for diagnosis in found))


def _status(found: list[Diagnosis], fail_on: FailOn) -> int:
    """1 where a finding is at or above `fail_on`, else 0. A finding of low confidence never fails a run."""
    from diagnose.finding import Confidence, Severity

    least = Severity(fail_on.value).rank
    return int(
        any(
            finding.severity.rank >= least and finding.confidence is not Confidence.LOW
            for diagnosis in found
            for finding in diagnosis.findings
        )
    )
