"""TensorBoard event files."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import google_crc32c
import numpy as np

from diagnose.readers._base import Part, Source
from diagnose.run import Curve, InputHealth, LogError, Run


def sniff(source: Source) -> int:
    """Certain for a folder with event files and for a file that starts with a record of the right checksum."""
    if source.parts:
        return 100
    head = source.head(12) if not source.is_folder else b""
    return 100 if len(head) == 12 and _masked(head[:8]) == struct.unpack("<I", head[8:])[0] else 0


def read(source: Source) -> Run:
    """The run whose event files these are. Raises LogError if no file holds a record."""
    columns: dict[str, list[tuple[float, int, float]]] = {}
    records = bad = 0
    parts = source.parts or (Part("", source.path or Path(source.name)),)
    for part in parts:
        with part.path.open("rb") if source.content is None else source.open() as file:
            for event in _events(file):
                if event is None:
                    bad += 1
                    continue
                records += 1
                for tag, value in _scalars(event):
                    columns.setdefault(part.prefix + tag, []).append((event.wall_time, event.step, value))
    if not records:
        raise LogError(f"{source.name}: no intact record in it; not an event file, or damaged from the start")
    return Run(
        source.label,
        source.name,
        "tensorboard",
        {tag: _curve(tag, points) for tag, points in columns.items()},
        sources=tuple(str(part.path) for part in parts),
        health=InputHealth(len(parts), records, bad),
    )


def _curve(tag: str, points: list[tuple[float, int, float]]) -> Curve:
    points = sorted(points, key=lambda point: point[1])
    walls, steps, values = zip(*points, strict=True)
    return Curve(tag, np.array(steps), np.array(values, dtype=np.float64), np.array(walls))


def _events(file: BinaryIO) -> Iterator[Any]:
    from tensorboard.compat.proto.event_pb2 import Event

    while len(header := file.read(12)) == 12:
        (length,) = struct.unpack("<Q", header[:8])
        payload = file.read(length)
        if len(payload) < length or _masked(payload) != struct.unpack("<I", file.read(4))[0]:
            yield None
            return
        yield Event.FromString(payload)


def _scalars(event: Any) -> Iterator[tuple[str, float]]:
    from tensorboard.util.tensor_util import make_ndarray

    for value in event.summary.value:
        if value.HasField("simple_value"):
            yield value.tag, value.simple_value
        elif value.HasField("tensor") and value.tensor.dtype != 7:
            array = make_ndarray(value.tensor)
            if array.size == 1:
                yield value.tag, float(array.item())


def _masked(data: bytes) -> int:
    crc = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
