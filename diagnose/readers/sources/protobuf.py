"""Messages of protobuf without their descriptions: the fields by their numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Protocol

_FIXED = {1: 8, 5: 4}  # wire type -> bytes

Span = tuple[int, int]


class Sliceable(Protocol):
    """Bytes, or what gives bytes for a slice."""

    def __getitem__(self, span: slice, /) -> bytes:
        """The bytes from span.start to span.stop."""


class UnsupportedRecordError(Exception):
    """A record that is no plain list of scalars, as all writers write them."""


def text(record: Sliceable, span: Span) -> str:
    """A tag as text; bytes that are no UTF-8 are written as escapes, so that any terminal can show them."""
    return record[slice(*span)].decode("utf-8", "backslashreplace")


def once(record: Sliceable, span: Span, allowed: Collection[int]) -> dict[int, Span]:
    """The fields of a message by key. Raises UnsupportedRecordError if one is there twice or is not `allowed`."""
    found: dict[int, Span] = {}
    for key, start, end in fields(record, *span):
        if key in found or key not in allowed:
            raise UnsupportedRecordError
        found[key] = start, end
    return found


def fields(record: Sliceable, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Key, start and end of each field of a message. Raises UnsupportedRecordError where it is malformed."""
    while start < end:
        key, start = varint(record, start)
        if key & 7 == 2:
            size, start = varint(record, start)
            stop = start + size
        elif key & 7 == 0:
            stop = varint(record, start)[1]
        elif key & 7 in _FIXED:
            stop = start + _FIXED[key & 7]
        else:
            raise UnsupportedRecordError
        if stop > end:
            raise UnsupportedRecordError
        yield key, start, stop
        start = stop


def varint(record: Sliceable, start: int) -> tuple[int, int]:
    """The number and where it ends."""
    data = record[start : start + 10]
    if data and data[0] < 128:  # as nearly all are
        return data[0], start + 1
    number = 0
    for place, byte in enumerate(data):
        number |= (byte & 127) << 7 * place
        if byte < 128:
            return number, start + place + 1
    raise UnsupportedRecordError
