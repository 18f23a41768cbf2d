"""`ttsdoc analyze`: what is wrong with a run, and what to do."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diagnose.clean import plain
from diagnose.cli.options import (
    UNITS,
    Columns,
    ExitZero,
    FailOn,
    FailOnSeverity,
    Family,
    Format,
    Ignore,
    Samples,
    Select,
    TrainTag,
    ValTag,
    checks_of,
    status_of,
    tell,
)
from diagnose.report.formats import TEXT, rendered
from diagnose.report.order import Order

if TYPE_CHECKING:
    from diagnose.finding import Diagnosis
    from diagnose.pool import Fleet
    from diagnose.readers.sources import Source
    from diagnose.run import Axis


class Count(str, Enum):
    """What the steps of the curves count."""

    EPOCH = "epoch"
    STEP = "step"
    TIME = "time"


# More runs than this show a progress bar.
FEW_RUNS = 3
# Where trainers put their logs. Searched in this order when no path is given.
USUAL_PLACES = ("logs", "runs", "lightning_logs", "output", ".")


def analyze(
    paths: Annotated[
        list[str] | None, typer.Argument(help="Logs, folders or trees of runs; - is standard input.")
    ] = None,
    form: Format = TEXT,
    config: Annotated[Path | None, typer.Option(help="The config of the run, where it is not beside the log.")] = None,
    samples: Samples = None,
    family: Family = None,
    train_tag: TrainTag = None,
    val_tag: ValTag = None,
    columns: Columns = None,
    axis: Annotated[Count | None, typer.Option(help="Count by step, epoch or time, where the log has it.")] = None,
    horizon: Annotated[int | None, typer.Option(min=1, help="Forecast the loss at this step or epoch.")] = None,
    match: Annotated[str | None, typer.Option(help="Only runs whose name fits this pattern (`exp*`).")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only runs written to since then: 90m, 12h, 7d or 2026-01-31.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes for trees of many runs; as many as cores.")] = None,
    sort: Annotated[Order, typer.Option(help="Order of many runs: worst verdict, best validation loss, ...")] = (
        Order.VERDICT
    ),
    only_unhealthy: Annotated[bool, typer.Option("--only-unhealthy", help="Leave out the other runs.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Everything: all checks, all reasons.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="One line a run.")] = False,
    select: Select = None,
    ignore: Ignore = None,
    fail_on: FailOnSeverity = FailOn.WARNING,
    exit_zero: ExitZero = False,
    write_tensorboard: Annotated[
        bool, typer.Option("--write-tensorboard", help="Show the findings in TensorBoard: a sub-run `ttsdoc` is added.")
    ] = False,
) -> None:
    """Say what is wrong with a run, and what to do."""
    from diagnose.facts import Hints
    from diagnose.pool import find, judge_all
    from diagnose.run import Axis

    names = tuple(columns.split(",")) if columns else ()
    clock = None if axis is None else Axis[axis.name]
    hints = Hints(config, samples, family, train_tag, val_tag, horizon, clock, names)
    if paths and "-" in paths and sys.stdin.isatty():
        tell("reading standard input, to its end (Ctrl-D)")
    sources = find(paths or _usual_place(), match=match, since=None if since is None else _moment(since))
    judge = partial(judge_all, hints=hints, checks=checks_of(select, ignore), jobs=jobs or os.cpu_count() or 1)
    watched = len(sources) > FEW_RUNS and sys.stderr.isatty()
    fleet = _with_progress(sources, judge) if watched else judge(sources)
    found = list(fleet.diagnoses)
    tell(*fleet.refused, *fleet.passed_over, *_uncounted(found, clock), *_unforeseen(found))
    status = 2 if fleet.refused else status_of(found, fail_on)
    sys.stdout.write(_shown(_in_order(found, sort, only_unhealthy), form, verbose=verbose, quiet=quiet))
    if write_tensorboard:
        from diagnose.integrations.tensorboard import write_back

        for diagnosis in found:
            print(f"written for TensorBoard: {plain(str(write_back(diagnosis)))}", file=sys.stderr)
    raise typer.Exit(0 if exit_zero else status)


def _in_order(found: list[Diagnosis], order: Order, only_unhealthy: bool) -> list[Diagnosis]:
    from diagnose.finding import Verdict

    wanted = [diagnosis for diagnosis in found if not only_unhealthy or diagnosis.verdict is Verdict.UNHEALTHY]
    if len(wanted) < 2:
        return wanted
    from diagnose.report.summary import in_order

    return in_order(wanted, order)


def _uncounted(found: list[Diagnosis], axis: Axis | None) -> Iterator[str]:
    """A line on each log that cannot be counted as was asked for."""
    for one in found:
        if axis is not None and all(curve.axis is not axis for curve in one.run.curves.values()):
            yield f"{one.run.source}: the log does not say the {axis.name.lower()} of its points, --axis is ignored"


def _unforeseen(found: list[Diagnosis]) -> Iterator[str]:
    """A line on each run without the forecast that was asked for."""
    for one in found:
        if one.facts.horizon is not None and one.forecast is None:
            reach = "it needs 12 points of the loss, and goes from a tenth beyond the run to five times its length"
            yield f"{one.run.source}: no forecast for {one.facts.horizon:,}: {reach}"


def _moment(text: str) -> float:
    """Seconds since 1970 of `90m` ago, `12h` ago, `7d` ago, or of a date."""
    import time
    from datetime import datetime

    try:
        if text[-1:] in ("m", "h", "d"):
            return time.time() - int(text[:-1]) * UNITS[text[-1]]
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"{text!r} is no time: give 90m, 12h, 7d or a date like 2026-01-31") from error


def _usual_place() -> list[str]:
    """The first usual place that holds something, and a note on it and on the others."""
    place, *others = [one for one in USUAL_PLACES if Path(one).is_dir() and any(Path(one).iterdir())] or ["."]
    passed = " and ".join(f"{other}{os.sep}" for other in others if other != ".")
    tell(f"no path given, looking in {place}{os.sep}{f', not in {passed}' if passed else ''}")
    return [place]


def _with_progress(sources: list[Source], judge: Callable[..., Fleet]) -> Fleet:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress("runs", *columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("runs", total=len(sources))
        return judge(sources, progress=lambda done, _: bar.update(task, completed=done))


def _shown(found: list[Diagnosis], form: str, *, verbose: bool, quiet: bool) -> str:
    """The results in the order given; as text few runs in full, many as a table and the worst in full."""
    from diagnose.report.screen import Screen

    screen = Screen.of_stdout()
    if form != TEXT:
        return rendered(found, form)
    if quiet:
        from diagnose.report.line import one_line

        return "".join(one_line(diagnosis, screen) for diagnosis in found)
    from diagnose.report.summary import MANY_RUNS, as_table, worst
    from diagnose.report.terminal import render

    many = len(found) > MANY_RUNS
    reports = [render(diagnosis, screen, verbose=verbose) for diagnosis in (worst(found) if many else found)]
    return "\n".join([*([as_table(found, screen)] if many else []), *reports])
