"""Excursions of a curve above its best level so far, and single points far above the trend."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np

from diagnose.run import FloatArray, IntArray
from diagnose.signals.trend import OUTLIER, Trend

BEYOND = 3.0
"""Standard errors from which the trend has left its best: one in 700 by chance."""
LEAST_HEIGHT = 0.05
"""Five per cent of the loss: less is nobody's excursion."""
GROSS = log(10)
"""Ten times the first and the usual level, whatever the noise: of a short curve that is its own spikes."""
OPENING = 0.03
"""Share of the run at its start: what falls steeply there is no outlier."""


@dataclass(frozen=True, slots=True)
class Excursion:
    """The level is above the best so far, or above the trend, and comes back or not."""

    first: int
    """Index of its first point."""
    peak: int
    last: int
    course: float
    """The level above which it is, at its peak."""
    height: float
    """Above the best level before it, in levels (0.7: twice the loss)."""
    share: float
    """Of all progress since the first level in loss units, or half of that in levels: after a fall by orders of
    magnitude a tenfold jump undoes nothing in loss units."""
    z: float
    """Height in standard errors."""
    over_start: float
    """Peak over the first level."""

    @property
    def effect(self) -> float:
        """The height, less where it undoes little of the progress."""
        return self.height * min(self.share, 1)


def excursions(trend: Trend) -> tuple[Excursion, ...]:
    """Of the trend above its best so far, in their order."""
    above = trend.smooth - np.minimum.accumulate(trend.smooth)
    out = np.flatnonzero(above > np.maximum(BEYOND * trend.error_at, LEAST_HEIGHT))
    return tuple(_excursion(trend, trend.smooth, above, run, trend.error_at) for run in _runs(out, 1))


def outliers(trend: Trend) -> tuple[Excursion, ...]:
    """Of single points above the trend, in their order; neighbours together."""
    usual = max(trend.first, float(np.median(trend.level)))
    gross = trend.level - usual > GROSS
    above = np.where(gross, trend.level - usual, trend.residuals)
    hot = gross | (trend.residuals > np.maximum(OUTLIER * trend.noise_at, LEAST_HEIGHT))
    hot[: opening(trend)] = False
    runs = _runs(np.flatnonzero(hot), trend.width // 2)
    return tuple(_excursion(trend, trend.level, above, run, trend.noise_at) for run in runs)


def opening(trend: Trend) -> int:
    """Points at the start that are no outliers, whatever they are."""
    return max(2, int(OPENING * len(trend)))


def _excursion(trend: Trend, level: FloatArray, above: FloatArray, run: IntArray, error: FloatArray) -> Excursion:
    peak = int(run[np.argmax(above[run])])
    top, height = float(level[peak]), float(above[peak])
    share = trend.lost(top, top - height, trend.start)
    share = max(share, height / max(2 * trend.fall, height))
    z = height / float(error[peak])
    return Excursion(int(run[0]), peak, int(run[-1]), top - height, height, share, z, top - trend.start)


def _runs(hits: IntArray, gap: int) -> list[IntArray]:
    """Indices split where neighbours are more than `gap` apart."""
    return np.split(hits, np.flatnonzero(np.diff(hits) > gap) + 1) if len(hits) else []
