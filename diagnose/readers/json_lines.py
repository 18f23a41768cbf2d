"""JSON lines: one object a line (LLaMA-Factory, detectron2, DeiT and MAE, DLLogger, lingua, any `metrics.jsonl`)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from diagnose.readers.columns import curves_of
from diagnose.readers.columns.tables import Records, is_spread, spread, with_counters
from diagnose.readers.sources import Source
from diagnose.regex import regex
from diagnose.run import InputHealth, Run

# No record of a metrics file is longer; a longer line is a document of another kind.
LONGEST_LINE = 1 << 20
# Bytes that are parsed at one time: few enough for their objects to stay in the processor's cache.
_BLOCK = 1 << 17
# Records of each block in which a split must be named, if any is.
_LOOKED_AT = 50
_BETWEEN = regex(rb"(?<=\}),\s*(?=\{)")


def sniff(source: Source) -> int:
    """Most of the first lines are JSON objects that hold numbers."""
    lines = _single(line for line in source.head().split(b"\n")[:20] if line.strip())
    objects = [record for record in map(_object, lines) if record is not None]
    if not objects or len(objects) < len(lines) - 1:
        return 0
    rows = Records()
    rows.add(objects)
    if not rows.columns():
        return 0
    return 85 if len(objects) > 1 else 55


def read(source: Source) -> Run:
    """Numbers at any depth become curves, their keys joined by `/`. Raises LogError where there is none."""
    rows, bad, skipped = Records(), 0, 0
    with source.open() as file:
        for lines in _lines(file):
            records = _objects(lines)
            whole = [_row(record) if type(record.get("step")) is list else record for record in records if record]
            rows.add(
                [*map(spread, whole)] if is_spread(key for record in whole[:_LOOKED_AT] for key in record) else whole
            )
            wrong = [line for line, record in zip(lines, records, strict=True) if record is None]
            bad, skipped = bad + len(wrong), skipped + sum(map(len, wrong))
    health = InputHealth(files=1, records=rows.rows, bad_records=bad, bytes_skipped=skipped)
    notes = [f"{bad} lines are no JSON objects and were left out"] if bad else []
    story = curves_of(with_counters(rows.columns()))
    return story.run(source, "json-lines", health, notes, empty="no numbers in its JSON lines: is this a training log?")


def _lines(file: BinaryIO) -> Iterator[list[bytes]]:
    """The lines that are not blank, many at a time. One without end comes in pieces."""
    rest = b""
    while block := file.read(_BLOCK):
        *lines, rest = (rest + block).split(b"\n")
        if len(rest) > LONGEST_LINE:
            lines, rest = [*lines, rest], b""
        yield _single(line for line in lines if line.strip())
    if rest.strip():
        yield _single([rest])


def _single(lines: Iterable[bytes]) -> list[bytes]:
    """The lines; of those that are lists of objects, as ClearML writes them offline, each object by itself."""
    return [one for line in lines for one in (_BETWEEN.split(line.strip()[1:-1]) if line[:2] == b"[{" else [line])]


def _objects(lines: list[bytes]) -> list[dict[str, Any] | None]:
    """The object on each line, None where there is none. All lines are tried as one document: that is faster."""
    try:
        records = json.loads(b"[" + b",\n".join(map(_bare, lines)) + b"]")
    except (ValueError, RecursionError):
        return list(map(_object, lines))
    return records if len(records) == len(lines) and set(map(type, records)) <= {dict} else list(map(_object, lines))


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(_bare(line))
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _bare(line: bytes) -> bytes:
    """The line without what is around its object: DLLogger's mark, the marks of a quotation or of bold text."""
    return line.strip().removeprefix(b"DLLL ").strip(b"*_`> \t")


def _row(record: dict[str, Any]) -> dict[str, Any]:
    """A record of DLLogger's, whose `step` is a list: epoch, iteration; nothing for a summary."""
    numbers = dict(zip(("epoch", "batch"), record["step"], strict=False))
    data = record.get("data")
    return {**(data if isinstance(data, dict) else record), **numbers} if numbers else {}
