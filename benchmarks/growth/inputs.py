"""Inputs that a reader may be slow at: name -> (writes one of a size into a folder, a size that takes some tenths of
a second)."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

Make = Callable[[Path, int], Path]
EVENTS = "events.out.tfevents.1700000000.host"


def _event_file(folder: Path, events: Iterator[Event]) -> Path:
    buffer = io.BytesIO()
    writer = RecordWriter(buffer)
    for event in events:
        writer.write(event.SerializeToString())
    (folder / EVENTS).write_bytes(buffer.getvalue())
    return folder


def _scalar(tag: str, step: int) -> Event:
    value = Summary.Value(tag=tag, simple_value=3 / (1 + step / 40) + 0.5)
    return Event(wall_time=1.7e9 + step, step=step, summary=Summary(value=[value]))


def points(folder: Path, size: int) -> Path:
    return _event_file(folder, (_scalar("loss", step) for step in range(size)))


def tags(folder: Path, size: int) -> Path:
    events = (_scalar(f"loss/part{tag}", step) for step in range(3) for tag in range(size))
    return _event_file(folder, events)


def restarts(folder: Path, size: int) -> Path:
    """Half as many restarts as points, each taking back a little."""

    def events() -> Iterator[Event]:
        for number in range(size):
            yield Event(wall_time=1.7e9 + number, step=number, session_log=SessionLog(status=SessionLog.START))
            yield _scalar("loss", number)
            yield _scalar("val_loss", number + 1)

    return _event_file(folder, events())


def restarted_files(folder: Path, size: int) -> Path:
    """One event file for each restart, each taking back half of the one before."""
    for number in range(size):
        buffer = io.BytesIO()
        writer = RecordWriter(buffer)
        for step in range(number * 5, number * 5 + 10):
            writer.write(_scalar("loss", step).SerializeToString())
        (folder / f"events.out.tfevents.{1_700_000_000 + number}.host").write_bytes(buffer.getvalue())
    return folder


def restarts_of_many_tags(folder: Path, size: int) -> Path:
    def events() -> Iterator[Event]:
        for tag in range(size // 8):
            yield _scalar(f"loss/part{tag}", 0)
        for number in range(size):
            yield Event(wall_time=1.7e9 + number, step=number, session_log=SessionLog(status=SessionLog.START))
            yield _scalar("loss", number)

    return _event_file(folder, events())


def zeros(folder: Path, size: int) -> Path:
    """An event file whose blocks were never written after a power failure: a good start, then nothing."""
    points(folder, 50)
    with (folder / EVENTS).open("ab") as file:
        file.write(bytes(size))
    return folder


def ones(folder: Path, size: int) -> Path:
    points(folder, 50)
    with (folder / EVENTS).open("ab") as file:
        file.write(b"\1" * size)
    return folder


def false_headers(folder: Path, size: int) -> Path:
    """Lengths with right checksums, of records that are not there."""
    from diagnose.readers.tensorboard.crc import masked

    points(folder, 50)
    length = struct.pack("<Q", 4_000)
    header = length + struct.pack("<I", masked(length))
    with (folder / EVENTS).open("ab") as file:
        file.write((header + b"xxxx") * size)
    return folder


def files(folder: Path, size: int) -> Path:
    """Small texts, none of them a log, over folders of a hundred."""
    for number in range(size):
        place = folder / f"{number // 100:04d}"
        if number % 100 == 0:
            place.mkdir()
        (place / f"clip{number:06d}.txt").write_text("Some words that somebody says.\n")
    (folder / "train.log").write_text("".join(f"step {step} loss {3 / (1 + step):.4f}\n" for step in range(50)))
    return folder


def event_folders(folder: Path, size: int) -> Path:
    for number in range(size):
        place = folder / f"run{number:05d}"
        place.mkdir()
        points(place, 3)
    return folder


def console(folder: Path, size: int) -> Path:
    path = folder / "train.log"
    path.write_text("".join(f"step {step} loss {3 / (1 + step / 40) + 0.5:.4f}\n" for step in range(size)))
    return path


def console_restarts(folder: Path, size: int) -> Path:
    path = folder / "train.log"
    one = "".join(f"step {step} loss {3 / (1 + step / 40) + 0.5:.4f}\n" for step in range(0, 200, 4))
    path.write_text(one * size)
    return path


def console_rewinds(folder: Path, size: int) -> Path:
    path = folder / "train.log"
    steps = (step for start in range(size) for step in range(1000 + 10 * start, 1000 + 10 * start + 15))
    path.write_text("".join(f"step {step} loss {3 / (1 + step / 400) + 0.5:.4f}\n" for step in steps))
    return path


def console_fits(folder: Path, size: int) -> Path:
    """Calls of `fit`, each counting its epochs from one, in which the loss goes on."""
    path = folder / "train.log"
    path.write_text(
        "".join(
            f"Epoch {epoch}/12 loss: {9 / (1 + (start * 12 + epoch) / 40):.5f}\n"
            for start in range(size)
            for epoch in range(1, 13)
        )
    )
    return path


def one_line(folder: Path, size: int) -> Path:
    """A progress bar that never ends its line."""
    path = folder / "train.log"
    path.write_text("".join(f"\rstep {step} loss {3 / (1 + step / 40) + 0.5:.4f}" for step in range(size)))
    return path


def names(folder: Path, size: int) -> Path:
    """A line of many names, again and again."""
    path = folder / "train.log"
    line = " ".join(f"loss_{name}: 0.{name % 10}" for name in range(size))
    path.write_text("".join(f"step: {step} {line}\n" for step in range(20)))
    return path


def new_names(folder: Path, size: int) -> Path:
    """A new name in every row of JSON."""
    path = folder / "metrics.jsonl"
    path.write_text(
        "".join(f'{{"step": {step}, "loss": {3 / (1 + step):.4f}, "x{step}": 1}}\n' for step in range(size))
    )
    return path


def brackets(folder: Path, size: int) -> Path:
    path = folder / "train.log"
    path.write_text("step 1 loss 2.0\n" + "[{(" * size + "\nstep 2 loss 1.0\n")
    return path


def digits(folder: Path, size: int) -> Path:
    path = folder / "train.log"
    lines = "".join(f"step {step} loss {3 / (1 + step):.4f}\n" for step in range(50))
    path.write_text(lines + "loss " + "1" * size + "\nstep 50 loss 1." + "0" * size + "\n")
    return path


def commas(folder: Path, size: int) -> Path:
    path = folder / "metrics.csv"
    path.write_text(
        "step,loss" + ",x" * size + "\n" + "".join(f"{n},{3 / (1 + n):.4f}" + ",1" * size + "\n" for n in range(9))
    )
    return path


INPUTS: dict[str, tuple[Make, int]] = {
    "points of an event file": (points, 60_000),
    "tags of an event file": (tags, 2_000),
    "restarts of an event file": (restarts, 10_000),
    "restarts of many tags": (restarts_of_many_tags, 4_000),
    "event files of restarts": (restarted_files, 300),
    "zeros in an event file": (zeros, 4_000_000),
    "ones in an event file": (ones, 4_000_000),
    "false headers in an event file": (false_headers, 20_000),
    "files that are no logs": (files, 400),
    "folders of event files": (event_folders, 100),
    "lines of a console": (console, 60_000),
    "restarts in a console": (console_restarts, 1_000),
    "rewinds in a console": (console_rewinds, 1_000),
    "calls of fit in a console": (console_fits, 1_000),
    "updates of one line": (one_line, 60_000),
    "names in a line": (names, 400),
    "new names in rows": (new_names, 2_000),
    "brackets": (brackets, 30_000),
    "digits": (digits, 50_000),
    "columns of a table": (commas, 1_500),
}
