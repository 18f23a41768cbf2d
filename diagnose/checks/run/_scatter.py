"""How the points of a loss scatter, at the scale of points, and how much of that one point shares with the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnose.signals.trend import MAD_TO_STD, FloatArray

FARTHEST = 16
"""Points between two points that share nothing any more. Source: our choice: a bounce lasts some updates, whatever
the length of the run, and logs hold one point in one to a hundred updates."""
FEWEST = 20
"""Points below which nothing is told. Source: our choice: two distances of at most a tenth of them."""
CLIP = 1.5
"""Robust standard deviations at which a difference is cut, so that a burst or a spike counts little. Source: our
choice: seven of eight normal differences are whole."""
CHANCE = 2.0
"""Standard errors of a correlation of `n` points, each one over the root of `n`. Source: one in 40 by chance."""


@dataclass(frozen=True, slots=True)
class Scatter:
    """The differences of points that are near one another, against those of points far apart."""

    total: float
    """Robust standard deviation of a point about the course, in scaled units (0.3: 30 % of the loss)."""
    alike: float
    """Correlation of one point with the next: 0 for the noise of single batches, higher where the weights swing."""
    points: int
    """How many points were looked at; 0 where they are too few to tell."""

    @property
    def shared(self) -> float:
        """Standard deviation of what neighbours share; 0 where they may share it by chance."""
        return self.total * float(np.sqrt(self.alike)) if self.by_more_than_chance else 0.0

    @property
    def by_more_than_chance(self) -> bool:
        """Whether neighbours are alike beyond doubt."""
        return self.points > 0 and self.alike > CHANCE / np.sqrt(self.points)


def scatter(scaled: FloatArray) -> Scatter:
    """How the points, shape (n,), scatter: by their differences, so that a slow course does not count."""
    farthest = min(FARTHEST, len(scaled) // 10)
    if len(scaled) < FEWEST:
        return Scatter(0.0, 0.0, 0)
    distances = range(-(-farthest // 2), farthest + 1)
    far = float(np.mean([MAD_TO_STD * np.median(np.abs(_differences(scaled, apart))) for apart in distances]))
    if far <= 0:
        return Scatter(0.0, 0.0, 0)
    near, *others = (
        float(np.mean(np.minimum(_differences(scaled, k) ** 2, (CLIP * far) ** 2))) for k in (1, *distances)
    )
    return Scatter(far / float(np.sqrt(2)), 1 - near / float(np.mean(others)), len(scaled))


def _differences(scaled: FloatArray, apart: int) -> FloatArray:
    return np.asarray(scaled[apart:] - scaled[:-apart])
