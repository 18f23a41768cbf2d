"""The `ttsdoc` command: arguments in, text out, exit status back. Heavy imports wait until a command needs them."""

from __future__ import annotations

import os
import sys
from enum import Enum
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diagnose import __version__

if TYPE_CHECKING:
    from diagnose.facts import Hints
    from diagnose.finding import Diagnosis
    from diagnose.plan import Plan
    from diagnose.pool import Fleet
    from diagnose.readers.sources import Source
    from diagnose.run import Axis

# More runs than this are told in one line each, and the worst in full.
MANY_RUNS = 3
# Where trainers put their logs. Searched in this order when no path is given.
USUAL_PLACES = ("logs", "runs", "lightning_logs", "output", ".")

app = typer.Typer(
    help="Find what is sick in a training run, prove it, and write the corrected config.",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: importing rich would take longer than all the rest
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Format(str, Enum):
    """How results are told."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class FailOn(str, Enum):
    """The least severity that makes the exit status 1."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Count(str, Enum):
    """What the steps of the curves count."""

    EPOCH = "epoch"
    STEP = "step"
    TIME = "time"


Samples = Annotated[int | None, typer.Option(min=1, help="Clips in the data set, where ttsdoc cannot count them.")]
Family = Annotated[str | None, typer.Option(help="Model family for the loss targets: t3, vits, tacotron2, ...")]
TrainTag = Annotated[str | None, typer.Option(help="The series to take as the training loss.")]
ValTag = Annotated[str | None, typer.Option(help="The series to take as the validation loss.")]


def main() -> int:
    """Run the command line. Returns the exit status: 0, 1 findings, 2 bad input, 130 on Ctrl-C."""
    if sys.stdout is None:  # closed by `>&-`
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - it lives as long as the process
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # 15 ms of numpy's import, and nothing here uses more
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a letter that the terminal lacks is no reason to stop
    try:
        outcome = app(standalone_mode=False)
    except typer.Exit as stop:
        outcome = stop.exit_code
    except (KeyboardInterrupt, typer.Abort):
        outcome = 130
    except BrokenPipeError:  # `ttsdoc ... | head` is no error
        sys.stderr.close()
        outcome = 0
    except Exception as error:
        outcome = _told(error)
    return outcome if isinstance(outcome, int) else 0


def _told(error: Exception) -> int:
    """Tell an error that the user can repair in one line; anything else keeps its traceback."""
    from diagnose.errors import TtsdocError
    from diagnose.report.clean import plain

    if hasattr(error, "show"):  # a usage error of click's, whose class newer typers keep to themselves
        error.show()
        return 2
    if isinstance(error, TtsdocError | OSError):
        print(f"ttsdoc: {plain(str(error))}", file=sys.stderr)
        return 2
    raise error


def _version(wanted: bool) -> None:
    if wanted:
        print(f"ttsdoc {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def analyze(
    paths: Annotated[
        list[str] | None, typer.Argument(help="Logs, folders or trees of runs; - is standard input.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How to tell it.")] = Format.TEXT,
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
    fail_on: Annotated[FailOn, typer.Option(help="The least severity that makes the exit status 1.")] = FailOn.WARNING,
    exit_zero: Annotated[bool, typer.Option(help="Exit with status 0 whatever is found.")] = False,
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


@app.command()
def explain(
    check: Annotated[str | None, typer.Argument(help="A code (STB002) or a name (divergence); none: list all.")] = None,
) -> None:
    """Tell what a check looks for, why, and what to do."""
    from diagnose.report.explain import find_topic, topics

    found = find_topic(check) if check else None
    if found is not None:
        sys.stdout.write(found.page)
        return
    listing = "\n".join(f"  {topic.code}  {topic.name}" for topic in topics())
    if check is None:
        print(listing)
        return
    print(f"ttsdoc: no check is called {check!r}; there are:\n{listing}", file=sys.stderr)
    raise typer.Exit(2)


@app.command()
def selftest(
    form: Annotated[Format, typer.Option("--format", help="How to tell it.")] = Format.TEXT,
) -> None:
    """Measure on this machine how often ttsdoc is right."""
    from diagnose.report import as_json
    from diagnose.report.selftest import as_plain, render
    from diagnose.report.terminal import Screen
    from diagnose.testing.selftest import selftest as measure

    outcome = measure()
    if form is Format.JSON:
        sys.stdout.write(as_json.dumps(as_json.envelope(**as_plain(outcome))))
    else:
        sys.stdout.write(render(outcome, Screen.of_stdout()))


@app.command()
def fix(
    config: Annotated[Path, typer.Argument(help="The training config, YAML or JSON.")],
    logs: Annotated[
        list[Path] | None, typer.Option(help="Its logs, where its own log_dir does not lead to them.")
    ] = None,
    samples: Samples = None,
    family: Family = None,
    train_tag: TrainTag = None,
    val_tag: ValTag = None,
    trainer: Annotated[
        Path | None, typer.Option(help="The trainer's source: edits to keys it ignores are refused.")
    ] = None,
    dialect: Annotated[Path | None, typer.Option(help="A dialect file of your own.")] = None,
    only: Annotated[str | None, typer.Option(help="Change only these parameters (comma-separated).")] = None,
    unsafe: Annotated[bool, typer.Option(help="Include the edits that are not safe.")] = False,
    diff: Annotated[bool, typer.Option(help="Print a unified diff instead of the config.")] = False,
    in_place: Annotated[bool, typer.Option(help="Rewrite the file; the old one is kept as CONFIG.bak.")] = False,
) -> None:
    """Write a config again with only the sick values changed."""
    from diagnose.api import fix as correct
    from diagnose.facts import Hints

    hints = Hints(None, samples, family, train_tag, val_tag)
    names = None if only is None else _parameters(only)
    plan = correct(config, logs=logs or (), hints=hints, only=names, unsafe=unsafe, trainer=trainer, dialect=dialect)
    _reasons(plan)
    _write(plan, config, diff=diff, in_place=in_place)


def _parameters(only: str) -> set[str]:
    """The canonical names in a comma-separated list."""
    from diagnose.config.hyperparameters import HYPERPARAMETERS

    names = {name.strip() for name in only.split(",")}
    unknown = ", ".join(sorted(names - HYPERPARAMETERS.keys()))
    if unknown:
        raise typer.BadParameter(f"--only: no parameter is called {unknown}; there are {', '.join(HYPERPARAMETERS)}")
    return names


def _reasons(plan: Plan) -> None:
    """The table of changes, on stderr."""
    from diagnose.report.changes import render
    from diagnose.report.terminal import Screen

    sys.stderr.write(render(plan, Screen.of_stdout()))


def _write(plan: Plan, config: Path, *, diff: bool, in_place: bool) -> None:
    if diff:
        sys.stdout.write(plan.diff())
    elif in_place:
        from diagnose.files import rewrite

        if plan.after != plan.before:
            print(f"the old config is kept as {rewrite(config, plan.after.encode('utf-8'))}", file=sys.stderr)
    else:
        sys.stdout.buffer.write(plan.after.encode("utf-8"))


for door in ("config", "trace", "train", "data"):
    import_module(f"diagnose.cli.{door}").register(app)
