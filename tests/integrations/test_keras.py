"""The doctor in a real Keras model, with torch behind it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")
pytest.importorskip("torch")
keras = pytest.importorskip("keras")

from diagnose.integrations.keras import DoctorCallback
from diagnose.run import Axis
from tests.integrations.conftest import ALWAYS

pytestmark = pytest.mark.filterwarnings("ignore")


def trained(callback: Any, *, epochs: int, breaks_at: int | None = None) -> int:
    """The epochs that were trained."""
    x = np.linspace(0, 1, 64, dtype=np.float32)[:, None]
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(1e-2), "mse")
    ruin = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, _: (
            model.set_weights([np.full((1, 1), np.nan), np.zeros(1)])
            if breaks_at is not None and epoch >= breaks_at
            else None
        )
    )
    history = model.fit(
        x, 2 * x, validation_data=(x, 2 * x), epochs=epochs, batch_size=32, verbose=0, callbacks=[ruin, callback]
    )
    return len(history.history["loss"])


def test_the_model_is_judged_epoch_by_epoch_and_leaves_a_report(tmp_path: Path) -> None:
    callback = DoctorCallback(report=tmp_path / "report.md")
    trained(callback, epochs=12)
    diagnosis = callback.doctor.diagnosis
    assert diagnosis is not None
    assert {tag: len(curve) for tag, curve in diagnosis.run.curves.items()} == dict.fromkeys(
        ("loss", "val_loss", "learning_rate"), 12
    )
    assert diagnosis.run.curves["loss"].axis is Axis.EPOCH
    assert "ttsdoc" in (tmp_path / "report.md").read_text("utf-8")


@pytest.mark.integration
def test_a_loss_that_stays_nan_stops_the_model() -> None:
    assert trained(DoctorCallback(stop="error", share=ALWAYS), epochs=80, breaks_at=30) in range(31, 36)
