"""What validation did while training went on: both losses on one clock."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

from diagnose.run import FloatArray, IntArray
from diagnose.signals.robust import ODD_ONE_OUT, first_level, point_noise, running_median
from diagnose.signals.trend import EDGE, FEW, SHARE, Trend

TAIL = 0.15
"""Share of the evaluations that make the last level."""
FEWEST = 4
"""Evaluations below which no best can be told from the last."""
LEAST_NOISE = 0.003
"""No evaluation is better known than to three per thousand."""
WORTH = 4
"""Fall of training that is in vain where validation gains less than one. Source: real runs; 3 to 6 do as well."""


@dataclass(frozen=True, eq=False)
class Gap:
    """The validation loss since its best, and the training loss since then. Rises and falls are in levels."""

    smooth: FloatArray
    """Shape (evaluations,): the level of validation without its noise."""
    best: int
    """Index of the lowest evaluation as logged, beside the smoothed best or as good within the noise: what to keep."""
    tail: int
    """Evaluations at the end that make the last level."""
    last: float
    """The last level."""
    rise: float
    """From the best to the last level."""
    rise_z: float
    """In standard errors of the noise between evaluations."""
    rise_share: float
    """Of all that validation had gained; 1 where it gained nothing."""
    gain: float
    """From the first evaluation to the best."""
    noise: float
    """Standard deviation of an evaluation."""
    train_fall: float
    """Fall of the training level from the best evaluation to the end of the run; negative where it rose."""
    vain: float
    """The most that training fell beyond `WORTH` gains of validation, a fifth at most, times the share of time."""
    vain_from: int
    """Index of that evaluation."""
    apart: float
    """Last level of validation above that of training."""

    def __len__(self) -> int:
        return len(self.smooth)

    @property
    def since(self) -> int:
        """Evaluations after the best."""
        return len(self) - 1 - self.best


def gap_of(train: Trend | None, val: Trend) -> Gap | None:
    """The gap; without training loss its falls are 0. None below four evaluations, and of the batches of one."""
    count, level, many = len(val), val.level, len(val) >= FEW
    one_batch = train is None and val.curve.epochs is not None and not np.ptp(val.curve.epochs)
    if count < FEWEST or one_batch:
        return None
    width = max(ODD_ONE_OUT, int(2 * SHARE * count) | 1) if many else 1
    smooth = running_median(level, width).copy()
    smooth[0] = level[0]  # the state from which training began may be the best, and is no outlier of it
    tail = ceil(TAIL * count)
    noise = max(point_noise(level[count // FEWEST :]), LEAST_NOISE)  # not in the steep start
    bottom, last = float(smooth.min()), float(np.median(level[-tail:]))
    last = last if many or level[-2] - bottom > noise else min(last, float(level[-2]))  # one alone is no course
    gain, rise = first_level(level[: max(1, count // FEW)]) - bottom, last - bottom
    near = np.abs(np.arange(count) - np.argmin(smooth)) <= (max(1, SHARE / 2 * count) if many else 0)
    best = int(np.argmin(np.where(near | (smooth <= bottom + noise), level, np.inf)))
    falls = (
        np.zeros(count) if train is None else (train.smooth - train.smooth[-train.ends :].min())[_places(train, val)]
    )
    vain = np.linspace(1, 0, count) * (falls - WORTH * (smooth - bottom)) * (smooth - bottom <= 2 * EDGE)
    return Gap(
        smooth,
        best,
        tail,
        last,
        rise,
        rise / (noise * sqrt(1 / tail + 1 / width)),
        rise / gain if gain > 0 else 1.0,
        gain,
        noise,
        float(falls[best]),
        float(vain[:-tail].max()),  # what the last few did not gain says nothing
        int(vain[:-tail].argmax()),
        last - train.end if train is not None and not (train.signed or val.signed) else 0.0,
    )


def _places(train: Trend, val: Trend) -> IntArray:
    """Shape (evaluations,): the point of the training loss at which each evaluation was made."""
    mine, theirs = train.curve, val.curve
    # The last evaluation may come a little after the last logged point; what is not counted is the order of its own.
    one_clock = mine.axis is theirs.axis and mine.counted and theirs.counted
    if one_clock and mine.steps[0] <= theirs.steps[-1] <= mine.steps[-1] * (1 + TAIL) + 1:
        found = np.searchsorted(mine.steps, theirs.steps, side="right") - 1
    else:
        found = np.linspace(0, len(train) - 1, len(val)).round().astype(np.intp)
    return np.clip(found, 0, len(train) - 1)
