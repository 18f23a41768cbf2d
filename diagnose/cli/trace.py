"""`ttsdoc trace`: run a training command and watch which config keys it reads."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from diagnose.keyflow.report import KeyReport


class Format(str, Enum):
    """How the report is told."""

    TEXT = "text"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command("trace", context_settings={"ignore_unknown_options": False})(trace)


def trace(
    command: Annotated[list[str], typer.Argument(help="The training command, after `--`.", metavar="-- COMMAND")],
    config: Annotated[Path | None, typer.Option(help="The config, where the command does not name it.")] = None,
    steps: Annotated[int, typer.Option(min=1, help="Watch until so many optimiser steps.")] = 20,
    seconds: Annotated[float, typer.Option(min=0.1, help="Watch no longer than this.")] = 120.0,
    stop_after_start: Annotated[bool, typer.Option(help="Stop the run when the start is over.")] = False,
    format: Annotated[Format, typer.Option(help="How to tell the report.")] = Format.TEXT,  # noqa: A002 - the option
) -> None:
    """Start a training command, see which config keys it reads, and let it go on.

    ttsdoc trace --stop-after-start -- python train.py --config config.yaml
    """
    from diagnose.keyflow.trace import Watch

    limits = Watch(steps, seconds, stop_after_start)
    raise typer.Exit(_run(command, config, limits, format))


def _run(command: list[str], config: Path | None, limits: object, form: Format) -> int:
    """Watch the command; the exit status is its own, or ours if we stopped it."""
    import sys

    from diagnose.keyflow.trace import TraceError, Watch, config_of, watch

    assert isinstance(limits, Watch)
    found: KeyReport | None = None
    status: int | None = 2
    try:
        # The report alone goes to standard output when a program is to read it.
        output = sys.stderr.fileno() if form is Format.JSON else None
        for report, status in watch(command, config or config_of(command), limits, output):  # noqa: B007 - the last counts
            if report is not None:
                found = report
                _tell(report, form)
    except (TraceError, ValueError, OSError) as error:
        typer.echo(f"ttsdoc: {error}", err=True)
        return 2
    return status if status is not None else int(bool(found and found.idle))


def _tell(report: KeyReport, form: Format) -> None:
    import json

    from diagnose.report.clean import plain

    if form is Format.JSON:
        typer.echo(json.dumps({"schema_version": 1, **report.to_json()}, indent=2, ensure_ascii=False))
        return
    for note in report.notes:
        typer.echo(plain(f"ttsdoc: {note}"), err=True)
    for line in report.lines():
        typer.echo(plain(line))
