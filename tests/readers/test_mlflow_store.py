"""MLflow's file store is read run by run, whichever of its files is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from diagnose.errors import LogError
from diagnose.readers import mlflow_store, read, runs
from diagnose.readers.sources import Source
from diagnose.run import Role, Run


def write_run(folder: Path, **metrics: list[tuple[int, str, int]]) -> Path:
    for key, points in metrics.items():
        path = folder / "metrics" / key.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{time} {value} {step}\n" for time, value, step in points), "utf-8")
    (folder / "meta.yaml").write_text("run_id: a\n", "utf-8")
    return folder


def curve_of(run: Run, role: Role) -> tuple[str, list[int], list[float]]:
    curve = run.curve(role)
    assert curve is not None
    return curve.tag, curve.steps.tolist(), curve.values.tolist()


def test_all_the_metrics_of_a_run_are_one_run_keys_with_slashes_too(tmp_path: Path) -> None:
    folder = write_run(
        tmp_path / "0" / "abc",
        train__loss=[(1600000000500, "2.5", 10), (1600000001500, "nan", 20)],
        val__loss=[(1600000001600, "2.75", 20)],
    )
    run = read(folder / "metrics" / "train" / "loss")
    train = run.curve(Role.TRAIN_LOSS)
    assert train is not None
    np.testing.assert_array_equal(train.values, [2.5, np.nan])
    assert train.wall_times is not None
    assert list(train.wall_times) == [1600000000.5, 1600000001.5]
    assert curve_of(run, Role.VAL_LOSS) == ("val/loss", [20], [2.75])
    assert run.format == "mlflow"


def test_a_store_gives_each_run_once(tmp_path: Path) -> None:
    for name in ("abc", "def"):
        points = [(1600000000000 + step, f"{3 - step}", step) for step in range(3)]
        write_run(tmp_path / "mlruns" / "0" / name, loss=points, val_loss=points, lr=points)
    found = list(runs(tmp_path))
    assert sorted(run.name for run in found) == ["mlruns/0/abc", "mlruns/0/def"]
    assert all(curve_of(run, Role.TRAIN_LOSS)[0] == "loss" for run in found)


def test_a_forgotten_step_gives_the_order_of_the_log(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "r", loss=[(1600000000000 + n, f"{9 - n}", 0) for n in range(4)])
    assert curve_of(read(folder / "metrics" / "loss"), Role.TRAIN_LOSS)[1] == [0, 1, 2, 3]


def test_damaged_lines_are_counted(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "r", loss=[(1600000000000, "2.5", 1), (1600000000001, "2.25", 2)])
    with (folder / "metrics" / "loss").open("a") as file:
        file.write("16000")
    run = read(folder / "metrics" / "loss")
    assert run.health.bad_records == 1
    assert curve_of(run, Role.TRAIN_LOSS)[2] == [2.5, 2.25]


def test_other_files_are_left_to_other_readers(tmp_path: Path) -> None:
    path = tmp_path / "metrics" / "notes.txt"
    path.parent.mkdir()
    path.write_text("step 1 loss 2\n", "utf-8")
    assert mlflow_store.sniff(Source(str(path), path)) == 0
    with pytest.raises(LogError, match="not in a folder"):
        mlflow_store.read(Source("x", content=b"1600000000000 2.5 1\n"))
