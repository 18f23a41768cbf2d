"""Arrays of one series, or of several by their names, are curves; others are refused, and no pickle is loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from diagnose.errors import LogError
from diagnose.readers import read, read_source, runs
from diagnose.readers.sources import Source
from diagnose.run import Axis, FloatArray, Role, Run

TRAIN = np.round(3.0 * 0.93 ** np.arange(30) + 0.4, 6)
VAL = TRAIN + 0.2


def values(run: Run, role: Role) -> list[float]:
    curve = run.curve(role)
    return [] if curve is None else curve.values.tolist()


@pytest.mark.parametrize("name", ["loss.npy", "run3_train_losses.npy", "G_loss.npy"])
@pytest.mark.parametrize("shape", [(30,), (30, 1), (1, 30)])
def test_an_array_of_one_row_is_a_curve_of_its_name(tmp_path: Path, name: str, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / name, TRAIN.reshape(shape))
    (run,) = runs(tmp_path)
    assert [curve.values.tolist() for curve in run.curves.values()] == [TRAIN.tolist()]


@pytest.mark.parametrize("kind", ["float32", "float16", "int64"])
def test_numbers_of_any_kind_are_read(tmp_path: Path, kind: str) -> None:
    np.save(tmp_path / "loss.npy", (100 * TRAIN).astype(kind))
    assert values(read(tmp_path), Role.TRAIN_LOSS) == (100 * TRAIN).astype(kind).astype(float).tolist()


def test_a_column_that_counts_gives_the_steps(tmp_path: Path) -> None:
    np.save(tmp_path / "losses.npy", np.stack([100.0 * np.arange(30), TRAIN], axis=1))
    curve = read(tmp_path).curve(Role.TRAIN_LOSS)
    assert curve is not None
    assert (curve.steps.tolist(), curve.values.tolist()) == ([100 * n for n in range(30)], TRAIN.tolist())


def test_arrays_beside_each_other_are_one_run(tmp_path: Path) -> None:
    np.save(tmp_path / "train_losses.npy", TRAIN)
    np.save(tmp_path / "val_losses.npy", VAL)
    (run,) = runs(tmp_path)
    assert values(run, Role.TRAIN_LOSS) == TRAIN.tolist()
    assert values(run, Role.VAL_LOSS) == VAL.tolist()


def test_an_archive_holds_several_series_and_their_clock(tmp_path: Path) -> None:
    np.savez(tmp_path / "history.npz", train_loss=TRAIN, val_loss=VAL, epoch=np.arange(30), weights=np.ones((3, 4)))
    run = read(tmp_path)
    curve = run.curve(Role.VAL_LOSS)
    assert curve is not None
    assert (curve.axis, curve.values.tolist()) == (Axis.EPOCH, VAL.tolist())
    assert any("`weights` of shape (3, 4)" in note for note in run.notes)


@pytest.mark.parametrize(
    "array", [np.ones((30, 80)), np.ones((30, 2)), np.ones((4, 5, 6)), np.float64(2.0), np.ones(0)]
)
def test_an_array_of_another_shape_is_refused_with_its_shape(tmp_path: Path, array: FloatArray) -> None:
    np.save(tmp_path / "loss.npy", array)
    with pytest.raises(LogError, match=r"two columns \(count, value\)|no scalars|one value"):
        read(tmp_path)


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "loss.npy", np.array([{"loss": 1.0}], dtype=object), allow_pickle=True)
    with pytest.raises(LogError, match="pickled and never loaded"):
        read(tmp_path / "loss.npy")


def test_an_array_of_another_name_is_a_loss_where_the_user_says_so(tmp_path: Path) -> None:
    np.save(tmp_path / "durations.npy", TRAIN)
    source = Source(str(tmp_path / "durations.npy"), tmp_path / "durations.npy")
    with pytest.raises(LogError, match="--train-tag"):
        read_source(source)
    assert "durations" in read_source(replace(source, tag_named=True)).curves


@pytest.mark.parametrize("kept", [8, 100, 200])
def test_a_torn_array_is_refused_in_one_line(tmp_path: Path, kept: int) -> None:
    np.save(tmp_path / "loss.npy", TRAIN)
    whole = (tmp_path / "loss.npy").read_bytes()
    (tmp_path / "loss.npy").write_bytes(whole[:kept])
    with pytest.raises(LogError, match="no complete NumPy file"):
        read(tmp_path / "loss.npy")


@pytest.mark.parametrize("name", ["mel_0001.npy", "features.npy", "durations.npy"])
def test_arrays_of_data_in_a_folder_are_passed_over(tmp_path: Path, name: str) -> None:
    np.save(tmp_path / name, TRAIN)
    np.savez(tmp_path / "dataset.npz", x=TRAIN, y=VAL)
    with pytest.raises(LogError, match="no training log in this folder"):
        read(tmp_path)
