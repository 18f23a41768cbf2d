"""`ttsdoc config show` and `ttsdoc check`: what a config says, and what is wrong before anyone trains."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer


class Format(str, Enum):
    """How results are told."""

    TEXT = "text"
    JSON = "json"


File = Annotated[Path, typer.Argument(help="The training config: YAML, JSON, or a nanoGPT Python file.")]
Form = Annotated[Format, typer.Option("--format", help="How to tell it.")]
Dialect = Annotated[Path | None, typer.Option(help="A dialect file of your own.")]
Samples = Annotated[int | None, typer.Option(min=1, help="Clips in the data set, where ttsdoc cannot count them.")]


def register(app: typer.Typer) -> None:
    """Mount `config` and `check`."""
    group = typer.Typer(help="Read a training config.", no_args_is_help=True)
    group.command("show")(show)
    app.add_typer(group, name="config")
    app.command("check")(check)


def show(config: File, form: Form = Format.TEXT, dialect: Dialect = None, samples: Samples = None) -> None:
    """Print what a config says: dialect, canonical values, where each stands, and what they amount to."""
    from diagnose.config import read_config
    from diagnose.config.effective import effective
    from diagnose.gather import samples_named_by
    from diagnose.report.as_json import dumps, envelope
    from diagnose.report.config import config_json, config_text
    from diagnose.report.screen import Screen

    read = read_config(config, dialect=dialect)
    sums = effective(read, samples or samples_named_by(read))
    if form is Format.JSON:
        sys.stdout.write(dumps(envelope(**config_json(read, sums))))
    else:
        sys.stdout.write(config_text(read, sums, Screen.of_stdout()))


def check(
    config: File,
    trainer: Annotated[Path | None, typer.Option(help="The trainer's source: report the keys that it ignores.")] = None,
    data: Annotated[Path | None, typer.Option(help="The data set: report what is wrong with it.")] = None,
    form: Form = Format.TEXT,
    dialect: Dialect = None,
    samples: Samples = None,
    exit_zero: Annotated[bool, typer.Option(help="Exit with status 0 whatever is found.")] = False,
) -> None:
    """Look at a config, its data set and its trainer before a GPU hour is spent."""
    from diagnose.engine import examine
    from diagnose.facts import Hints
    from diagnose.gather import facts_before_training
    from diagnose.report.as_json import dumps, envelope
    from diagnose.report.config import check_json, check_text
    from diagnose.report.screen import Screen

    hints = Hints(samples=samples)
    seen = examine(facts_before_training(config, hints=hints, trainer=trainer, data=data, dialect=dialect))
    if form is Format.JSON:
        sys.stdout.write(dumps(envelope(**check_json(seen))))
    else:
        sys.stdout.write(check_text(seen, Screen.of_stdout()))
    raise typer.Exit(0 if exit_zero else int(any(finding.alarming for finding in seen.findings)))
