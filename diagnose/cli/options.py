"""Options that several commands share, spelled once. Nothing heavy is imported here."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from diagnose.checks.base import Check
    from diagnose.finding import Diagnosis


class Format(str, Enum):
    """What a report can be written as."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    CSV = "csv"
    GITHUB = "github"
    SARIF = "sarif"
    JUNIT = "junit"


class CheckFormat(str, Enum):
    """What the findings on a config can be written as."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"
    JUNIT = "junit"


CI_FORMATS = ("github", "sarif", "junit")
"""Formats for other programs, each rendered by the module of `diagnose.report` that has its name."""


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
Family = Annotated[str | None, typer.Option(help="Model family for the loss targets: t3, vits, tacotron2, ...")]
TrainTag = Annotated[str | None, typer.Option(help="The series to take as the training loss.")]
ValTag = Annotated[str | None, typer.Option(help="The series to take as the validation loss.")]
Dialect = Annotated[Path | None, typer.Option(help="A dialect file of your own.")]
FailOnSeverity = Annotated[FailOn, typer.Option("--fail-on", help="The least severity that makes the exit status 1.")]
CheckFormatOption = Annotated[CheckFormat, typer.Option("--format", help="Output format.")]
Select = Annotated[list[str] | None, typer.Option(help="Only these checks: codes, names, or beginnings of codes.")]
Ignore = Annotated[list[str] | None, typer.Option(help="Not these checks.")]
ExitZero = Annotated[bool, typer.Option("--exit-zero", help="Exit with status 0 whatever is found.")]


def checks_of(select: list[str] | None, ignore: list[str] | None) -> tuple[Check, ...]:
    """The checks that the options, else the project's `ttsdoc.toml`, ask for, with the project's thresholds.

    Raises ConfigError for what fits no check.
    """
    from diagnose.checks import chosen_checks
    from diagnose.project import project

    own = project()
    named, left = ([name for entry in given or () for name in entry.split(",")] for given in (select, ignore))
    return chosen_checks(named or own.select, {*own.ignore, *left}, own.thresholds)


def for_ci(found: list[Diagnosis], form: str) -> str:
    """The diagnoses in one of the `CI_FORMATS`."""
    from importlib import import_module

    text: str = import_module(f"diagnose.report.{form}").render(found)
    return text
