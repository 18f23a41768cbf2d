"""The benchmark of reading is fair: its sets are sound event files, and all readers find the same points in them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.util.tensor_util import make_ndarray

from benchmarks.reading import report
from benchmarks.reading.looks import ENVIRONMENT, Look, interleaved, look, started
from benchmarks.reading.peer import event_accumulator, ttsdoc
from benchmarks.reading.sets import SETS, WHOLE, Set, event, tf2_tensor, torch_tensor


@pytest.mark.parametrize("one", [*SETS, WHOLE], ids=lambda one: one.name)
def test_all_points_of_a_set_are_found(one: Set, tmp_path: Path) -> None:
    one.make(tmp_path / one.name, 2 if one.runs > 1 else 6)
    assert ttsdoc()(tmp_path) == event_accumulator()(tmp_path) > 0


def test_tensors_are_written_as_torch_and_tf2_write_them() -> None:
    from torch.utils.tensorboard.summary import scalar

    (value,) = scalar("loss", 0.5, new_style=True).value  # type: ignore[no-untyped-call]  # tensorboard
    ours = Event.FromString(event(1.0, 3, torch_tensor("loss", 0.5))[12:-4]).summary.value[0]
    assert ours == Summary.Value.FromString(value.SerializeToString())
    number = Event.FromString(event(1.0, 3, tf2_tensor("loss", 0.5))[12:-4]).summary.value[0].tensor
    assert (make_ndarray(number).item(), make_ndarray(number).shape) == (0.5, ())


def test_a_look_reports_what_was_read(tmp_path: Path) -> None:
    SETS[0].make(tmp_path, 50)
    (path,) = tmp_path.iterdir()
    found = look("ttsdoc", tmp_path)
    assert found.points == 20 * 50
    assert path.stat().st_size <= found.bytes_read < 2 * path.stat().st_size + 100_000  # the first bytes are seen twice
    assert found.peak_bytes > 10e6


def test_a_command_is_watched_to_its_exit_whatever_its_status() -> None:
    found = started([sys.executable, "-c", "bytearray(50_000_000); raise SystemExit(3)"], ENVIRONMENT)
    assert found.peak_bytes > 50e6
    assert found.seconds > 0


def test_readers_take_turns_and_the_slow_are_asked_once() -> None:
    asked: list[str] = []

    def take(name: str) -> Look:
        asked.append(name)
        return Look(1.0, 1.0, 1)

    interleaved(["cat", "ttsdoc", "tbparse"], take, 2)
    assert asked == ["cat", "ttsdoc", "tbparse", "cat", "ttsdoc"]


def test_a_table_gives_ratios_to_ours_and_to_the_floor() -> None:
    looks = {"cat": [Look(0.5, 0.5, 1, 0, 100)], "ttsdoc": [Look(2.0, 1.0, 64_000_000, 1_000_000, 50)]}
    text = report.comparison(SETS[0], 100, looks)
    assert "| ttsdoc | 2.000 | 1.0 | 4.0 | 1.000 | 1.0 | 2.0 | 50.0% | 64 | 24 |" in text
