"""CFG001: what the trainer never reads, with the confidence of the evidence."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from diagnose.checks.trainer.dead_key import DeadKey
from diagnose.errors import SourceError
from diagnose.finding import Confidence, Finding, Severity
from diagnose.gather import facts_before_training

TRAINER = """
    import yaml

    class Net:
        def __init__(self, dropout=0.1):
            self.dropout = dropout

    def train():
        cfg = yaml.safe_load(open("config.yaml"))
        print(cfg["training"]["learning_rate"], cfg["training"].get("batch_size", 16), Net().dropout)

    train()
"""
CONFIG = "data: {batch_size: 8}\nmodel: {dropout: 0.2}\ntraining: {learning_rate: 1.0e-4, warmup_steps: 4000}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text(textwrap.dedent(TRAINER), "utf-8")
    (tmp_path / "config.yaml").write_text(CONFIG, "utf-8")
    return tmp_path


def found(project: Path) -> list[Finding]:
    facts = facts_before_training(project / "config.yaml", trainer=project / "train.py")
    return list(DeadKey().check(facts))


def test_a_misplaced_key_names_what_is_read_instead_and_the_default(project: Path) -> None:
    misplaced = found(project)[0]
    assert (misplaced.severity, misplaced.confidence) == (Severity.ERROR, Confidence.MEDIUM)
    assert "`data.batch_size`: it reads `training.batch_size` (train.py:10), so 16 is used" in misplaced.message
    assert "write it as `training.batch_size`" in misplaced.advice


def test_a_name_that_appears_nowhere_is_surer_than_one_that_something_else_has(project: Path) -> None:
    nowhere, elsewhere = found(project)[1:]
    assert (nowhere.confidence, elsewhere.confidence) == (Confidence.HIGH, Confidence.MEDIUM)
    assert "`training.warmup_steps`" in nowhere.message
    assert "`model.dropout`" in elsewhere.message
    assert "train.py:5" in elsewhere.advice


def test_where_every_key_is_read_nothing_is_found(project: Path) -> None:
    (project / "config.yaml").write_text("training: {learning_rate: 1.0e-4, batch_size: 16}\n", "utf-8")
    assert found(project) == []


def test_check_lists_every_key_with_its_state_and_confidence(project: Path) -> None:
    command = [sys.executable, "-m", "diagnose", "check", "config.yaml", "--trainer", "train.py", "--format", "json"]
    said = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    keys = {key["path"]: (key["state"], key["confidence"], key["where"]) for key in json.loads(said.stdout)["keys"]}
    assert keys == {
        "data.batch_size": ("misplaced", "medium", "train.py:10"),
        "model.dropout": ("dead", "medium", "train.py:5"),
        "training.learning_rate": ("live", "high", "train.py:10"),
        "training.warmup_steps": ("dead", "high", "train.py:10"),
    }


@pytest.mark.parametrize("command", ["check", "fix"])
def test_a_trainer_that_is_not_there_stops_the_command(project: Path, command: str) -> None:
    (project / "log.csv").write_text("step,loss\n" + "".join(f"{i},{5 - i / 20}\n" for i in range(60)), "utf-8")
    logs = ["--logs", "log.csv"] if command == "fix" else []
    words = [sys.executable, "-m", "diagnose", command, "config.yaml", "--trainer", "nosuch.py", *logs]
    said = subprocess.run(words, cwd=project, capture_output=True, text=True, check=False)
    assert said.returncode == 2
    assert said.stderr.startswith("ttsdoc: nosuch.py: no such file")
    assert said.stdout == ""


def test_the_library_raises_it(project: Path) -> None:
    with pytest.raises(SourceError):
        facts_before_training(project / "config.yaml", trainer=project / "nosuch.py")
