"""The doctor in a real Coqui Trainer on the CPU, in a process of its own: it ends that process."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

if find_spec("trainer") is None or find_spec("torch") is None:
    pytest.skip("coqui-tts-trainer is not installed", allow_module_level=True)

SCRIPT = Path(__file__).with_name("coqui_line.py")


def trained(folder: Path, breaks_at: int) -> tuple[int, Any]:
    """The exit status and the report."""
    command = [sys.executable, "-m", "tests.integrations.coqui_line", str(folder), str(breaks_at)]
    root = SCRIPT.parents[2]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    report = folder / "report.json"
    assert report.exists(), done.stderr[-2000:]
    return done.returncode, json.loads(report.read_text("utf-8"))["runs"][0]


def test_the_trainer_is_judged_by_what_its_dashboard_gets(tmp_path: Path) -> None:
    status, run = trained(tmp_path, breaks_at=10**9)
    assert status == 0
    assert run["metrics"]["train_loss"]["tag"].endswith("loss")
    assert run["metrics"]["val_loss"]["tag"] == "EvalStats/avg_loss"
    assert run["metrics"]["val_loss"]["points"] == 80


@pytest.mark.integration
def test_a_loss_that_stays_nan_stops_the_trainer_as_ctrl_c_would(tmp_path: Path) -> None:
    status, run = trained(tmp_path, breaks_at=60)
    assert status == 130
    assert "NUM001" in {finding["code"] for finding in run["findings"]}
