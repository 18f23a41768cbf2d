"""The best step of a run: one, with those that are equally good."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from diagnose.run import Curve, Role
from diagnose.signals import Signals
from diagnose.signals.trend import MANY


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


def best_of(measured: Signals) -> Best | None:
    """By the reward, else by validation where it is logged, in whatever unit; None where no loss is."""
    run, gap = measured.run, measured.gap
    curve = run.curve(Role.VAL_LOSS) or run.curve(Role.TRAIN_LOSS)
    if curve is not None and curve.role is not Role.VAL_LOSS and measured.part_gaps:
        val, gap = measured.part_gaps[0]
        curve = val.curve
    if curve is None or not len(curve.finite):
        return None
    finite, trend, reward = curve.finite, measured.train, measured.reward
    if reward is not None:
        turned = replace(reward.curve, values=-reward.curve.values)
        return _best(turned, reward.smooth <= reward.best + 2 * reward.error, reward.lowest_index)
    if curve.role is not Role.TRAIN_LOSS and gap is not None:
        return _best(finite, gap.smooth <= gap.smooth.min() + gap.noise, gap.best)
    if curve.role is Role.VAL_LOSS or trend is None or trend.width == 1:
        lowest = int(np.argmin(finite.values))
        return _best(finite, finite.values == finite.values[lowest], lowest)
    good = trend.smooth <= trend.best + 2 * trend.error
    if len(trend) < MANY:
        return _best(finite, good, trend.lowest_index)
    index = len(finite) - 1 if good[-1] else trend.lowest_index  # the end is as good as any
    return _best(finite, good, index, trend.loss(float(trend.smooth[index])))


def _best(curve: Curve, good: np.ndarray, index: int, level: float | None = None) -> Best:
    places = np.flatnonzero(good)
    value = float(curve.values[index]) if level is None else level
    return Best(curve, index, value, min(int(places[0]), index), max(int(places[-1]), index), level is not None)
