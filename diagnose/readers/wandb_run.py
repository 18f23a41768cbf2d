"""wandb's own record of a run (`run-*.wandb`), as an offline run leaves it: framed protobuf records.

The frames are those of a LevelDB log: blocks of 32 KiB, in them chunks with a checksum, a length and a type that says
whether the chunk is a whole record or its first, middle or last part. Of the records only the history is read:
`Record.history = 2`, `HistoryRecord.item = 1`, `HistoryItem.key = 1, nested_key = 2, value_json = 16`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

from diagnose.readers.columns import curves_of
from diagnose.readers.columns.tables import columns_of_rows
from diagnose.readers.sources import Source
from diagnose.readers.sources.protobuf import UnsupportedRecordError, fields
from diagnose.run import InputHealth, Run

_MAGIC = b":W&B"
_HEADER = 7
_BLOCK = 32_768
_WHOLE, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
# A history record holds one step's metrics; one that is longer holds tables or media.
_LARGEST = 1 << 24
_HISTORY, _ITEM, _KEY, _NESTED, _VALUE = 2, 1, 1, 2, 16


def sniff(source: Source) -> int:
    """The header of a wandb record file."""
    return 100 if source.head(_HEADER).startswith(_MAGIC) else 0


def read(source: Source) -> Run:
    """The history as curves. Raises LogError where none was logged."""
    with source.open() as file:
        found = [_rows(record) for record in _records(file)]
    rows, bad = [row for rows in found if rows is not None for row in rows], found.count(None)
    health = InputHealth(files=1, records=len(rows), bad_records=bad)
    empty = "no history in this wandb run: it ended before its first step"
    return curves_of(columns_of_rows(rows)).run(source, "wandb", health, empty=empty)


def _records(file: BinaryIO) -> Iterator[bytes]:
    """The records, put together from their chunks; one whose parts are not all there is left out."""
    file.seek(_HEADER)
    left, record = _BLOCK - _HEADER, b""
    while len(header := file.read(min(_HEADER, left))) == _HEADER:
        length, kind = struct.unpack("<HB", header[4:])
        left -= _HEADER + length
        chunk = file.read(length)
        if left < 0 or len(chunk) < length:
            return
        record = chunk if kind in {_WHOLE, _FIRST} else (record + chunk)[: _LARGEST + 1]
        if kind in {_WHOLE, _LAST} and len(record) <= _LARGEST:
            yield record
        if left < _HEADER:
            file.read(left)
            left = _BLOCK


def _rows(record: bytes) -> list[dict[str, Any]] | None:
    """The history in a record, most often one step or none; None for a record that is damaged."""
    try:
        return [_row(history) for number, history in _fields(record) if number == _HISTORY]
    except (ValueError, RecursionError):
        return None


def _row(history: bytes) -> dict[str, Any]:
    """One step's metrics, nested keys joined by `/`. Raises ValueError where the record is damaged."""
    row = {}
    for number, item in _fields(history):
        if number != _ITEM:
            continue
        parts: dict[int, list[str]] = {_KEY: [], _NESTED: [], _VALUE: []}
        for field, text in _fields(item):
            parts.setdefault(field, []).append(text.decode("utf-8", "replace"))
        if parts[_VALUE]:
            row["/".join(parts[_NESTED] or parts[_KEY])] = json.loads(parts[_VALUE][-1])
    return row


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The length-delimited fields of a protobuf message. Raises ValueError where it is damaged."""
    try:
        found = list(fields(message, 0, len(message)))
    except UnsupportedRecordError as error:
        raise ValueError from error
    yield from ((key >> 3, message[start:stop]) for key, start, stop in found if key & 7 == 2)
