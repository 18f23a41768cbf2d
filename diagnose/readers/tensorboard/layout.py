"""Records of one layout, decoded together as columns.

A training loop writes the same record over and over: only wall time, step, values and checksum change. A
layout says where these are; a template is a layout plus all the bytes that do not change (header, tag,
metadata). What is left of a record's checksum when the contributions of its changing bytes are taken away is
the checksum of its template: it names the template and proves the changing bytes; comparing the rest with the
template proves the record.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import google_crc32c
import numpy as np
import numpy.typing as npt

from diagnose.readers.sources.protobuf import Sliceable, Span, UnsupportedRecordError, fields, once, text, varint
from diagnose.readers.tensorboard.crc import Bytes, Words, contributions, unmasked
from diagnose.readers.tensorboard.frames import FRAME, HEADER
from diagnose.run import FloatArray, IntArray

# Keys of the wire format, `field number << 3 | wire type`, from tensorboard/compat/proto/*.proto.
_WALL, _STEP, _SUMMARY, _VALUE = 0x09, 0x10, 0x2A, 0x0A  # event.proto; summary.proto: Summary.value
_TAG, _SIMPLE, _TENSOR, _METADATA = 0x0A, 0x15, 0x42, 0x4A  # summary.proto: Summary.Value
_DTYPE, _SHAPE, _CONTENT = 0x08, 0x12, 0x22  # tensor.proto
# dtype (types.proto) -> how numpy calls it, and the keys under which one number of it may be.
_TENSORS = {1: ("<f4", (_CONTENT, 0x2A, 0x2D)), 2: ("<f8", (_CONTENT, 0x32, 0x31))}

_ONE = b"\x12\x02\x08\x01"  # a dimension of size 1

LONGEST = 1024
"""Bytes of the longest payload that is decoded as columns."""
LONGEST_STEP = 8
"""Bytes of the longest step that is decoded as a column: 2^56 - 1."""


@dataclass(frozen=True)
class Layout:
    """Where the changing bytes are in a record, counted from the start of its header."""

    length: int
    """Bytes of the payload."""
    wall: int
    step: int
    step_bytes: int
    """0 where the step is not written, because it is 0."""
    values: tuple[tuple[int, str], ...]
    """Place and numpy dtype of each value."""

    @property
    def width(self) -> int:
        """Bytes of a record."""
        return self.length + FRAME

    @cached_property
    def fields(self) -> np.dtype[np.void]:
        """The parts of a record that change: wall, step (with what follows it, to 8 bytes), 0, 1, ... and crc."""
        parts = [("wall", self.wall, "<f8"), ("step", self.step, "<u8")]
        parts += [(str(index), place, kind) for index, (place, kind) in enumerate(self.values)]
        parts += [("crc", HEADER + self.length, "<u4")]
        names, offsets, formats = zip(*parts, strict=True)
        return np.dtype({"names": names, "offsets": offsets, "formats": formats, "itemsize": self.width})

    @cached_property
    def mask(self) -> Bytes:
        """Shape (width,): 255 where records must equal the template, 128 (varint continues) in the step."""
        mask = np.zeros(self.width, np.uint8)
        mask[: HEADER + self.length] = 255
        for place, count in [(self.wall, 8), *((place, np.dtype(kind).itemsize) for place, kind in self.values)]:
            mask[place : place + count] = 0
        mask[self.step : self.step + self.step_bytes] = 128
        return mask

    def filled(self, records: Bytes, columns: Columns) -> Bytes:
        """Records that have these columns where they change, out of those with zeros there, shape (n, width)."""
        changing = records.view(self.fields)[:, 0]
        changing["wall"] = columns.walls
        changing["step"] |= columns.words & np.uint64(sum(0x7F << 8 * place for place in range(self.step_bytes)))
        for index, values in enumerate(columns.values):
            changing[str(index)] = values
        changing["crc"] = columns.stored
        return records

    def columns(self, *records: npt.NDArray[np.void]) -> Columns:
        """The changing parts of records, arrays of `fields`, one array after the other."""
        parts = [np.concatenate([array[name] for array in records]) for name in self.fields.names or ()]
        walls, words, *values, stored = parts
        return Columns(self, walls, words, stored, values)


@dataclass(frozen=True, eq=False)
class Columns:
    """The changing parts of records of one layout, each of shape (n,)."""

    layout: Layout
    walls: FloatArray
    words: npt.NDArray[np.uint64]
    """Eight bytes from the step on."""
    stored: Words
    values: list[npt.NDArray[np.generic]]

    @cached_property
    def steps(self) -> IntArray:
        """The steps, out of the seven bits of each of their bytes."""
        steps = np.zeros(len(self.words), np.uint64)
        for place in range(self.layout.step_bytes):
            steps |= self.words >> np.uint64(place) & np.uint64(0x7F << 7 * place)
        return steps.view(np.int64)

    def residues(self) -> Words:
        """Shape (n,): the checksums of the templates that the records would belong to."""
        layout = self.layout
        residues = unmasked(self.stored)
        rows = contributions(1 << layout.length.bit_length())
        parts: list[tuple[int, int, npt.NDArray[Any]]]
        parts = [(layout.wall, 8, self.walls), (layout.step, layout.step_bytes, self.words)]
        places = (place for place, _ in layout.values)
        parts += [(place, values.itemsize, values) for place, values in zip(places, self.values, strict=True)]
        for start, count, column in parts:
            table = rows[HEADER + layout.length - 1 - start :: -1]
            cells = column.view(np.uint8).reshape(len(column), column.itemsize)
            for place in range(count):
                residues ^= table[place].take(cells[:, place])
        return residues


@dataclass(frozen=True, eq=False)
class Template:
    """One kind of record: a layout and the bytes that never change."""

    layout: Layout
    constant: Bytes
    """Shape (layout.width,): a record with zeros where it changes."""
    residue: int
    tags: tuple[str, ...]
    """The tag of each value."""


def learn(record: bytes) -> Template:
    """The template of one record (header, payload, checksum).

    Raises UnsupportedRecordError if it is no list of scalars.
    """
    layout, tags = _layout(record)
    row = np.frombuffer(record, np.uint8)
    payload = np.where(layout.mask == 255, row, 0).astype(np.uint8)[HEADER:-4]
    return Template(layout, row & layout.mask, google_crc32c.value(payload.tobytes()), tags)


def _layout(record: bytes) -> tuple[Layout, tuple[str, ...]]:
    length = len(record) - FRAME
    event = once(record, (HEADER, HEADER + length), {_WALL, _STEP, _SUMMARY})
    if length > LONGEST or _WALL not in event or _SUMMARY not in event:
        raise UnsupportedRecordError
    wall = event[_WALL][0]
    step, step_end = event.get(_STEP, (wall, wall))
    if step_end - step > LONGEST_STEP or step + LONGEST_STEP > len(record):
        raise UnsupportedRecordError
    values = [_value(record, (start, end)) for key, start, end in fields(record, *event[_SUMMARY]) if _is_value(key)]
    places = tuple((place, kind) for _, place, kind in values)
    return _shared(Layout(length, wall, step, step_end - step, places)), tuple(tag for tag, _, _ in values)


@lru_cache(maxsize=1024)
def _shared(layout: Layout) -> Layout:
    """One object for all equal layouts, so that its mask and fields are worked out once."""
    return layout


def _is_value(key: int) -> bool:
    if key != _VALUE:
        raise UnsupportedRecordError
    return True


def _value(record: bytes, span: Span) -> tuple[str, int, str]:
    """Tag, place and numpy dtype of one value."""
    value = once(record, span, {_TAG, _SIMPLE, _TENSOR, _METADATA})
    if _TAG not in value or (_SIMPLE in value) == (_TENSOR in value):
        raise UnsupportedRecordError
    place, kind = (value[_SIMPLE][0], "<f4") if _SIMPLE in value else lone_float(record, value[_TENSOR])
    return text(record, value[_TAG]), place, kind


def lone_float(record: Sliceable, span: Span) -> tuple[int, str]:
    """Place and numpy dtype of the number in a tensor that is one float32 or float64.

    Raises UnsupportedRecordError where it is none.
    """
    tensor = once(record, span, {_DTYPE, _SHAPE, *(key for _, keys in _TENSORS.values() for key in keys)})
    dtype = varint(record, tensor[_DTYPE][0])[0] if _DTYPE in tensor else 0
    kind, keys = _TENSORS.get(dtype, ("<f4", ()))
    shape = tensor.get(_SHAPE, (0, 0))
    numbers = [place for key, place in tensor.items() if key not in (_DTYPE, _SHAPE)]
    if record[slice(*shape)].replace(_ONE, b"") or len(numbers) != 1 or not tensor.keys() & set(keys):
        raise UnsupportedRecordError
    place, end = numbers[0]
    if end - place != np.dtype(kind).itemsize:
        raise UnsupportedRecordError
    return place, kind
