"""`ttsdoc mcp`: the same judgement for agents, over the Model Context Protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def mcp(
    root: Annotated[
        Path, typer.Option(file_okay=False, exists=True, help="Paths are confined to this folder.")
    ] = Path(),
) -> None:
    """Serve analyze, explain, check and plan to an agent.

    On standard input and output. Nothing is changed.
    """
    from diagnose.integrations.agents import server

    server(root).run("stdio")
