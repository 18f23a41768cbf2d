"""Promise 20: a training is stopped only by who asked for it, and the reason is said with its numbers.

The same loop runs with and without the request; the trainers of others that are installed run it as theirs.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import pytest

from diagnose.integrations.loop import Doctor
from tests.integrations.conftest import ALWAYS, falling

BREAKS = 80


def trained(doctor: Doctor, steps: int = 200) -> int:
    """Steps of a training whose loss is NaN from a step on, that were made before it was asked to end."""
    for step, loss in enumerate(falling(steps)):
        doctor.log(step, loss=loss if step < BREAKS else float("nan"))
        if doctor.should_stop:
            return step
    return steps


def test_unasked_the_training_goes_on_to_its_end(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert trained(Doctor(share=ALWAYS)) == 200
    assert "non-finite" in caplog.text


def test_asked_it_ends_and_says_the_step_and_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert trained(Doctor(stop="error", share=ALWAYS)) < BREAKS + 20
    assert re.search(rf"\b{BREAKS}\b", caplog.text)


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
