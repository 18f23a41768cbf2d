"""What validation did while training went on: both losses on one clock."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from diagnose.signals.course import FEW, LEAST_ERROR, SHARE, Course
from diagnose.signals.smooth import FloatArray, order, point_noise, running_median

TAIL = 0.15
"""Share of the evaluations that make the last level."""
UNKNOWN_NOISE = 0.03
"""Noise of an evaluation where too few are there to measure it."""


@dataclass(frozen=True, eq=False)
class Gap:
    """The validation loss since its best, and the training loss since then. Rises and falls are in levels."""

    smooth: FloatArray
    """Shape (evaluations,): the level of validation without its noise."""
    best: int
    """Index of the best evaluation."""
    rise: float
    """From the best to the last level."""
    rise_z: float
    """In standard errors of the noise between evaluations."""
    rise_share: float
    """Of all that validation had gained, in loss units or in levels, whichever is more; 1 where it gained nothing."""
    gain: float
    """From the first evaluation to the best."""
    noise: float
    """Standard deviation of an evaluation."""
    above: float
    """Share of the evaluations after the best that stand above the middle of the rise."""
    order_since: float
    """-1: falls since the best; 1: rises."""
    near: int
    """Index of the first evaluation that is about as good as the best."""
    train_fall: float
    """Fall of the training level since the best evaluation, to its lowest since."""
    train_kept: float
    """The same to the end of the run; negative where training has lost it again."""
    train_fall_near: float
    """The same since the first that is about as good."""
    apart: float
    """Last level of validation above that of training."""

    @property
    def evaluations(self) -> int:
        """How many there are."""
        return len(self.smooth)

    @property
    def since(self) -> int:
        """Evaluations after the best."""
        return self.evaluations - 1 - self.best

    @property
    def best_at(self) -> float:
        """Share of the evaluations at the best."""
        return self.best / max(self.evaluations - 1, 1)

    @property
    def near_at(self) -> float:
        """Share of the evaluations at the first that is about as good as the best."""
        return self.near / max(self.evaluations - 1, 1)


def gap_of(train: Course | None, val: Course) -> Gap:
    """The gap; without training loss its falls are 0."""
    count, level = len(val), val.level
    smooth = running_median(level, 3 if count < 40 else int(2 * SHARE * count) | 1).copy() if count >= FEW else level
    smooth[0] = level[0]  # the state from which training began may be the best, and is no outlier of it
    lowest, half = int(np.argmin(smooth)), max(count // 40, 1) if count >= FEW else 0
    near_lowest = level[max(lowest - half, 0) : lowest + half + 1]
    best = max(lowest - half, 0) + int(np.argmin(near_lowest))  # what was logged: a smoothed value is shown to nobody
    tail = max(3, round(TAIL * count)) if count >= FEW else 2 if count >= 6 else 1
    last, noise = float(np.median(level[-tail:])), _noise(level)
    bottom = float(smooth[lowest])
    rise = last - bottom
    first = float(np.median(level[: max(1, min(3, count // FEW))]))
    gained = val.loss(first) - val.loss(bottom)
    gain = first - bottom
    since = smooth[best + 1 :]
    good = bottom + max(min(gain / 10, 0.05), 2 * noise)
    near = int(np.argmax(smooth <= good))
    fall, fall_near = (0.0, 0.0) if train is None else (_fall(train, val, best), _fall(train, val, near))
    return Gap(
        smooth,
        best,
        rise,
        rise / (noise * sqrt(1 / tail + (1 / 3 if count >= FEW else 1))),
        max((val.loss(last) - val.loss(bottom)) / max(gained, 1e-300), rise / gain) if gain > 0 else 1.0,
        gain,
        noise,
        float(np.mean(since > bottom + rise / 2)) if len(since) and rise > 0 else 0.0,
        order(smooth[best:] if count - best < 1000 else smooth[best :: count // 500]),
        near,
        fall,
        0.0 if train is None else float(train.trend[place_in(train, val, best)]) - train.end,
        fall_near,
        last - train.end if train is not None and not (train.signed or val.signed) else 0.0,
    )


def _noise(level: FloatArray) -> float:
    late = level[len(level) // 4 :] if len(level) >= 10 else level
    return max(point_noise(late), 20 * LEAST_ERROR) if len(level) >= 6 else UNKNOWN_NOISE


def _fall(train: Course, val: Course, evaluation: int) -> float:
    """Fall of the training level from an evaluation to the end, or to its lowest after it, whichever is more."""
    place = place_in(train, val, evaluation)
    return float(train.trend[place]) - min(train.end, float(train.trend[place:].min()))


def place_in(train: Course, val: Course, evaluation: int) -> int:
    """The point of the training loss at which an evaluation was made."""
    mine, theirs = train.curve, val.curve
    one_clock = mine.axis is theirs.axis and mine.steps[0] <= theirs.steps[-1] <= mine.steps[-1] * 1.2 + 1
    if one_clock:
        place = int(np.searchsorted(mine.steps, theirs.steps[evaluation], side="right")) - 1
    else:
        place = round(evaluation / max(len(val) - 1, 1) * (len(train) - 1))
    return int(np.clip(place, 0, len(train) - 1))
