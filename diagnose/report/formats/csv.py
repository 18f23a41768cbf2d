"""One row a run, for a spreadsheet."""

from __future__ import annotations

from collections.abc import Sequence

from diagnose.finding import Diagnosis
from diagnose.report.summary import as_csv


def render(found: Sequence[Diagnosis]) -> str:
    """A heading, then the runs in the order given."""
    return as_csv(found)
