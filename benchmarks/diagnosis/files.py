"""Runs written as trainers write them: event files, CSV tables, text logs."""

from __future__ import annotations

import csv
import struct
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import google_crc32c
import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary

from diagnose.run import Axis, Curve, Role, Run

FORMATS = ("events", "csv", "text")
_PLAIN = {
    Role.TRAIN_LOSS: "loss",
    Role.VAL_LOSS: "eval_loss",
    Role.LEARNING_RATE: "learning_rate",
    Role.GRAD_NORM: "grad_norm",
}


def write(run: Run, folder: Path, form: str) -> Path:
    """The log file of `run` in `folder`, which is made; `form` is one of FORMATS."""
    folder.mkdir(parents=True)
    return {"events": _write_events, "csv": _write_csv, "text": _write_text}[form](run, folder)


def _write_events(run: Run, folder: Path) -> Path:
    path = folder / "events.out.tfevents.1700000000.host.1.0"
    with path.open("wb") as file:
        file.write(_record(Event(wall_time=1.7e9, file_version="brain.Event:2")))
        for step, wall, row in _rows(run):
            values = [Summary.Value(tag=tag, simple_value=value) for tag, value in row.items()]
            file.write(_record(Event(wall_time=wall, step=step, summary=Summary(value=values))))
        for one in run.attachments:
            sound = Summary.Audio(encoded_audio_string=one.load(), content_type="audio/wav")
            summary = Summary(value=[Summary.Value(tag=one.tag, audio=sound)])
            file.write(_record(Event(wall_time=one.wall_time, step=one.step, summary=summary)))
    return path


def _record(event: Event) -> bytes:
    """The event as TensorBoard's own writer frames it, which takes its checksums in Python."""
    data: bytes = event.SerializeToString()
    length = struct.pack("<Q", len(data))
    return length + _checksum(length) + data + _checksum(data)


def _checksum(data: bytes) -> bytes:
    """CRC-32C, rotated and shifted as the record format of TensorFlow has it."""
    crc = google_crc32c.value(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _write_csv(run: Run, folder: Path) -> Path:
    path = folder / "metrics.csv"
    write_table(run, path, {tag: tag.replace("/", "_") for tag in _logged(run)}, dated=True)
    return path


def write_table(run: Run, path: Path, names: dict[str, str], *, dated: bool) -> None:
    """One row a step, the columns named by `names` (tag -> column), empty where nothing was logged."""
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow([_axis(run), *(["wall_time"] if dated else []), *names.values()])
        for step, wall, row in _rows(run):
            cells = [format(row[tag], ".7g") if tag in row else "" for tag in names]
            table.writerow([step, *([f"{wall:.3f}"] if dated else []), *cells])


def plain_names(run: Run) -> dict[str, str]:
    """Tag -> the plainest name of its role, the one that every tool knows; tags without a role are left out."""
    return {tag: _PLAIN[curve.role] for tag, curve in run.curves.items() if curve.role in _PLAIN}


def _write_text(run: Run, folder: Path) -> Path:
    """Lines such as `2023-11-14 22:13:20 INFO step=100 train_loss=3.1416 learning_rate=0.0002`."""
    path = folder / "train.log"
    plain = {tag: tag.replace("/", "_") for tag in _logged(run)}
    with path.open("w") as file:
        for step, wall, row in _rows(run):
            stamp = datetime.fromtimestamp(wall, tz=timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
            values = " ".join(f"{plain[tag]}={value:.6g}" for tag, value in row.items())
            file.write(f"{stamp} INFO {_axis(run)}={step} {values}\n")
    return path


def _logged(run: Run) -> dict[str, Curve]:
    """The curves, and the epoch as one more where the run knows it."""
    train = run.curve(Role.TRAIN_LOSS)
    if train is None or train.epochs is None:
        return dict(run.curves)
    return {**run.curves, "epoch": Curve("epoch", train.steps, train.epochs)}


def _axis(run: Run) -> str:
    train = run.curve(Role.TRAIN_LOSS)
    return "epoch" if train is not None and train.axis is Axis.EPOCH else "step"


def _rows(run: Run) -> Iterator[tuple[int, float, dict[str, float]]]:
    """Step, wall time and what was logged there, in the order of the steps."""
    curves = _logged(run)
    steps = np.unique(np.concatenate([curve.steps for curve in curves.values()]))
    columns = {tag: _column(curve, steps) for tag, curve in curves.items()}
    first = next(iter(run.curves.values()))
    walls = steps.astype(float) if first.wall_times is None else np.interp(steps, first.steps, first.wall_times)
    for index, step in enumerate(steps):
        row = {tag: values[index] for tag, (values, logged) in columns.items() if logged[index]}
        yield int(step), float(walls[index]), row


def _column(curve: Curve, steps: np.ndarray) -> tuple[list[float], list[bool]]:
    values, logged = np.zeros(len(steps)), np.zeros(len(steps), dtype=bool)
    at = np.searchsorted(steps, curve.steps)
    values[at], logged[at] = curve.values, True
    return values.tolist(), logged.tolist()
