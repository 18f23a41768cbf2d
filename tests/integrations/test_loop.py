"""The doctor beside one's own loop: it hears everything, costs nothing, stops only for what lasts."""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnose.errors import ConfigError, LogError
from diagnose.finding import Finding, Verdict
from diagnose.integrations.loop import Doctor
from diagnose.run import Axis, Role
from tests.integrations.conftest import ALWAYS, falling


def nan_from(doctor: Doctor, first: int, last: int, **more: Any) -> int | None:
    """The step at which the doctor stops a training whose loss is NaN from `first` on; None: never."""
    for step, loss in enumerate(falling(last), 1):
        doctor.log(step, loss=math.nan if step >= first else loss, **more)
        if doctor.should_stop:
            return step
    return None


def test_what_is_logged_is_judged_as_a_log_would_be() -> None:
    doctor = Doctor("mine", config={"learning_rate": 1e-3, "batch_size": 8})
    for step, loss in enumerate(falling(300), 1):
        doctor.log(step, {"val/loss": loss + 0.1} if step % 10 == 0 else None, loss=loss, lr=1e-3)
    diagnosis = doctor.finish()
    assert diagnosis is not None
    assert diagnosis.verdict is Verdict.HEALTHY
    train, val = diagnosis.run.curve(Role.TRAIN_LOSS), diagnosis.run.curve(Role.VAL_LOSS)
    assert train is not None
    assert val is not None
    assert (train.tag, len(train), val.tag, len(val)) == ("loss", 300, "val/loss", 30)
    assert diagnosis.facts.settings["learning_rate"] == 1e-3


def test_a_loss_that_stays_nan_is_confirmed_and_stops_the_training(eager: Doctor) -> None:
    assert nan_from(eager, first=70, last=90) in range(71, 74)


def test_nan_is_seen_at_once_though_no_examination_is_due() -> None:
    doctor = Doctor(stop="error", share=1e-9)
    assert nan_from(doctor, first=70, last=90) in range(71, 74)


def test_one_nan_that_heals_stops_nothing(eager: Doctor) -> None:
    for step, loss in enumerate(falling(110), 1):
        eager.log(step, loss=math.nan if step == 70 else loss)
    assert not eager.should_stop


def test_nothing_stops_a_training_that_has_only_begun(eager: Doctor) -> None:
    assert nan_from(eager, first=3, last=49) is None


def test_nothing_stops_a_training_in_its_warm_up() -> None:
    doctor = Doctor(stop="error", share=ALWAYS, config={"learning_rate": 1e-3, "batch_size": 8, "warmup_steps": 100})
    assert nan_from(doctor, first=60, last=105) == 101


def test_nothing_stops_a_training_whose_learning_rate_still_rises(eager: Doctor) -> None:
    for step, loss in enumerate(falling(90), 1):
        eager.log(step, loss=math.nan if step > 60 else loss, lr=1e-6 * step)
    assert not eager.should_stop


def test_a_doctor_that_was_not_asked_to_stop_never_does() -> None:
    assert nan_from(Doctor(share=ALWAYS), first=60, last=75) is None


def test_a_finding_is_said_once_with_its_step_and_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Finding] = []
    with caplog.at_level(logging.WARNING, "ttsdoc"):
        nan_from(Doctor(share=ALWAYS, on_finding=heard.append), first=70, last=85)
    said = [record.getMessage() for record in caplog.records if "NUM001" in record.getMessage()]
    assert len(said) == 1
    assert "step" in said[0]
    assert "->" in said[0]
    assert [finding.code for finding in heard].count("NUM001") == 1


def test_hostile_names_reach_the_log_harmless(caplog: pytest.LogCaptureFixture) -> None:
    doctor = Doctor("run\x1b]0;owned\x07", share=ALWAYS)
    with caplog.at_level(logging.INFO, "ttsdoc"):
        for step, loss in enumerate(falling(60), 1):
            doctor.log(step, {"train/loss\x1b[2J\n::error::": loss if step < 30 else math.nan})
        doctor.finish()
    assert caplog.records
    assert not any(character in record.getMessage() for record in caplog.records for character in "\x1b\x07\n")


def test_a_resumed_training_replaces_the_points_that_it_logs_again() -> None:
    doctor = Doctor()
    for step in [*range(1, 101), *range(61, 121)]:
        doctor.log(step, loss=1.0 / step)
    diagnosis = doctor.finish()
    assert diagnosis is not None
    curve = diagnosis.run.curves["loss"]
    assert curve.steps.tolist() == list(range(1, 121))


def test_what_is_no_number_is_passed_over() -> None:
    doctor = Doctor()
    doctor.log(1, loss=np.float32(2.0), note="hello", flag=True, nothing=None, many=np.zeros(3), text=["a"])
    diagnosis = doctor.finish()
    assert diagnosis is not None
    assert set(diagnosis.run.curves) == {"loss"}


def test_a_training_that_logs_nothing_has_no_diagnosis(tmp_path: Path) -> None:
    with Doctor(report=tmp_path / "report.md") as doctor:
        pass
    assert doctor.diagnosis is None
    assert not (tmp_path / "report.md").exists()


def test_a_check_that_breaks_never_ends_the_training(monkeypatch: pytest.MonkeyPatch, eager: Doctor) -> None:
    monkeypatch.setattr(eager, "_hints", None)
    for step, loss in enumerate(falling(30), 1):
        eager.log(step, loss=loss)


@pytest.mark.parametrize(("ending", "sign"), [("md", "# ttsdoc"), ("txt", "ttsdoc"), ("json", '"runs"')])
def test_the_report_is_written_as_its_name_asks(tmp_path: Path, ending: str, sign: str) -> None:
    path = tmp_path / "new" / f"report.{ending}"
    with Doctor(report=path) as doctor:
        for step, loss in enumerate(falling(50), 1):
            doctor.log(step, loss=loss)
    assert sign in path.read_text("utf-8")
    assert ending != "json" or json.loads(path.read_text("utf-8"))["runs"][0]["metrics"]["train_loss"]["points"] == 50


def test_a_report_that_cannot_be_written_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    doctor = Doctor(report=tmp_path / "file" / "report.md")
    doctor.log(1, loss=1.0)
    doctor.finish()
    assert "could not be written" in caplog.text


def test_bad_options_are_refused_before_the_training_starts(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="no model family"):
        Doctor(family="nonsense")
    with pytest.raises(ConfigError):
        Doctor(config=tmp_path / "missing.yaml")
    with pytest.raises(ValueError, match="sometimes"):
        Doctor(stop="sometimes")


def test_epochs_are_counted_as_epochs() -> None:
    doctor = Doctor(axis=Axis.EPOCH)
    for epoch, loss in enumerate(falling(40), 1):
        doctor.log(epoch, loss=loss)
    diagnosis = doctor.finish()
    assert diagnosis is not None
    assert diagnosis.run.curves["loss"].axis is Axis.EPOCH
