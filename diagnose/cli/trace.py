"""`ttsdoc trace`: run a training command and watch which config keys it reads."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from diagnose.usage.report import KeyReport
    from diagnose.usage.trace import Watch


class Format(str, Enum):
    """Output formats."""

    TEXT = "text"
    JSON = "json"


def trace(
    command: Annotated[list[str], typer.Argument(help="The training command, after `--`.", metavar="-- COMMAND")],
    config: Annotated[Path | None, typer.Option(help="The config, where the command does not name it.")] = None,
    steps: Annotated[int, typer.Option(min=1, help="Watch until so many optimiser steps.")] = 20,
    seconds: Annotated[float, typer.Option(min=0.1, help="Watch no longer than this.")] = 120.0,
    stop_after_start: Annotated[bool, typer.Option(help="Stop the run when the start is over.")] = False,
    format: Annotated[Format, typer.Option(help="Output format.")] = Format.TEXT,  # noqa: A002 - the option
) -> None:
    """Start a training and see which config keys it reads.

    It then goes on.

    ttsdoc trace --stop-after-start -- python train.py --config config.yaml
    """
    from diagnose.usage.trace import Watch

    raise typer.Exit(_run(command, config, Watch(steps, seconds, stop_after_start), format))


def _run(command: list[str], config: Path | None, limits: Watch, form: Format) -> int:
    """Watch the command; the exit status is its own, or ours if we stopped it."""
    import sys

    from diagnose.usage.trace import config_of, watch

    # The report alone goes to standard output when a program is to read it.
    output = sys.stderr.fileno() if form is Format.JSON else None
    idle, status = False, None
    for report, ended in watch(command, config or config_of(command), limits, output):
        status = ended
        if report is not None:
            idle = bool(report.idle)
            _print(report, form)
    return int(idle) if status is None else status


def _print(report: KeyReport, form: Format) -> None:
    from diagnose.clean import plain
    from diagnose.report import as_json
    from diagnose.report.keys import lines, report_json

    if form is Format.JSON:
        typer.echo(as_json.dumps(as_json.envelope(**report_json(report))), nl=False)
        return
    for note in report.notes:
        typer.echo(plain(f"ttsdoc: {note}"), err=True)
    for line in lines(report):
        typer.echo(plain(line))
