"""The contract with other people's scripts: `ttsdoc schema` prints its JSON Schema."""

from __future__ import annotations

from collections.abc import Iterable

from diagnose.finding import Diagnosis
from diagnose.report.as_json import diagnoses, dumps


def render(found: Iterable[Diagnosis]) -> str:
    """Everything that is known of each run, strict JSON."""
    return dumps(diagnoses(found))
