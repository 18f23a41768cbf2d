"""Options that several commands share, spelled once. Nothing heavy is imported here."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from enum import Enum
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from diagnose.clean import plain
from diagnose.cli.completion import families
from diagnose.report.formats import names

if TYPE_CHECKING:
    from diagnose.checks.base import Check
    from diagnose.finding import Diagnosis
    from diagnose.report.screen import Screen


class TextOrJson(str, Enum):
    """What the answer of a small command can be written as."""

    TEXT = "text"
    JSON = "json"


class FailOn(str, Enum):
    """The least severity that makes the exit status 1; `inconclusive`: any run that is not healthy does."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    INCONCLUSIVE = "inconclusive"


UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
"""Seconds of each unit of time."""
TextOrJsonFormat = Annotated[TextOrJson, typer.Option("--format", help="Output format.")]
Samples = Annotated[int | None, typer.Option(min=1, help="Clips in the data set, where ttsdoc cannot count them.")]
Family = Annotated[
    str | None,
    typer.Option(help="Model family for the loss targets: t3, vits, tacotron2, ...", autocompletion=families),
]
TrainTag = Annotated[str | None, typer.Option(help="The series to take as the training loss.")]
ValTag = Annotated[str | None, typer.Option(help="The series to take as the validation loss.")]
Columns = Annotated[
    str | None, typer.Option(help="Names for the columns of a table without a header: step,loss,val_loss.")
]
Dialect = Annotated[Path | None, typer.Option(help="A dialect file of your own.")]
FailOnSeverity = Annotated[
    FailOn,
    typer.Option("--fail-on", help="The least severity that makes the exit status 1; low confidence never does."),
]


def _known_format(form: str) -> str:
    if form in names():
        return form
    raise typer.BadParameter(f"{form!r} is none of {', '.join(names())}")


Format = Annotated[
    str,
    typer.Option(
        "--format",
        help="Output format.",
        metavar=f"[{'|'.join(names())}]",
        callback=_known_format,
        autocompletion=lambda: list(names()),
    ),
]
Select = Annotated[list[str] | None, typer.Option(help="Only these checks: codes, names, or beginnings of codes.")]
Ignore = Annotated[list[str] | None, typer.Option(help="Not these checks.")]
ExitZero = Annotated[bool, typer.Option("--exit-zero", help="Exit with status 0 whatever is found.")]


def finite(value: float | None) -> float | None:
    """The number of an option, as its `callback`: a range lets NaN pass. Raises BadParameter."""
    if value is not None and not isfinite(value):
        raise typer.BadParameter(f"{value} is no number to calculate with")
    return value


MeasuredNoise = Annotated[
    float | None,
    typer.Option(min=0, callback=finite, help="How much two equal runs differ in their loss, where you measured it."),
]


def seconds(text: str) -> float:
    """`90m`, `12h`, `2d`, `600s` or `600` in seconds. Raises BadParameter."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text.strip())
    if found is None:
        raise typer.BadParameter(f"{text!r} is no time: give 600s, 90m or 12h")
    return float(found[1]) * UNITS[found[2]]


def tell(*lines: object) -> None:
    """Lines for the person, not for the results: on standard error, neutralised."""
    for line in lines:
        print(f"ttsdoc: {plain(str(line))}", file=sys.stderr)


def answer(form: TextOrJson, content: Callable[[], dict[str, Any]], text: Callable[[Screen], str]) -> None:
    """Write a result to standard output: `content` behind the keys of every JSON answer, or `text` for the screen."""
    if form is TextOrJson.JSON:
        from diagnose.report.as_json import dumps, envelope

        sys.stdout.write(dumps(envelope(**content())))
    else:
        from diagnose.report.screen import Screen

        sys.stdout.write(text(Screen.of_stdout()))


def checks_of(select: list[str] | None, ignore: list[str] | None) -> tuple[Check, ...] | None:
    """The checks that the options, else the project's `ttsdoc.toml`, ask for, with the project's thresholds.

    None where nothing is said: all, of which the engine imports those that the facts call for.
    Raises ConfigError for what fits no check.
    """
    from diagnose.project import project

    own = project()
    named, left = ([name for entry in given or () for name in entry.split(",")] for given in (select, ignore))
    wanted, unwanted = named or own.select, {*own.ignore, *left}
    if not (wanted or unwanted or own.thresholds):
        return None
    from diagnose.checks import chosen_checks

    return chosen_checks(wanted, unwanted, own.thresholds)


def status_of(found: list[Diagnosis], fail_on: FailOn) -> int:
    """1 where a finding is at or above `fail_on`, else 0. A finding of low confidence never fails a run."""
    from diagnose.finding import Confidence, Severity, Verdict

    if fail_on is FailOn.INCONCLUSIVE:
        return int(any(diagnosis.verdict is not Verdict.HEALTHY for diagnosis in found))
    least = Severity(fail_on.value).rank
    told = (one for diagnosis in found for one in diagnosis.findings if not one.launch)
    sure = (one for one in told if one.confidence is not Confidence.LOW)
    return int(any(finding.severity.rank >= least for finding in sure))
