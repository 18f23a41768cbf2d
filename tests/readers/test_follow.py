"""Logs that grow: looking often gives what reading at once gives, and only new bytes are read."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import diagnose
from diagnose import readers
from diagnose.readers import follow, text
from diagnose.readers.sources import Source
from diagnose.readers.tensorboard.event_file import EventFile
from diagnose.run import Run
from tests.readers.events import frames, points, read_bytes, scalar, version, write
from tests.readers.test_tensorboard_damage import mixed, regular


class Growing(io.BytesIO):
    """A file of which only the first bytes are written yet."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.written = 0
        self.read_bytes = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        return super().seek(self.written + offset if whence == 2 else offset, min(whence, 0) if whence == 2 else whence)

    def readinto(self, buffer: Any) -> int:
        buffer = memoryview(buffer)[: max(0, self.written - self.tell())]
        count = super().readinto(buffer)
        self.read_bytes += count
        return count


def polled(data: bytes, sizes: list[int]) -> EventFile:
    """The file as read in several looks, at each of which so many bytes are written."""
    file, events = Growing(data), EventFile()
    for size in [*sorted(sizes), len(data)]:
        file.written = size
        events.poll(file)
    return events


def content(events: EventFile) -> dict[str, Any]:
    return {tag: series.points.values.tolist() for tag, series in sorted(events.decoder.series.items())}


@given(st.sampled_from([regular, mixed]), st.data())
@settings(max_examples=40, deadline=None)
def test_any_chunking_gives_what_reading_at_once_gives(make: Any, data: st.DataObject) -> None:
    log = make().data
    sizes = data.draw(st.lists(st.integers(0, len(log)), max_size=20))
    once, often = polled(log, []), polled(log, sizes)
    assert content(often) == content(once)
    assert (often.records, often.bad_records, often.bytes_skipped) == (once.records, 0, 0)


@given(st.sampled_from([regular, mixed]), st.data())
@settings(max_examples=40, deadline=None)
def test_damage_costs_no_more_while_a_file_grows(make: Any, data: st.DataObject) -> None:
    log = make()
    place = data.draw(st.integers(0, len(log.data) - 1))
    damaged = bytearray(log.data)
    damaged[place] ^= 0x55
    often = polled(bytes(damaged), data.draw(st.lists(st.integers(0, len(log.data)), max_size=20)))
    columns = ((tag, series.points) for tag, series in often.decoder.series.items())
    found = {(tag, int(s), float(v)) for tag, p in columns for s, v in zip(p.steps, p.values, strict=True)}
    assert log.untouched(place, place + 1) <= found <= set().union(*log.points)


def test_only_new_bytes_are_read() -> None:
    log = regular().data
    file, events = Growing(log), EventFile()
    file.written = len(log) - 1000
    events.poll(file)
    before = file.read_bytes
    file.written = len(log)
    events.poll(file)
    assert file.read_bytes - before < 1200


def test_a_record_that_is_being_written_is_no_damage() -> None:
    log = regular().data
    events = EventFile()
    events.poll(io.BytesIO(log[: len(log) // 2 + 7]))
    assert events.bad_records == 0


def look(looks: Any) -> Run:
    run = next(looks)
    assert isinstance(run, Run)
    return run


def test_a_growing_run_is_given_when_something_is_new(tmp_path: Path) -> None:
    path = write(tmp_path, [scalar("loss", step, step) for step in range(10)])
    looks = follow(tmp_path)
    assert len(look(looks).curves["loss"]) == 10
    assert next(looks) is None
    with path.open("ab") as file:
        file.write(b"".join(frames([scalar("loss", 10, 10.0)])))
    assert points(look(looks)) == points(diagnose.read(tmp_path))
    write(tmp_path, [scalar("loss", 8, -8.0, wall=1.8e9)], "events.out.tfevents.2.host")
    assert points(look(looks)) == {"loss": [*((s, s) for s in range(8)), (8, -8.0)]}


def test_a_run_may_begin_after_it_is_followed(tmp_path: Path) -> None:
    looks = follow(tmp_path)
    assert next(looks) is None
    write(tmp_path, [])
    assert next(looks) is None
    write(tmp_path, [scalar("loss", 1, 1.0)], "events.out.tfevents.2.host")
    assert points(look(looks)) == {"loss": [(1, 1.0)]}


def test_a_replaced_file_is_read_from_its_start(tmp_path: Path) -> None:
    path = write(tmp_path, [scalar("loss", step, step) for step in range(10)])
    looks = follow(path)
    look(looks)
    later = version()
    later.wall_time += 100
    path.write_bytes(b"".join(frames([later, *(scalar("loss", step, -step) for step in range(20))])))
    run = look(looks)
    assert points(run) == {"loss": [(s, -s) for s in range(20)]}
    assert any("replaced" in note for note in run.notes)


def test_a_shortened_file_is_read_from_its_start(tmp_path: Path) -> None:
    path = write(tmp_path, [scalar("loss", step, step) for step in range(10)])
    looks = follow(path)
    look(looks)
    write(tmp_path, [scalar("loss", step, step) for step in range(5)])
    assert len(look(looks).curves["loss"]) == 5


def test_a_growing_text_log_is_given_when_something_is_new(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("step,loss\n" + "".join(f"{step},{10 - step}\n" for step in range(5)))
    looks = follow(path)
    assert len(look(looks).curves["loss"]) == 5
    assert next(looks) is None
    with path.open("a") as file:
        file.write("5,5\n6,4\n")
    run = look(looks)
    assert points(run) == points(diagnose.read(path))
    assert len(run.curves["loss"]) == 7


def test_a_document_that_is_no_log_hides_none(tmp_path: Path) -> None:
    """A trainer that ends writes its last points, then a summary."""
    path, rows = tmp_path / "metrics.jsonl", [f'{{"step": {step}, "loss": {9 - step}}}\n' for step in range(8)]
    path.write_text("".join(rows[:5]))
    looks = follow(tmp_path)
    assert len(look(looks).curves["loss"]) == 5
    path.write_text("".join(rows))
    (tmp_path / "summary.json").write_text('{"schema_version": 1, "run": "here", "reason": "done", "files": {}}')
    os.utime(tmp_path / "summary.json", (2e9, 2e9))
    assert len(look(looks).curves["loss"]) == 8
    assert next(looks) is None
    assert len(look(follow(tmp_path)).curves["loss"]) == 8


def test_of_a_long_text_log_only_new_bytes_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fed: list[int] = []
    feed = text.TextLog.feed

    def counted(log: text.TextLog, data: bytes) -> None:
        fed.append(len(data))
        feed(log, data)

    monkeypatch.setattr(text.TextLog, "feed", counted)
    path = tmp_path / "train.log"
    lines = [f"step {step} loss {1000 / (step + 1):.4f}\n" for step in range(9000)]
    path.write_text("".join(lines[:5000]))
    looks = follow(path)
    look(looks)
    fed.clear()
    with path.open("a") as file:
        file.write("".join(lines[5000:]))
    run = look(looks)
    assert fed == [sum(map(len, lines[5000:]))]
    assert points(run) == points(diagnose.read(path))


def test_reading_bytes_is_reading_the_file() -> None:
    log = mixed()
    assert content(polled(log.data, [])) == {
        tag: curve.values.tolist() for tag, curve in sorted(read_bytes(log.data).curves.items())
    }


def test_what_is_written_aside_and_gone_once_it_is_listed_ends_no_watch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "metrics.jsonl").write_text("".join(f'{{"step": {n}, "loss": {9 - n / 10}}}\n' for n in range(30)))
    aside, listed = tmp_path / "step-20.jsonl", readers.discover

    def listed_and_gone(path: str | Path) -> list[Source]:
        aside.write_text('{"step": 1, "loss": 2}\n{"step": 2, "loss": 1}\n')
        found = listed(path)
        aside.unlink()
        return found

    monkeypatch.setattr(readers, "discover", listed_and_gone)
    run = next(follow(tmp_path))
    assert run is not None
    assert len(run.curves["loss"]) == 30
