"""Options that several commands share, spelled once. Nothing heavy is imported here."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diagnose.cli.completion import families
from diagnose.report.formats import names

if TYPE_CHECKING:
    from diagnose.checks.base import Check
    from diagnose.finding import Diagnosis


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


class Count(str, Enum):
    """What the steps of the curves count."""

    EPOCH = "epoch"
    STEP = "step"
    TIME = "time"


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
    if form not in names():
        raise typer.BadParameter(f"{form!r} is none of {', '.join(names())}")
    return form


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
    return int(
        any(
            finding.severity.rank >= least and finding.confidence is not Confidence.LOW
            for diagnosis in found
            for finding in diagnosis.findings
        )
    )
