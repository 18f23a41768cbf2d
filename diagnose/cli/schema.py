"""`ttsdoc schema`: what `--format json` writes, as a JSON Schema."""

from __future__ import annotations

import sys

import typer


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command("schema")(schema)


def schema() -> None:
    """Print the JSON Schema of everything that --format json writes."""
    from importlib import resources

    sys.stdout.write((resources.files("diagnose.report") / "output.schema.json").read_text("utf-8") + "\n")
