"""Damaged event files: whatever happens to some bytes costs no more than the records that they are in."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary

import diagnose
from diagnose.errors import LogError
from diagnose.readers.tensorboard.crc import masked
from diagnose.run import Run
from tests.readers.events import frames, read_bytes, scalar, version, write

Points = set[tuple[str, int, float]]


@dataclass(frozen=True)
class Log:
    """An event file: its records, where they start, and the point that each holds."""

    records: list[bytes]
    points: list[Points]

    @cached_property
    def data(self) -> bytes:
        return b"".join(self.records)

    @cached_property
    def starts(self) -> list[int]:
        return [0, *accumulate(map(len, self.records))]

    def untouched(self, first: int, last: int) -> Points:
        """The points of the records in which no byte from `first` up to, not including, `last` is."""
        spans = zip(self.starts, self.starts[1:], self.points, strict=False)
        return set().union(*(points for start, end, points in spans if end <= first or start >= last))


@cache
def regular() -> Log:
    """Long enough for the cycle to be known and used: three tags a step, 3,900 records."""
    return log_of([scalar(tag, step, step / 2) for step in range(1300) for tag in ("loss", "lr", "grad_norm")])


@cache
def mixed() -> Log:
    """Scalars between histograms and heavy sounds."""
    events = []
    for step in range(60):
        events += [scalar("loss", step, step), scalar("lr", step, 0.5)]
        if step % 3 == 0:
            histogram = HistogramProto(bucket=[float(step)] * (40 + step), bucket_limit=[0.0] * 70)
            values = [Summary.Value(tag="weights", histo=histogram)]
            events.append(Event(wall_time=1.0, step=step, summary=Summary(value=values)))
        if step % 20 == 10:
            sound = Summary.Audio(encoded_audio_string=bytes(70_000), content_type="audio/wav")
            events.append(Event(wall_time=1.0, summary=Summary(value=[Summary.Value(tag="speech", audio=sound)])))
    return log_of(events)


def log_of(events: list[Event]) -> Log:
    points: list[Points] = [set()]
    for event in events:
        values = [value for value in event.summary.value if value.HasField("simple_value")]
        points.append({(value.tag, event.step, value.simple_value) for value in values})
    return Log(frames([version(), *events]), points)


LOGS = st.sampled_from([regular, mixed])


def found(run: Run) -> Points:
    pairs = ((tag, curve) for tag, curve in run.curves.items())
    return {
        (tag, *point) for tag, curve in pairs for point in zip(curve.steps.tolist(), curve.values.tolist(), strict=True)
    }


def check(log: Log, damaged: bytes, first: int, last: int, *, reported: bool = True) -> None:
    """Everything untouched is found, nothing is invented, and the damage is reported."""
    run = read_bytes(damaged)
    assert log.untouched(first, last) <= found(run) <= set().union(*log.points)
    if reported:
        assert run.health.bytes_skipped > 0
        assert any("damaged" in note or "cut off" in note for note in run.notes)


@given(LOGS, st.data())
@settings(max_examples=40, deadline=None)
def test_a_flipped_byte_costs_its_record(make: Callable[[], Log], data: st.DataObject) -> None:
    log = make()
    place = data.draw(st.integers(0, len(log.data) - 1))
    damaged = bytearray(log.data)
    damaged[place] ^= data.draw(st.integers(1, 255))
    record = int(np.searchsorted(log.starts, place, side="right")) - 1
    inside_heavy = len(log.records[record]) > 65_536 and log.starts[record] + 12 <= place
    check(log, bytes(damaged), place, place + 1, reported=not inside_heavy)


@given(LOGS, st.data())
@settings(max_examples=40, deadline=None)
def test_inserted_bytes_cost_the_record_that_they_are_in(make: Callable[[], Log], data: st.DataObject) -> None:
    log = make()
    place = data.draw(st.integers(0, len(log.data)) | st.sampled_from(log.starts))
    extra = data.draw(st.binary(min_size=1, max_size=40) | st.integers(1, 5000).map(bytes))
    check(log, log.data[:place] + extra + log.data[place:], place, place)


@given(LOGS, st.data())
@settings(max_examples=40, deadline=None)
def test_deleted_bytes_cost_the_records_that_they_were_in(make: Callable[[], Log], data: st.DataObject) -> None:
    log = make()
    first = data.draw(st.integers(0, len(log.data) - 1))
    last = min(first + data.draw(st.integers(1, 3000)), len(log.data))
    damaged = log.data[:first] + log.data[last:]
    near = [start for start in log.starts if abs(start - first) < 100 and start + last - first in log.starts]
    whole = any(damaged == log.data[:start] + log.data[start + last - first :] for start in near)
    check(log, damaged, first, last, reported=not whole)  # nobody can miss records that are gone whole


@given(LOGS, st.data())
@settings(max_examples=40, deadline=None)
def test_a_cut_off_end_costs_the_last_record(make: Callable[[], Log], data: st.DataObject) -> None:
    log = make()
    size = data.draw(st.integers(100, len(log.data)))
    check(log, log.data[:size], size, len(log.data), reported=size not in log.starts)


@given(LOGS, st.data())
@settings(max_examples=40, deadline=None)
def test_a_block_of_zeros_costs_what_it_covers(make: Callable[[], Log], data: st.DataObject) -> None:
    """What is left of a page that never reached the disk."""
    log = make()
    first = data.draw(st.integers(0, len(log.data) - 4096))
    damaged = log.data[:first] + bytes(4096) + log.data[first + 4096 :]
    check(log, damaged, first, first + 4096, reported=damaged != log.data)


@given(LOGS, st.data())
@settings(max_examples=40, deadline=None)
def test_a_forged_length_costs_its_record(make: Callable[[], Log], data: st.DataObject) -> None:
    """A length with the right checksum that leads anywhere, up to 2^64 - 1."""
    log = make()
    record = data.draw(st.integers(0, len(log.records) - 1))
    place = log.starts[record]
    length = data.draw(
        st.sampled_from([0, 1, 65_535, 65_536, 2**31, 2**32 - 1, 2**40, 2**63, 2**64 - 1])
        | st.integers(0, len(log.data))
    )
    header = struct.pack("<Q", length)
    damaged = log.data[:place] + header + struct.pack("<I", masked(header)) + log.data[place + 12 :]
    check(log, damaged, place, place + 12, reported=damaged != log.data)


@given(LOGS, st.data())
@settings(max_examples=30, deadline=None)
def test_many_damages_cost_only_their_records(make: Callable[[], Log], data: st.DataObject) -> None:
    log = make()
    places = data.draw(st.lists(st.integers(0, len(log.data) - 1), min_size=1, max_size=30, unique=True))
    damaged = bytearray(log.data)
    for place in places:
        damaged[place] ^= 0x41
    run = read_bytes(bytes(damaged))
    expected = set.intersection(*(log.untouched(place, place + 1) for place in places))
    assert expected <= found(run) <= set().union(*log.points)


@given(st.binary(max_size=3000))
@settings(max_examples=100, deadline=None)
def test_garbage_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(LogError) as caught:
        read_bytes(data)
    assert "\n" not in str(caught.value)


def test_damage_is_counted() -> None:
    log = regular()
    damaged = bytearray(log.data)
    for record in (10, 500, 501, 3800):
        damaged[log.starts[record] + 30] ^= 1
    health = read_bytes(bytes(damaged)).health
    assert (health.records, health.bad_records) == (len(log.records) - 4, 4)
    assert health.bytes_skipped == sum(len(log.records[record]) for record in (10, 500, 501, 3800))


def test_forged_lengths_cost_no_memory(tmp_path: Path) -> None:
    """Under a limit of 512 MB of address space."""
    header = struct.pack("<Q", 2**40)
    forged = header + struct.pack("<I", masked(header))
    path = write(tmp_path, [scalar("loss", step, 1.0) for step in range(100)])
    path.write_bytes(path.read_bytes() + forged + path.read_bytes())
    limit = 512 * 2**20
    code = (
        f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({limit}, {limit})); import diagnose;"
        f"run = diagnose.read({str(path)!r}); print(len(run.curves['loss']), run.health.bad_records)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"OPENBLAS_NUM_THREADS": "1"}
    )
    assert done.stdout.split() == ["100", "1"]
    assert "training went back: 100 points" in diagnose.read(path).notes[0]
