"""A file that is one line of numbers is a curve of its name."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from diagnose.errors import LogError
from diagnose.readers import discover, number_list, read, runs
from diagnose.readers.sources import Source
from diagnose.run import Role

VALUES = [round(3.2 * 0.93**n + 0.4, 6) for n in range(24)]


@pytest.mark.parametrize("parted", [", ", " ", ";", ",", "\t"])
@pytest.mark.parametrize("name", ["train_loss.txt", "losses.txt", "Loss_D.log"])
def test_one_line_of_numbers_is_read_whole(tmp_path: Path, parted: str, name: str) -> None:
    (tmp_path / name).write_text(parted.join(map(str, VALUES)) + "\n")
    run = read(tmp_path / name)
    assert [curve.values.tolist() for curve in run.curves.values()] == [VALUES]
    assert len(discover(tmp_path)) == 1


def test_the_list_of_validation_losses_beside_it_belongs_to_it(tmp_path: Path) -> None:
    (tmp_path / "train_loss.txt").write_text(", ".join(map(str, VALUES)))
    (tmp_path / "val_loss.txt").write_text(", ".join(str(value + 0.2) for value in VALUES))
    (run,) = runs(tmp_path)
    train, val = run.curve(Role.TRAIN_LOSS), run.curve(Role.VAL_LOSS)
    assert train is not None
    assert train.values.tolist() == VALUES
    assert val is not None
    assert val.values[0] == VALUES[0] + 0.2


@pytest.mark.parametrize("name", ["shapes.txt", "predictions.log"])
def test_numbers_that_are_called_nothing_of_the_kind_are_no_log(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(", ".join(map(str, VALUES)))
    with pytest.raises(LogError):
        read(tmp_path)


def test_a_word_among_the_numbers_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "loss.txt").write_text("0.1 0.2 0.3 0.4 0.5 0.6 oops 0.7\n")
    with pytest.raises(LogError, match=r"loss\.txt: a line of numbers with something else among them"):
        read(tmp_path / "loss.txt")


@pytest.mark.parametrize("text", ["a" + 40_000 * " " + "x", 20_000 * "a ", "a" + 20_000 * "' "])
def test_a_long_row_is_looked_at_in_linear_time(text: str) -> None:
    start = time.process_time()
    assert number_list.sniff(Source("x.txt", content=text.encode())) == 0
    assert time.process_time() - start < 1
