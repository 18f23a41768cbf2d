"""Records that are no plain list of scalars: restarts, unusual tensors, text, audio, hyperparameters."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from diagnose.readers.sources.protobuf import Sliceable, Span, UnsupportedRecordError, fields, once, text, varint
from diagnose.readers.tensorboard.layout import lone_float

# Keys of the wire format, `field number << 3 | wire type`, from tensorboard/compat/proto/*.proto.
_WALL, _STEP, _SUMMARY, _SESSION = 0x09, 0x10, 0x2A, 0x3A  # event.proto: Event
_STATUS, _START = 0x08, 1  # event.proto: SessionLog
_VALUE = 0x0A  # summary.proto: Summary
_TAG, _NODE, _SIMPLE, _AUDIO, _TENSOR, _METADATA = 0x0A, 0x3A, 0x15, 0x32, 0x42, 0x4A  # Summary.Value
_OTHERS = (0x1A, 0x22, 0x2A)  # old histogram, image, histogram
_ENCODED_AUDIO = 0x22  # Summary.Audio
_AUDIO_FIELDS = {0x0D, 0x10, 0x18, _ENCODED_AUDIO, 0x2A}
_PLUGIN_DATA, _PLUGIN_NAME, _PLUGIN_CONTENT = 0x0A, 0x0A, 0x12  # SummaryMetadata, PluginData
_DTYPE, _STRING = 0x08, 0x42  # tensor.proto
_STRING_DTYPE = 7  # types.proto
LARGEST_NUMBER = 256
"""Bytes of the largest tensor that is looked at for a single number; one takes about 20."""

# types.proto: dtype -> how numpy calls it, and the field of TensorProto that holds it.
_NUMBERS = {
    1: ("<f4", "float_val"),
    2: ("<f8", "double_val"),
    3: ("<i4", "int_val"),
    4: ("u1", "int_val"),
    5: ("<i2", "int_val"),
    6: ("i1", "int_val"),
    9: ("<i8", "int64_val"),
    10: ("?", "bool_val"),
    14: ("bfloat16", "half_val"),
    17: ("<u2", "int_val"),
    19: ("<f2", "half_val"),
    22: ("<u4", "uint32_val"),
    23: ("<u8", "uint64_val"),
}


@dataclass(frozen=True, slots=True)
class Point:
    """One scalar."""

    wall: float
    step: int
    tag: str
    value: float


@dataclass(frozen=True, slots=True)
class Blob:
    """Where a sound or a text is."""

    kind: str
    """`audio` or `text`."""
    tag: str
    step: int
    wall: float
    span: Span
    """First byte of it and the one after the last, counted as in what was parsed."""

    def moved(self, by: int) -> Blob:
        """The same, counted from another place."""
        return replace(self, span=(self.span[0] + by, self.span[1] + by))


@dataclass(frozen=True, slots=True)
class Found:
    """What one record holds."""

    points: tuple[Point, ...] = ()
    blobs: tuple[Blob, ...] = ()
    hparams: tuple[bytes, ...] = ()
    """The messages of the hparams plugin, not yet parsed."""
    restart: int | None = None
    """The step from which on a restarted trainer declares everything before void (SessionLog.START)."""


def parse(record: Sliceable, start: int, end: int) -> Found:
    """The event at record[start:end], where large contents are passed over, not read.

    As in protobuf, fields come in any order and the last of several counts. Raises UnsupportedRecordError where it
    is no event.
    """
    wall, step, restart = 0.0, 0, False
    values: list[Span] = []
    for key, first, last in fields(record, start, end):
        if key == _WALL:
            (wall,) = struct.unpack("<d", record[first:last])
        elif key == _STEP:
            step = _signed(varint(record, first)[0])
        elif key == _SESSION:
            restart = (_STATUS, _START) in _numbers(record, (first, last))
        elif key == _SUMMARY:
            values += [(begin, stop) for key, begin, stop in fields(record, first, last) if key == _VALUE]
    parts = [_value(record, span, wall, step) for span in values]
    return Found(
        tuple(part for part in parts if isinstance(part, Point)),
        tuple(part for part in parts if isinstance(part, Blob)),
        tuple(part for part in parts if isinstance(part, bytes)),
        step if restart else None,
    )


def _value(record: Sliceable, span: Span, wall: float, step: int) -> Point | Blob | bytes | None:
    names: dict[int, str] = {}
    plugin, settings = "", b""
    content, place = 0, (0, 0)
    for key, start, end in fields(record, *span):
        if key in (_TAG, _NODE):
            names[key] = text(record, (start, end))
        elif key == _METADATA:
            plugin, settings = _plugin(record, (start, end))
        elif key in (_SIMPLE, _AUDIO, _TENSOR, *_OTHERS):
            content, place = key, (start, end)
    if plugin == "hparams":
        return settings
    if content == _SIMPLE:
        return Point(wall, step, names.get(_TAG, ""), struct.unpack("<f", record[slice(*place)])[0])
    if content == _AUDIO:
        # All fields are looked at: where a sound has lost bytes, what should follow it is not there.
        sound = once(record, place, _AUDIO_FIELDS).get(_ENCODED_AUDIO)
        return Blob("audio", names.get(_TAG, ""), step, wall, sound) if sound else None
    if content == _TENSOR:
        return _tensor(record, place, plugin, (names.get(_TAG) or names.get(_NODE, ""), step, wall))
    return None


def _tensor(record: Sliceable, span: Span, plugin: str, where: tuple[str, int, float]) -> Point | Blob | None:
    """A tensor of text or sound, or of one number. Writers of 2016 put the tag into the node's name."""
    if (_DTYPE, _STRING_DTYPE) in _numbers(record, span):
        return _blob(plugin, record, span, _STRING, where)
    number = _number(record[slice(*span)]) if span[1] - span[0] <= LARGEST_NUMBER else None
    tag, step, wall = where
    return None if number is None else Point(wall, step, tag, number)


def _blob(kind: str, record: Sliceable, span: Span, key: int, where: tuple[str, int, float]) -> Blob | None:
    """The first field `key` of the message at `span`, if it is of a kind that anyone asks for."""
    found = next(((start, end) for found, start, end in fields(record, *span) if found == key), None)
    return Blob(kind, *where, found) if found and kind in ("audio", "text") else None


def _plugin(record: Sliceable, span: Span) -> tuple[str, bytes]:
    """Name and content of the plugin that a value belongs to."""
    name, content = "", b""
    for outer, start, end in fields(record, *span):
        if outer != _PLUGIN_DATA:
            continue
        for key, first, last in fields(record, start, end):
            if key == _PLUGIN_NAME:
                name = text(record, (first, last))
            elif key == _PLUGIN_CONTENT:
                content = record[first:last]
    return name, content


def _numbers(record: Sliceable, span: Span) -> Iterator[tuple[int, int]]:
    """Key and value of each whole number in a message."""
    return ((key, varint(record, start)[0]) for key, start, _ in fields(record, *span) if key & 7 == 0)


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


def _number(message: bytes) -> float | None:
    """The number in a serialised TensorProto, or None if it holds not exactly one."""
    try:
        place, kind = lone_float(message, (0, len(message)))
    except UnsupportedRecordError:
        return _decoded(message)
    return float(np.frombuffer(message, kind, 1, place)[0])


def _decoded(message: bytes) -> float | None:
    """The same of any dtype, by protobuf's own decoder, which is only imported when it is needed."""
    from google.protobuf.message import DecodeError
    from tensorboard.compat.proto.tensor_pb2 import TensorProto

    try:
        tensor = TensorProto.FromString(message)
    except DecodeError as error:
        raise UnsupportedRecordError from error
    if tensor.dtype not in _NUMBERS or prod(dimension.size for dimension in tensor.tensor_shape.dim) != 1:
        return None
    kind, field = _NUMBERS[tensor.dtype]
    if tensor.tensor_content:
        bits = np.frombuffer(tensor.tensor_content, "<u2" if kind == "bfloat16" else kind)
    else:
        bits = np.array(getattr(tensor, field), "<u2" if field == "half_val" else kind)
    if len(bits) != 1:
        return None
    if kind == "bfloat16":  # the upper half of a float32
        return float((bits.astype(np.uint32) << 16).view(np.float32)[0])
    return float(bits.view(kind)[0])


def hyperparameters(messages: list[bytes]) -> dict[str, str | float | bool]:
    """What SummaryWriter.add_hparams wrote, by its own names."""
    from google.protobuf.message import DecodeError
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    found: dict[str, str | float | bool] = {}
    for message in messages:
        try:
            session = HParamsPluginData.FromString(message).session_start_info
        except DecodeError:
            continue
        for name, value in session.hparams.items():
            kind = value.WhichOneof("kind")
            if kind in ("number_value", "string_value", "bool_value"):
                found[name] = getattr(value, kind)
    return found
