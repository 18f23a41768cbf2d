"""The doctor in a real Hugging Face Trainer on the CPU."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers")
torch = pytest.importorskip("torch")

from transformers import Trainer, TrainerCallback, TrainingArguments

from diagnose.integrations.huggingface import DoctorCallback
from tests.integrations.conftest import ALWAYS

pytestmark = pytest.mark.filterwarnings("ignore")


class Line(torch.nn.Module):  # type: ignore[name-defined]  # torch is skipped by mypy
    """y = w x, whose loss breaks from a step on."""

    def __init__(self, breaks_at: int | None) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        self.calls = 0
        self.breaks_at = breaks_at

    def forward(self, x: Any, labels: Any) -> dict[str, Any]:
        self.calls += self.training
        loss = ((self.layer(x) - labels) ** 2).mean()
        return {"loss": loss * float("nan") if self.breaks_at and self.calls >= self.breaks_at else loss}


def trained(folder: Path, callback: TrainerCallback, *, steps: int, breaks_at: int | None = None) -> Any:
    points = [{"x": torch.tensor([i / 64]), "labels": torch.tensor([i / 32])} for i in range(64)]
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=64,
        learning_rate=1e-2,
        logging_steps=1,
        eval_strategy="steps",
        eval_steps=10,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        logging_nan_inf_filter=False,
    )
    trainer = Trainer(
        model=Line(breaks_at), args=arguments, train_dataset=points, eval_dataset=points, callbacks=[callback]
    )
    trainer.train()
    return trainer


def test_the_trainer_is_judged_with_its_own_arguments_and_leaves_a_report(tmp_path: Path) -> None:
    callback = DoctorCallback(report=tmp_path / "report.md")
    trained(tmp_path, callback, steps=60)
    diagnosis = callback.doctor.diagnosis
    assert diagnosis is not None
    assert {"loss", "eval_loss", "learning_rate", "grad_norm"} <= set(diagnosis.run.curves)
    assert len(diagnosis.run.curves["loss"]) == 60
    assert diagnosis.facts.settings["learning_rate"] == 1e-2
    assert diagnosis.facts.settings["batch_size"] == 64
    assert "ttsdoc" in (tmp_path / "report.md").read_text("utf-8")


@pytest.mark.integration
def test_a_loss_that_stays_nan_stops_the_trainer(tmp_path: Path) -> None:
    callback = DoctorCallback(stop="error", share=ALWAYS, config={"learning_rate": 1e-2, "batch_size": 8})
    trainer = trained(tmp_path, callback, steps=200, breaks_at=80)
    assert trainer.state.global_step in range(81, 86)


@pytest.mark.integration
def test_without_being_asked_it_only_warns(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    trainer = trained(tmp_path, DoctorCallback(share=ALWAYS), steps=120, breaks_at=80)
    assert trainer.state.global_step == 120
    assert "NUM001" in caplog.text


@pytest.mark.integration
def test_two_processes_stop_at_the_same_step(root: Path, tmp_path: Path) -> None:
    """One that stops alone would leave the other waiting for ever."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    launch = ["torch.distributed.run", "--nproc-per-node", "2", "--master-port", port]
    command = [sys.executable, "-m", *launch, "-m", "tests.integrations.two_processes", str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=300, check=False)
    ends = dict(re.findall(r"process (\d) ended at (\d+)", done.stdout))
    assert set(ends) == {"0", "1"}, done.stderr[-2000:]
    assert ends["0"] == ends["1"]
    assert int(ends["0"]) in range(81, 86)
