"""What validation did while training went on: both losses on one clock."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

from diagnose.signals.robust import ODD_ONE_OUT, FloatArray, first_level, point_noise, running_median
from diagnose.signals.trend import EDGE, FEW, LEAST, SHARE, Trend

TAIL = 0.15
"""Share of the evaluations that make the last level."""
FEWEST = 4
"""Evaluations below which no best can be told from the last."""
UNKNOWN_NOISE = 0.03
"""Noise of an evaluation where fewer than six are there to measure it."""


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
    near: int
    """Index of the first evaluation that is about as good as the best."""
    train_fall: float
    """Fall of the training level since the best evaluation, to its lowest since."""
    train_kept: float
    """The same to the end of the run; negative where training has lost it again."""
    train_fall_near: float
    """Fall of the training level since the first evaluation that is about as good."""
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
        return self.best / (self.evaluations - 1)

    @property
    def near_at(self) -> float:
        """Share of the evaluations at the first that is about as good as the best."""
        return self.near / (self.evaluations - 1)


def gap_of(train: Trend | None, val: Trend) -> Gap | None:
    """The gap; without training loss its falls are 0. None below four evaluations."""
    count, level = len(val), val.level
    if count < FEWEST:
        return None
    many = count >= FEW
    width = max(ODD_ONE_OUT, int(2 * SHARE * count) | 1) if many else 1
    smooth = running_median(level, width).copy()
    smooth[0] = level[0]  # the state from which training began may be the best, and is no outlier of it
    lowest, half = int(np.argmin(smooth)), max(int(SHARE / 2 * count), 1) if many else 0
    around = level[max(lowest - half, 0) : lowest + half + 1]
    best = max(lowest - half, 0) + int(np.argmin(around))  # what was logged: a smoothed value is shown to nobody
    tail = max(ODD_ONE_OUT, ceil(TAIL * count)) if many else ceil(TAIL * count)
    bottom, last = float(smooth[lowest]), float(np.median(level[-tail:]))
    gain, rise = first_level(level[: max(1, count // FEW)]) - bottom, last - bottom
    gained, lost = val.loss(bottom + gain) - val.loss(bottom), val.loss(last) - val.loss(bottom)
    noise = _noise(level)
    near = int(np.argmax(smooth <= bottom + max(min(gain * EDGE, EDGE / 2), 2 * noise)))
    return Gap(
        smooth,
        best,
        rise,
        rise / (noise * sqrt(1 / tail + 1 / width)),
        max(lost / gained, rise / gain) if gain > 0 and gained > 0 else 1.0,
        gain,
        noise,
        near,
        0.0 if train is None else _fall(train, val, best),
        0.0 if train is None else float(train.smooth[place_in(train, val, best)]) - train.end,
        0.0 if train is None else _fall(train, val, near),
        last - train.end if train is not None and not (train.signed or val.signed) else 0.0,
    )


def _noise(level: FloatArray) -> float:
    if len(level) < FEW // 2:
        return UNKNOWN_NOISE
    return max(point_noise(level[len(level) // FEWEST :]), 20 * LEAST)  # not in the steep start


def _fall(train: Trend, val: Trend, evaluation: int) -> float:
    """Fall of the training level from an evaluation to the end, or to its lowest after it, whichever is more."""
    place = place_in(train, val, evaluation)
    return float(train.smooth[place]) - min(train.end, float(train.smooth[place:].min()))


def place_in(train: Trend, val: Trend, evaluation: int) -> int:
    """The point of the training loss at which an evaluation was made."""
    mine, theirs = train.curve, val.curve
    # The last evaluation may come a little after the last logged point.
    one_clock = mine.axis is theirs.axis and mine.steps[0] <= theirs.steps[-1] <= mine.steps[-1] * (1 + TAIL) + 1
    if one_clock:
        place = int(np.searchsorted(mine.steps, theirs.steps[evaluation], side="right")) - 1
    else:
        place = round(evaluation / (len(val) - 1) * (len(train) - 1))
    return int(np.clip(place, 0, len(train) - 1))
