"""For an issue or a pull request: few runs in full; many as a table, and the worst in full."""

from __future__ import annotations

from collections.abc import Sequence

from diagnose.finding import Diagnosis
from diagnose.report.as_markdown import render as one
from diagnose.report.summary import MANY_RUNS, as_markdown, worst


def render(found: Sequence[Diagnosis]) -> str:
    """The page."""
    if len(found) <= MANY_RUNS:
        return "\n".join(map(one, found))
    return "\n".join([as_markdown(found), *map(one, worst(found))])
