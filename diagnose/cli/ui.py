"""`ttsdoc ui`: the doctor in a browser."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer


def ui(
    root: Annotated[
        Path, typer.Option(file_okay=False, exists=True, help="The folder of configs, runs and data; no other is read.")
    ] = Path(),
    command: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND",
            help="How to train, with {config}, {log_dir} and {resume} in their places. [default: the bundled trainer]",
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Beyond 127.0.0.1 the page asks for a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0: any that is free.")] = 7860,
    token: Annotated[
        str | None, typer.Option(envvar="TTSDOC_TOKEN", help="Ask for this token. [default: made where it is needed]")
    ] = None,
) -> None:
    """The same in the browser: start, stop, watch, listen.

    ttsdoc ui --command 'python train.py --config {config} --out {log_dir}'
    """
    import shlex

    from diagnose.ui.app import serve

    os.chdir(root)  # what a config names by a relative path is beside it
    words = shlex.split(command) if command else None
    serve(
        root, words, host=host, port=port, token=token, say=lambda address: print(f"ttsdoc ui: {address}", flush=True)
    )
