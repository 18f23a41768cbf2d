"""The best step of a run: one, with those that are equally good."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnose.run import Curve, Role
from diagnose.signals import Signals


@dataclass(frozen=True, slots=True)
class Best:
    """Where the validation loss, else the training loss, was best."""

    curve: Curve
    """The finite points of the curve that was judged."""
    index: int
    value: float
    """As logged; where single points are noise, the level there."""
    first: int
    """Index of the first point that is as good, within the noise of the level."""
    last: int
    smoothed: bool
    """Whether `value` is a level: one batch of the lowest loss is chance."""

    @property
    def step(self) -> int:
        """The step, in units of the curve's axis."""
        return int(self.curve.steps[self.index])

    @property
    def since(self) -> int:
        """Points after it."""
        return len(self.curve) - 1 - self.index

    @property
    def standstill(self) -> int:
        """Points after the first that is as good: nothing was gained in them."""
        return len(self.curve) - 1 - self.first


def best_of(measured: Signals) -> Best | None:
    """By the validation loss where one is logged; None where no loss is."""
    run = measured.run
    curve = run.curve(Role.VAL_LOSS) or run.curve(Role.TRAIN_LOSS)
    if curve is None or not len(curve.finite):
        return None
    finite, gap = curve.finite, measured.gap
    course = measured.val if curve.role is Role.VAL_LOSS else measured.train
    if course is None or len(course) < 4:
        lowest = int(np.argmin(finite.values))
        return Best(finite, lowest, float(finite.values[lowest]), lowest, lowest, smoothed=False)
    if gap is not None:
        level, slack = gap.smooth, gap.noise
        index = gap.best
    else:
        level, slack = course.trend, 2 * course.error
        index = course.best_index
    good = np.flatnonzero(level <= level.min() + slack)
    noisy = gap is None and course.width > 5
    if noisy and good[-1] == len(finite) - 1:
        index = len(finite) - 1  # the end is as good as any
    value = course.loss(float(level[index])) if noisy else float(finite.values[index])
    return Best(finite, index, value, min(int(good[0]), index), max(int(good[-1]), index), noisy)
