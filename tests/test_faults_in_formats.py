"""The same course gets the same answer, whichever trainer printed it."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan

import numpy as np
import pytest

from diagnose.engine import examine
from diagnose.facts import Facts
from diagnose.finding import Severity, Verdict
from diagnose.readers import read_source
from diagnose.readers.sources import Source
from tests.curves import Floats

EPOCHS = np.arange(60)
ANSWERS = {
    "healthy": set[str](),
    "nan": {"non-finite-loss"},
    "divergence": {"divergence", "learning-rate-too-high"},
    "overfitting": {"overfitting"},
    "plateau": {"plateau"},
    "spike": {"loss-spike"},
}


def course(kind: str) -> tuple[Floats, Floats]:
    """Sixty epochs of training and validation with this fault."""
    draw = np.random.default_rng(len(kind))
    noise, other = 0.01 * draw.standard_normal((2, 60))
    fall = 2.5 * np.exp(-EPOCHS / 12)
    train, val = fall + 0.4 + noise, fall + 0.6 + other
    if kind == "nan":
        train[35:] = val[35:] = np.nan
    if kind == "divergence":
        late = 0.15 * np.maximum(EPOCHS - 39, 0)
        train, val = train + late, val + late
    if kind == "overfitting":
        train, val = fall + 0.02 + 0.4 * noise, 2.5 * np.exp(-EPOCHS / 10) + 0.6 + 0.03 * np.maximum(EPOCHS - 19, 0)
    if kind == "plateau":
        train, val = 2.9 + 2 * noise, 2.9 + 2 * other
    if kind == "spike":
        train[30:32] *= 6
        val[30:32] *= 6
    return train, val


def number(value: float, form: str = ".4f") -> str:
    return "nan" if isnan(value) else format(value, form)


def json_number(value: float) -> str:
    return "NaN" if isnan(value) else number(value)


FORMATS: dict[str, Callable[[int, float, float], str]] = {
    "Keras": lambda e, t, v: f"Epoch {e + 1}/60\n9/9 - 5s - loss: {number(t)} - val_loss: {number(v)} - 5s/epoch",
    "ESPnet": lambda e, t, v: (
        f"[h] 2021-03-01 10:00:51,123 (trainer:328) INFO: {e + 1}epoch results: [train] iter_time=0.001, "
        f"loss={number(t)}, time=10 minutes and 3 seconds, total_count=100, [valid] loss={number(v)}, time=20 seconds"
    ),
    "SpeechBrain": lambda e, t, v: (
        f"epoch: {e + 1}, lr: 1.00e-03 - train loss: {number(t, '.2e')} - valid loss: {number(v, '.2e')}, valid WER: 40"
    ),
    "nnU-Net": lambda e, t, v: (
        f"2023-01-01 10:00:00.1: Epoch {e} \n2023-01-01 10:00:40.2: train_loss {number(t)} \n"
        f"2023-01-01 10:00:40.3: val_loss {number(v)} \n2023-01-01 10:00:40.4: Pseudo dice [0.5, 0.6] "
    ),
    "XGBoost": lambda e, t, v: f"[{e}]\ttrain-rmse:{number(t)}\teval-rmse:{number(v)}",
    "CSV": lambda e, t, v: "epoch,train_loss,val_loss\n" * (e == 0) + f"{e},{number(t)},{number(v)}",
    "JSON lines": lambda e, t, v: f'{{"epoch": {e}, "train_loss": {json_number(t)}, "val_loss": {json_number(v)}}}',
    "Catalyst": lambda e, t, v: (
        f"{e + 1}/60 * Epoch {e + 1} (train): loss: {number(t)} | lr: 0.0010\n"
        f"{e + 1}/60 * Epoch {e + 1} (valid): loss: {number(v)} | lr: 0.0010"
    ),
    "WeNet": lambda e, t, v: (
        f"2022-01-01 10:00:00,123 DEBUG TRAIN Batch {e}/100 loss {number(t)} lr 0.001 rank 0\n"
        f"2022-01-01 10:20:00,123 INFO Epoch {e} CV info cv_loss {number(v)}"
    ),
    "Coqui": lambda e, t, v: (
        f"\n > EPOCH: {e}/1000\n\n > TRAINING (2022-01-01 10:00:00) \n\n"
        f"   --> TIME: 2022-01-01 10:00:00 -- STEP: 10/406 -- GLOBAL_STEP: {e * 10 + 10}\n"
        f"     | > loss: {number(t)}  ({number(t)})\n\n > EVALUATION \n\n  --> EVAL PERFORMANCE\n"
        f"     | > avg_loss: {number(v)} (-0.01)"
    ),
    "Lightning's bar": lambda e, t, v: (
        f"Epoch {e}: 100%|██████| 9/9 [00:10<00:00,  9.9it/s, v_num=0, train_loss={number(t)}, val_loss={number(v)}]"
    ),
    "a loop of one's own": lambda e, t, v: f"[{e + 1}/60] tr {number(t)} / va {number(v)} | 12s",
    "a table with named rows": lambda e, t, v: (
        f"Epoch {e + 1}/60\n| Metric | Train | Val |\n|---|---|---|\n| Loss | {number(t)} | {number(v)} |\n"
        "| Accuracy | 0.5 | 0.4 |"
    ),
    "PyTorch Geometric": lambda e, t, v: f"Epoch: {e + 1:03d}, Loss: {number(t)}, Val: {number(v)}",
}


@pytest.mark.parametrize("kind", ANSWERS)
@pytest.mark.parametrize("name", FORMATS)
def test_a_fault_is_named_and_a_healthy_run_left_alone(name: str, kind: str) -> None:
    text = "".join(f"{FORMATS[name](e, t, v)}\n" for e, (t, v) in enumerate(zip(*course(kind), strict=True)))
    file = "log.csv" if name == "CSV" else "train.log"
    diagnosis = examine(Facts(read_source(Source(file, content=text.encode()))))
    said = {finding.name for finding in diagnosis.findings if finding.severity is not Severity.INFO}
    assert said & ANSWERS[kind] if ANSWERS[kind] else (diagnosis.verdict, said) == (Verdict.HEALTHY, set())
