"""`ttsdoc schema`: what `--format json` writes, as a JSON Schema."""

from __future__ import annotations

import sys


def schema() -> None:
    """Print the JSON Schema of everything that --format json writes."""
    from importlib import resources

    sys.stdout.write((resources.files("diagnose.report") / "output.schema.json").read_text("utf-8") + "\n")
