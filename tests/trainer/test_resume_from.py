"""Going on from a chosen checkpoint with other values, and what a run leaves for whoever decides that."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import yaml

from diagnose.errors import TrainerError
from diagnose.readers import read
from diagnose.run import Role
from diagnose.trainer import checkpoint
from diagnose.trainer.distributed import World
from diagnose.trainer.folder import RunFolder
from diagnose.trainer.loop import Outcome, train
from diagnose.trainer.options import Options
from diagnose.trainer.summary import write_summary
from tests.trainer.tiny import options


def run(folder: Path, tiny: Options, resume: str | None = None) -> Outcome:
    return train(tiny, RunFolder(folder), World(), resume=resume)


def rows(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text("utf-8").splitlines()]


def rates(folder: Path) -> dict[int, float]:
    return {int(row["step"]): row["learning_rate"] for row in rows(folder) if "learning_rate" in row}


def test_a_run_goes_on_from_a_step_with_another_rate_and_keeps_its_first_config(data: Path, tmp_path: Path) -> None:
    constant = {"lr_scheduler": "constant", "early_stopping": False}
    run(tmp_path / "run", options(data, training=constant))
    run(tmp_path / "run", options(data, training=constant | {"learning_rate": 2.5e-3}), "12")
    found = rates(tmp_path / "run")
    assert found[12] == pytest.approx(1e-2)
    assert found[14] == pytest.approx(2.5e-3)
    assert max(found) == 20
    kept = yaml.safe_load((tmp_path / "run" / "attempts" / "config-1.yaml").read_text("utf-8"))
    assert kept["training"]["learning_rate"] == pytest.approx(1e-2)
    assert checkpoint.load(tmp_path / "run" / "checkpoints" / "last.safetensors").progress.step == 20


def test_another_run_is_gone_on_with_in_a_folder_of_its_own_and_its_past_comes_along(
    data: Path, tmp_path: Path
) -> None:
    logged = {"use_tensorboard": True}
    run(tmp_path / "unstable", options(data, logging=logged))
    best = tmp_path / "unstable" / "checkpoints" / "step-12.safetensors"
    run(tmp_path / "cured", options(data, logging=logged, training={"learning_rate": 2.5e-3}), str(best))
    assert min(rates(tmp_path / "cured")) == 2
    assert rates(tmp_path / "cured")[12] == rates(tmp_path / "unstable")[12]
    events = read(tmp_path / "cured").curve(Role.TRAIN_LOSS)
    assert events is not None
    assert (events.steps[0], events.steps[-1]) == (2, 20)
    assert len(rates(tmp_path / "unstable")) == 10


def test_a_checkpoint_that_is_not_there_is_an_error_that_lists_those_that_are(data: Path, tmp_path: Path) -> None:
    run(tmp_path / "run", options(data))
    with pytest.raises(TrainerError, match=r"999: no such checkpoint in .*best, last, step-"):
        run(tmp_path / "run", options(data), "step-999")


def test_resuming_where_no_run_is_says_so_and_begins(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path / "new", options(data), "latest")
    assert "no checkpoint to resume from; training begins" in capsys.readouterr().err


def test_a_state_from_before_the_first_evaluation_is_kept(data: Path, tmp_path: Path) -> None:
    late = {"eval_interval": 18, "save_interval": 100}
    run(tmp_path / "run", options(data, training=late))
    assert (tmp_path / "run" / "checkpoints" / "step-9.safetensors").exists()


def test_outliers_show_in_the_largest_norm_and_hardly_in_the_mean(data: Path, tmp_path: Path) -> None:
    calm, spoiled = (
        options(data, training={"outlier_share": share, "log_interval": 5, "max_epochs": 8}) for share in (0.0, 0.1)
    )
    run(tmp_path / "calm", calm)
    run(tmp_path / "spoiled", spoiled)
    largest = [
        max(row["grad_norm_max"] for row in rows(tmp_path / name) if "grad_norm_max" in row)
        for name in ("calm", "spoiled")
    ]
    assert largest[1] > 20 * largest[0]
    assert all(row["grad_norm_max"] >= row["grad_norm"] for row in rows(tmp_path / "spoiled") if "grad_norm" in row)


def test_sgd_trains_and_resumes(data: Path, tmp_path: Path) -> None:
    sgd = {"optimizer": "sgd", "learning_rate": 0.05, "max_epochs": 8}
    run(tmp_path / "sgd", options(data, training=sgd))
    run(tmp_path / "sgd", options(data, training=sgd), "36")
    losses = [row["train/loss"] for row in rows(tmp_path / "sgd") if "train/loss" in row]
    assert losses[-1] < losses[0]


def test_the_summary_says_how_the_run_ended(data: Path, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    outcome = run(folder.path, options(data, data={"test_ratio": 0.1}))
    write_summary(outcome, folder)
    summary = json.loads(folder.summary.read_text("utf-8"))
    assert summary["steps"] == outcome.progress.step
    assert summary["samples"] == 4 * summary["steps"]
    assert summary["best_val_loss"] == outcome.progress.best_loss
    assert math.isfinite(summary["held_out_loss"])
    assert set(summary["checkpoints"]) == {"best", "last"}
