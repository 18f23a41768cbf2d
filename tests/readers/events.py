"""Event files for tests, written by TensorBoard's own record writer."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.summary.writer.record_writer import RecordWriter

from diagnose.readers.sources import Source
from diagnose.readers.tensorboard import read
from diagnose.run import Run

NAME = "events.out.tfevents.1700000000.host.1.0"


def scalar(tag: str, step: int, value: float, wall: float = 1.7e9) -> Event:
    """One value as SummaryWriter.add_scalar writes it."""
    return Event(wall_time=wall + step, step=step, summary=Summary(value=[Summary.Value(tag=tag, simple_value=value)]))


def tensor(tag: str, step: int, array: Any, **fields: Any) -> Event:
    """One tensor as a TF2 writer writes it."""
    array = np.asarray(array)
    dtypes = {"f4": 1, "f8": 2, "i4": 3, "u1": 4, "i2": 5, "i1": 6, "i8": 9, "b1": 10, "u2": 17, "f2": 19}
    message = TensorProto(dtype=dtypes[array.dtype.str[1:]], tensor_content=array.tobytes(), **fields)
    for size in array.shape:
        message.tensor_shape.dim.add(size=size)
    return Event(wall_time=1.7e9 + step, step=step, summary=Summary(value=[Summary.Value(tag=tag, tensor=message)]))


def start(step: int) -> Event:
    """What SummaryWriter(purge_step=step) writes first."""
    return Event(wall_time=1.7e9, step=step, session_log=SessionLog(status=SessionLog.START))


def version() -> Event:
    """The first record of every file."""
    return Event(wall_time=1.7e9, file_version="brain.Event:2")


def frames(events: Iterable[Event]) -> list[bytes]:
    """Each event as a record of an event file."""
    records = []
    for event in events:
        buffer = io.BytesIO()
        RecordWriter(buffer).write(event.SerializeToString())
        records.append(buffer.getvalue())
    return records


def write(folder: Path, events: Sequence[Event], name: str = NAME) -> Path:
    """An event file in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(b"".join(frames([version(), *events])))
    return path


def read_bytes(data: bytes) -> Run:
    """The run in the bytes of one event file."""
    return read(Source("events.out.tfevents", content=data))


def points(run: Run) -> dict[str, list[tuple[int, float | None]]]:
    """Step and value of each point, by tag; NaN as None, so that lists compare."""
    return {
        tag: [(int(s), None if np.isnan(v) else float(v)) for s, v in zip(curve.steps, curve.values, strict=True)]
        for tag, curve in run.curves.items()
    }
