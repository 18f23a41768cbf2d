"""`ttsdoc trace`: run a training command and watch which config keys it reads."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diagnose.clean import plain
from diagnose.cli.options import TextOrJson, TextOrJsonFormat, answer, finite, tell

if TYPE_CHECKING:
    from diagnose.usage.report import KeyReport


def trace(
    command: Annotated[list[str], typer.Argument(help="The training command, after `--`.", metavar="-- COMMAND")],
    config: Annotated[Path | None, typer.Option(help="The config, where the command does not name it.")] = None,
    steps: Annotated[int, typer.Option(min=1, help="Watch until so many optimiser steps.")] = 20,
    seconds: Annotated[float, typer.Option(min=0.1, callback=finite, help="Watch no longer than this.")] = 120.0,
    stop_after_start: Annotated[bool, typer.Option(help="Stop the run when the start is over.")] = False,
    form: TextOrJsonFormat = TextOrJson.TEXT,
) -> None:
    """Start a training and see which config keys it reads.

    It then goes on.

    ttsdoc trace --stop-after-start -- python train.py --config config.yaml
    """
    from diagnose.usage.trace import Watch, config_of, watch

    # The report alone goes to standard output when a program is to read it.
    output = sys.stderr.fileno() if form is TextOrJson.JSON else None
    idle, status = False, None
    for found, ended in watch(command, config or config_of(command), Watch(steps, seconds, stop_after_start), output):
        status = ended
        if found is not None:
            idle = bool(found.idle)
            _print(found, form)
    # The exit status is that of the command, or ours where we stopped it.
    raise typer.Exit(int(idle) if status is None else status)


def _print(found: KeyReport, form: TextOrJson) -> None:
    from diagnose.report.config import lines, report_json

    if form is TextOrJson.TEXT:
        tell(*found.notes)
    answer(form, lambda: report_json(found), lambda _: "".join(f"{plain(line)}\n" for line in lines(found)))
    sys.stdout.flush()
