"""The best step of a run: one, with those that are equally good."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnose.run import Curve, Role
from diagnose.signals import Signals
from diagnose.signals.excursions import BEYOND
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

    @property
    def step(self) -> int:
        """The step, in units of the curve's axis."""
        return int(self.curve.steps[self.index])

    @property
    def smoothed(self) -> bool:
        """Whether single points beyond it are taken for noise: one batch of the lowest loss is chance."""
        values = self.curve.values
        return bool(self.value != (values.max() if self.curve.role is Role.SCORE else values.min()))

    @property
    def since(self) -> int:
        """Points after it."""
        return len(self.curve) - 1 - self.index


def best_of(measured: Signals, worse: str = "") -> Best | None:
    """By the reward, the part of validation found to get `worse`, validation, a held-out metric, else by training."""
    run, parts, train = measured.run, measured.part_gaps, measured.train
    curve, gap = next((one for one in run.played_by(Role.VAL_LOSS) if len(one.finite)), None), measured.gap
    part = next((one for one in parts if one[0].curve.tag == worse), parts[0] if parts and curve is None else None)
    if part is not None:
        curve, gap = part[0].curve, part[1]
    if curve is not None and measured.reward is None:
        known = curve.finite
        return _lowest(known) if gap is None else _best(known, gap.smooth <= gap.smooth.min() + gap.noise, gap.best)
    loss = run.curve(Role.TRAIN_LOSS)
    if loss is not None and not len(loss.finite):
        return None
    if measured.metrics:
        logged, trend = measured.metrics[0]
        return _best(logged, trend.smooth <= trend.best + BEYOND * trend.error, trend.lowest_index)
    if train is None or train.width == 1:
        return None if loss is None else _lowest(loss.finite)
    good = train.smooth <= train.best + BEYOND * train.error
    index = len(train) - 1 if good[-1] else train.lowest_index  # the end is as good as any
    single = len(train) < MANY and index == np.argmin(train.curve.values)
    return _best(train.curve, good, index, None if single else train.loss(float(train.smooth[index])))


def _lowest(curve: Curve) -> Best:
    return _best(curve, curve.values == curve.values.min(), int(np.argmin(curve.values)))


def _best(curve: Curve, good: np.ndarray, index: int, level: float | None = None) -> Best:
    places = np.flatnonzero(good)
    value = float(curve.values[index]) if level is None else level
    return Best(curve, index, value, min(int(places[0]), index), max(int(places[-1]), index))
