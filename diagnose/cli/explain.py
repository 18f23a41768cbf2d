"""`ttsdoc explain`: what a check looks for, why, and what to do."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command("explain")(explain)


def explain(
    check: Annotated[str | None, typer.Argument(help="A code (STB002) or a name (divergence); none: list all.")] = None,
) -> None:
    """Tell what a check looks for, why, and what to do."""
    from diagnose.report.explain import find_topic, topics

    found = find_topic(check) if check else None
    if found is not None:
        sys.stdout.write(found.page)
        return
    listing = "\n".join(f"  {topic.code}  {topic.name}" for topic in topics())
    if check is None:
        print(listing)
        return
    print(f"ttsdoc: no check is called {check!r}; there are:\n{listing}", file=sys.stderr)
    raise typer.Exit(2)
