"""Measures of how validation and training part. Shared by overfitting, past-best and divergence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnose.checks.run._once import once
from diagnose.run import Curve
from diagnose.signals.trend import MAD_TO_STD, MEDIAN_COST, FloatArray, window_medians

WINDOW = 0.2
"""Share of the evaluations that make a level. Source: our choice: five levels show a turn."""
FEWEST = 4
"""Evaluations below which nothing is said. Source: two down, one at the turn, one up."""


@dataclass(frozen=True, slots=True)
class Parting:
    """What the validation loss did after its best, and what the training loss did meanwhile."""

    best: float
    """Lowest level, in loss units: the median of a fifth of the evaluations, at least one."""
    best_step: int
    last_step: int
    rise: float
    """From the best level to the last, as a share of the best (of the range where the loss can be negative)."""
    z: float
    """The same in standard errors of the noise between evaluations."""
    since: int
    """Evaluations after the best."""
    evaluations: int
    train_fall: float
    """Fall of the training loss since the best, as a share of its level there; negative where it rose."""
    train_share: float
    """The same as a share of all that the training loss fell by in the run; 0 where it did not fall."""


@once
def parting(train: Curve, val: Curve) -> Parting | None:
    """How the finite points of the two curves part; None where there are too few to say."""
    train, val = train.finite, val.finite
    if len(val) < FEWEST or len(train) < FEWEST:
        return None
    window = max(1, round(WINDOW * len(val)))
    levels = window_medians(val.values, window)
    lowest = int(np.argmin(levels))
    best = lowest + window // 2
    since = val.values[max(lowest - 1, 0) :]  # the first descent is no noise
    error = level_error(since if len(since) > FEWEST else val.values, window)
    rise = float(levels[-1] - levels[lowest])
    fallen = fall_since(train, val, best)
    return Parting(
        float(levels[lowest]),
        int(val.steps[best]),
        int(val.steps[-1]),
        rise / _size(val.values, float(levels[lowest])),
        rise / error if error > 0 else float(np.sign(rise)) * 1e9,
        len(val) - 1 - best,
        len(val),
        fallen,
        _share_of(fallen, train),
    )


def fall_since(train: Curve, val: Curve, evaluation: int) -> float:
    """Fall of the training level from an evaluation to the end, as a share of its level there. Finite points only."""
    if train.axis is val.axis:
        index = int(np.searchsorted(train.steps, val.steps[evaluation], side="right")) - 1
    else:
        index = round((evaluation + 1) / len(val) * len(train)) - 1
    index = min(max(index, 0), len(train) - 1)
    width = max(1, min(len(train) // 20, (len(train) - index) // 2))
    there = float(np.median(train.values[max(0, index - width // 2) : index + max(1, width - width // 2)]))
    return (there - float(np.median(train.values[-width:]))) / _size(train.values, there)


def _share_of(fallen: float, train: Curve) -> float:
    """A fall to the end, as a share of the level before it, over the fall of the whole run in loss units."""
    width = max(1, len(train) // 20)
    start, end = float(np.median(train.values[:width])), float(np.median(train.values[-width:]))
    there = end / (1 - fallen) if train.values.min() > 0 else end + fallen * _size(train.values, end)
    return (there - end) / (start - end) if start > end else 0.0


def _size(values: FloatArray, level: float) -> float:
    """What a share is a share of: the level, or the range of a loss that can be negative."""
    return float(abs(level) if values.min() > 0 else np.ptp(values)) or 1.0


def level_error(values: FloatArray, window: int) -> float:
    """Standard error of the difference of two levels, each the median of `window` evaluations, in loss units."""
    return MEDIAN_COST * _noise(values) * float(np.sqrt(2 / window))


def _noise(values: FloatArray) -> float:
    """Standard deviation of single evaluations, from second differences (blind to a straight course)."""
    return float(MAD_TO_STD * np.median(np.abs(np.diff(values, n=2))) / np.sqrt(6.0))
