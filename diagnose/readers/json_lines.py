"""JSON lines: one object a line (LLaMA-Factory, detectron2, DeiT and MAE, DLLogger, lingua, any `metrics.jsonl`)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from diagnose.readers._base import Source
from diagnose.readers._columns import curves_of
from diagnose.readers._tables import columns_of_rows
from diagnose.run import InputHealth, LogError, Run

# No record of a metrics file is longer; a longer line is a document of another kind.
LONGEST_LINE = 1 << 20
_DEEPEST = 4


def sniff(source: Source) -> int:
    """Most of the first lines are JSON objects that hold numbers."""
    lines = [line for line in source.head().split(b"\n")[:20] if line.strip()]
    objects = [record for record in map(_object, lines) if record is not None]
    if not objects or len(objects) < len(lines) - 1:
        return 0
    if not any(_has_number(record) for record in objects):
        return 0
    return 85 if len(objects) > 1 else 55


def read(source: Source) -> Run:
    """Numbers at any depth become curves, their keys joined by `/`. Raises LogError where there is none."""
    rows, bad, skipped = [], 0, 0
    with source.open() as file:
        while line := file.readline(LONGEST_LINE):
            record = _object(line)
            if record is not None:
                rows.append(_row(record))
            elif line.strip():
                bad, skipped = bad + 1, skipped + len(line)
    story = curves_of(columns_of_rows(rows))
    if not story.curves:
        raise LogError(f"{source.name}: no numbers in its JSON lines: is this a training log?")
    health = InputHealth(files=1, records=len(rows), bad_records=bad, bytes_skipped=skipped)
    notes = story.notes + ((f"{bad} lines are no JSON objects and were left out",) if bad else ())
    return Run(
        source.label, source.name, "json-lines", story.curves, sources=(source.name,), health=health, notes=notes
    )


def _object(line: bytes) -> dict[str, Any] | None:
    text = line.strip().removeprefix(b"DLLL ")
    if not text.startswith(b"{") or not text.endswith(b"}"):
        return None
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _row(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record without its levels. DLLogger writes `step` as a list: epoch, iteration; nothing for a summary."""
    row = dict(_flat(record)) if any(isinstance(value, dict) for value in record.values()) else dict(record)
    step = row.get("step")
    if not isinstance(step, list):
        return row
    numbers = dict(zip(("epoch", "batch"), step, strict=False))
    data = {name.removeprefix("data/"): value for name, value in row.items() if name.startswith("data/")}
    return {**data, **numbers} if numbers else {}


def _has_number(record: Mapping[str, Any]) -> bool:
    return any(isinstance(value, int | float) for _, value in _flat(record))


def _flat(record: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    for key, value in record.items():
        if isinstance(value, dict) and depth < _DEEPEST:
            yield from _flat(value, f"{prefix}{key}/", depth + 1)
        else:
            yield f"{prefix}{key}", value
