"""Measures of how validation and training part. Shared by overfitting and past-best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnose.run import Axis, Curve
from diagnose.stats import FloatArray, running_median


@dataclass(frozen=True, slots=True)
class Parting:
    """What the validation loss did after its best, and what the training loss did meanwhile."""

    best: float
    best_step: int
    last_step: int
    rise: float
    """From the best to the last few evaluations, as a share of the best (of its range where it can be negative)."""
    z: float
    """The same in standard errors of the validation curve's noise."""
    since: int
    """Evaluations after the best."""
    train_fall: float
    """Fall of the training loss since the best, as a share of its level there."""


def parting(train: Curve, val: Curve) -> Parting | None:
    """How the finite points of the two curves part; None where there are too few to say."""
    train, val = train.finite, val.finite
    if len(val) < 3 or len(train) < 3:
        return None
    smooth = running_median(val.values, 3 if len(val) < 20 else 5)
    best = int(np.argmin(smooth))
    last = val.values[-max(1, min(5, len(val) - best - 1, len(val) // 4)) :]
    scale = abs(smooth[best]) if val.values.min() > 0 else float(np.ptp(smooth)) or 1.0
    noise = _noise(val.values, smooth)
    rise = float(np.median(last) - smooth[best])
    return Parting(
        float(smooth[best]),
        int(val.steps[best]),
        int(val.steps[-1]),
        rise / scale if scale else 0.0,
        rise / (noise * np.sqrt(1 + 1 / len(last))) if noise else np.inf * np.sign(rise) if rise else 0.0,
        len(val) - 1 - best,
        _fall_since(train, val, best),
    )


def _noise(values: FloatArray, smooth: FloatArray) -> float:
    """Standard deviation of single evaluations, from second differences (blind to a straight course)."""
    if len(values) < 4:
        return 0.0
    return float(1.4826 * np.median(np.abs(np.diff(values, n=2))) / np.sqrt(6))


def _fall_since(train: Curve, val: Curve, best: int) -> float:
    """Fall of the training level from the best evaluation to the end, as a share of the level there."""
    if train.axis is val.axis:
        index = int(np.searchsorted(train.steps, val.steps[best], side="right")) - 1
    else:
        index = round((best + 1) / len(val) * len(train)) - 1
    index = min(max(index, 0), len(train) - 1)
    width = max(1, min(len(train) // 20, (len(train) - index) // 2))
    there = float(np.median(train.values[max(0, index - width // 2) : index + max(1, width - width // 2)]))
    end = float(np.median(train.values[-width:]))
    scale = abs(there) if train.values.min() > 0 else float(np.ptp(train.values)) or 1.0
    return (there - end) / scale if scale else 0.0
