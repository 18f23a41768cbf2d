"""Promise 20: a training is stopped only by who asked for it, and the reason is said with its numbers.

The same loop runs with and without the request; the trainers of others that are installed run it as theirs.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnose.finding import Finding, Severity
from diagnose.integrations.loop import Doctor
from tests.integrations.conftest import ALWAYS, falling

BREAKS = 80


def trained(doctor: Doctor, losses: Iterable[dict[str, float]]) -> int:
    """Steps of a training that were made before it was asked to end, or before its end."""
    made = 0
    for made, logged in enumerate(losses):
        doctor.log(made, logged)
        if doctor.should_stop:
            return made
    return made + 1


def broken(steps: int = 200) -> Iterator[dict[str, float]]:
    """A loss that is NaN from a step on: an error."""
    for step, loss in enumerate(falling(steps)):
        yield {"loss": loss if step < BREAKS else float("nan")}


def memorised(steps: int = 400) -> Iterator[dict[str, float]]:
    """A validation loss that rises slowly: first a warning, then an error."""
    noise = np.random.default_rng(0).normal(0, 0.01, steps)
    for step in range(steps):
        val = {"val_loss": 1 + 1.5 * math.exp(-step / 30) + max(0, step - BREAKS) * 0.008} if step % 5 == 0 else {}
        yield {"loss": 0.2 + 2.5 * math.exp(-step / 60) + float(noise[step]), **val}


def test_unasked_the_training_goes_on_to_its_end(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert trained(Doctor(share=ALWAYS), broken()) == 200
    assert "non-finite" in caplog.text
    assert "stop" not in caplog.text


def test_asked_it_ends_and_says_the_reason_with_its_numbers(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert trained(Doctor(stop="error", share=ALWAYS), broken()) < BREAKS + 20
    (reason,) = (record.getMessage() for record in caplog.records if record.getMessage().startswith("stop"))
    assert re.search(rf"NUM001 non-finite-loss .*\b{BREAKS}\b", reason)


def test_asked_to_end_at_errors_it_goes_on_through_a_warning() -> None:
    at_warnings, at_errors = (Doctor(stop=stop, share=ALWAYS) for stop in ("warning", "error"))
    assert trained(at_warnings, memorised()) < trained(at_errors, memorised()) < 400
    found = {one.severity for doctor in (at_warnings, at_errors) if (one := worst(doctor))}
    assert found == {Severity.WARNING, Severity.ERROR}


def worst(doctor: Doctor) -> Finding | None:
    return max(doctor.diagnosis.findings, key=lambda one: one.severity.rank) if doctor.diagnosis else None


@pytest.mark.integration
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("stop", [None, "error"])
def test_hugging_faces_trainer_stops_only_when_asked(tmp_path: Path, stop: Any) -> None:
    pytest.importorskip("transformers")
    from diagnose.integrations.huggingface import DoctorCallback
    from tests.integrations import test_huggingface

    options: dict[str, Any] = {"share": ALWAYS, "config": {"learning_rate": 1e-2, "batch_size": 8}}
    callback = DoctorCallback(**options) if stop is None else DoctorCallback(stop=stop, **options)
    trainer = test_huggingface.trained(tmp_path, callback, steps=120, breaks_at=BREAKS)
    assert (trainer.state.global_step < 120) == (stop is not None)


@pytest.mark.integration
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("stop", [None, "error"])
def test_lightnings_trainer_stops_only_when_asked(tmp_path: Path, stop: Any) -> None:
    pytest.importorskip("lightning")
    from diagnose.integrations.lightning import DoctorCallback
    from tests.integrations import test_lightning

    callback = DoctorCallback(share=ALWAYS) if stop is None else DoctorCallback(stop=stop, share=ALWAYS)
    trainer = test_lightning.trained(tmp_path, callback, steps=120, breaks_at=BREAKS)
    assert (trainer.global_step < 120) == (stop is not None)
