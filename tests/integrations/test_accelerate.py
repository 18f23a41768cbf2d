"""The doctor as a tracker of a real Accelerator on the CPU."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

pytest.importorskip("torch")
accelerate = pytest.importorskip("accelerate")

from diagnose.integrations.accelerate import DoctorTracker
from tests.integrations.conftest import ALWAYS, falling

pytestmark = pytest.mark.filterwarnings("ignore")


def test_what_the_accelerator_logs_is_judged_and_can_end_the_loop(tmp_path: Path) -> None:
    tracker = DoctorTracker(stop="error", share=ALWAYS, report=tmp_path / "report.md")
    accelerator = accelerate.Accelerator(cpu=True, log_with=[tracker])
    accelerator.init_trackers("mine", config={"learning_rate": 1e-3, "batch_size": 8})
    for step, loss in enumerate(falling(300), 1):
        accelerator.log({"train_loss": math.nan if step >= 100 else loss, "lr": 1e-3}, step=step)
        if tracker.doctor.should_stop:
            accelerator.set_trigger()
        if accelerator.check_trigger():
            break
    accelerator.end_training()
    assert step in range(101, 104)
    assert tracker.doctor.diagnosis is not None
    assert tracker.doctor.diagnosis.facts.settings["learning_rate"] == 1e-3
    assert "non-finite-loss" in (tmp_path / "report.md").read_text("utf-8")
    assert accelerator.get_tracker("ttsdoc", unwrap=True) is tracker.doctor
