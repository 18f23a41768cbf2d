"""Options that several commands share, spelled once. Nothing heavy is imported here."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer


class Format(str, Enum):
    """What a report can be written as."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class TextOrJson(str, Enum):
    """What the answer of a small command can be written as."""

    TEXT = "text"
    JSON = "json"


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


TextOrJsonFormat = Annotated[TextOrJson, typer.Option("--format", help="Output format.")]
Samples = Annotated[int | None, typer.Option(min=1, help="Clips in the data set, where ttsdoc cannot count them.")]
Family = Annotated[str | None, typer.Option(help="Model family for the loss targets: t3, vits, tacotron2, ...")]
TrainTag = Annotated[str | None, typer.Option(help="The series to take as the training loss.")]
ValTag = Annotated[str | None, typer.Option(help="The series to take as the validation loss.")]
Dialect = Annotated[Path | None, typer.Option(help="A dialect file of your own.")]
FailOnSeverity = Annotated[FailOn, typer.Option("--fail-on", help="The least severity that makes the exit status 1.")]
ExitZero = Annotated[bool, typer.Option("--exit-zero", help="Exit with status 0 whatever is found.")]
