"""Checkpoints: whole or not at all, and a predecessor behind each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from diagnose.errors import TrainerError
from diagnose.trainer import checkpoint
from diagnose.trainer.checkpoint import Checkpoint, Progress

SAVED = Checkpoint(
    weights={"layer.weight": torch.arange(6.0).reshape(2, 3)},
    optimizer={"layer.weight/exp_avg": torch.ones(2, 3), "layer.weight/step": torch.tensor(7.0)},
    codebook=torch.zeros(4, 2),
    progress=Progress(7, 1.5, 5, 1, 1.5),
    options={"model": {"n_vocab": 4}},
    characters="ሰላም",
    longest=9,
)


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    SAVED.save(tmp_path / "last.safetensors")
    back = checkpoint.load(tmp_path / "last.safetensors")
    assert torch.equal(back.weights["layer.weight"], SAVED.weights["layer.weight"])
    assert back.optimizer.keys() == SAVED.optimizer.keys()
    assert (back.progress, back.options, back.characters, back.longest) == (
        SAVED.progress, SAVED.options, "ሰላም", 9,
    )  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["last.safetensors"]


@pytest.mark.parametrize("kept", [0, 1, 9, 100, -1])
def test_a_cut_checkpoint_is_refused_in_one_line(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "last.safetensors"
    SAVED.save(path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(TrainerError, match="damaged") as caught:
        checkpoint.load(path)
    assert "\n" not in str(caught.value)


def test_a_damaged_checkpoint_has_its_predecessor_behind_it(tmp_path: Path) -> None:
    for step in (90, 100):
        replace(SAVED, progress=Progress(step)).save(tmp_path / f"step-{step}.safetensors")
    (tmp_path / "last.safetensors").write_bytes(b"torn")
    found = checkpoint.newest(tmp_path)
    assert found is not None
    assert found.progress.step == 100


def test_where_all_are_damaged_it_says_so_and_where_none_is_there_it_begins(tmp_path: Path) -> None:
    assert checkpoint.newest(tmp_path) is None
    (tmp_path / "last.safetensors").write_bytes(b"torn")
    with pytest.raises(TrainerError, match="damaged"):
        checkpoint.newest(tmp_path)


def test_only_the_latest_are_kept(tmp_path: Path) -> None:
    for step in (2, 10, 100):
        (tmp_path / f"step-{step}.safetensors").touch()
    (tmp_path / "best.safetensors").touch()
    checkpoint.prune(tmp_path, 2)
    assert sorted(path.stem for path in tmp_path.iterdir()) == ["best", "step-10", "step-100"]
