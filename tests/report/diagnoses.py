"""Diagnoses made by hand, so that what is tested is how they look and not how runs are judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diagnose.facts import Facts
from diagnose.finding import (
    Confidence,
    Diagnosis,
    Evidence,
    Finding,
    Moment,
    Recommendation,
    Severity,
    StopAdvice,
    Verdict,
)
from diagnose.run import Axis, Curve, Role, Run


def curve(tag: str, role: Role | None, steps: Sequence[float], values: Sequence[float], **more: Any) -> Curve:
    return Curve(tag, np.array(steps), np.array(values), role=role, **more)


def run(*curves: Curve, name: str = "run", **more: Any) -> Run:
    return Run(name, f"/logs/{name}", "csv", {one.tag: one for one in curves}, **more)


def overfit(epochs: int = 40, best: int = 10, *, floor: float = 0.28, rise: float = 0.28) -> Run:
    """Training falls to `floor`, validation turns at `best` and rises by the share `rise`."""
    steps = np.arange(1, epochs + 1)
    val = 1.5 + 1.2 * np.exp(-steps / 3) + 1.5 * rise * np.maximum(steps - best, 0) / max(1, epochs - best)
    train = floor + 2.5 * np.exp(-steps / (best * 0.8))
    return run(
        curve("train_loss", Role.TRAIN_LOSS, steps.tolist(), train.tolist(), axis=Axis.EPOCH),
        curve("val_loss", Role.VAL_LOSS, steps.tolist(), val.tolist(), axis=Axis.EPOCH),
    )


def finding(**changes: Any) -> Finding:
    known: dict[str, Any] = {
        "code": "FIT002",
        "name": "overfitting",
        "severity": Severity.ERROR,
        "confidence": Confidence.HIGH,
        "metric": "val_loss",
        "message": "The validation loss rose by 28 %.",
        "first_step": 10,
        "last_step": 40,
        "evidence": (Evidence("rise", 28.0, 3.0, "%", "rose by 28 % (alarm from 3 %)"),),
        "advice": "Use the checkpoint of epoch 10.",
    }
    return Finding(**(known | changes))


def stop(step: int = 10, *, file: str | None = None, since: int = 30) -> StopAdvice:
    return StopAdvice(
        Recommendation.STOP if since else Recommendation.CONTINUE,
        (f"{since} evaluations without a new best" if since else "the last evaluation is the best so far",),
        "val_loss",
        Axis.EPOCH,
        step,
        1.5,
        since,
        (Moment(step, "lowest loss", file),),
    )


def diagnosis(of: Run, *findings: Finding, advice: StopAdvice | None = None, **facts: Any) -> Diagnosis:
    verdict = Verdict.UNHEALTHY if any(one.alarming for one in findings) else Verdict.HEALTHY
    return Diagnosis(Facts(of, **facts), verdict, findings, stop=advice)
