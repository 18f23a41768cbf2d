"""`ttsdoc train --heal` on words of five letters: a healthy run is left alone, a rate that is too high is lowered."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from diagnose.trainer.options import dump
from tests.trainer.tiny import options

PLAN = {"lr_scheduler": "constant", "early_stopping": False, "max_epochs": 40, "eval_interval": 10, "save_interval": 40}


def healed(folder: Path, data: Path, **training: Any) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """What `ttsdoc train mine.yaml --heal` said, and its record."""
    (folder / "mine.yaml").write_text(dump(options(data, training=PLAN | training)), encoding="utf-8")
    command = [sys.executable, "-m", "diagnose", "train", "mine.yaml", "--heal"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    record = folder / "runs" / "mine-heal" / "heal.json"
    assert record.exists(), done.stderr
    return done, json.loads(record.read_text("utf-8"))


@pytest.mark.integration
def test_a_healthy_training_is_left_alone(tmp_path: Path, data: Path) -> None:
    done, record = healed(tmp_path, data, learning_rate=1e-2, max_epochs=16)
    assert done.returncode == 0, done.stderr
    assert record["result"] == {"attempt": 1, "verdict": "healthy"}
    assert record["attempts"][0]["edits"] == []


@pytest.mark.integration
def test_a_rate_a_hundred_times_too_high_is_lowered_and_the_run_is_better(tmp_path: Path, data: Path) -> None:
    done, record = healed(tmp_path, data, learning_rate=1.0, warmup_steps=40)
    assert done.returncode == 0, done.stdout + done.stderr
    assert record["result"]["verdict"] == "cured"
    chosen = record["attempts"][record["result"]["attempt"] - 1]
    assert any(edit["parameter"] == "learning_rate" and edit["now"] < 0.5 for edit in chosen["edits"])
    assert (tmp_path / "runs" / "mine-heal" / "cured.yaml").exists()
