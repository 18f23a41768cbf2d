"""Excursions of a curve above its best level so far, and single points far above the trend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from diagnose.signals.course import Course
from diagnose.signals.smooth import FloatArray

BEYOND = 3.0
"""Standard errors from which an excursion is one: one in 700 by chance."""
LEAST_HEIGHT = 0.05
"""Five per cent of the loss: less is nobody's excursion."""
OUTLIER = 6.0
"""Times the noise."""
DIPS = 0.03
"""The share of points whose dips say how far noise reaches: it is about symmetric in the logarithm, faults go up."""


@dataclass(frozen=True, slots=True)
class Episode:
    """The level leaves the best so far, and comes back or not."""

    first: int
    """Index of its first point."""
    peak: int
    last: int
    height: float
    """Above the best level before it, in levels (0.7: twice the loss)."""
    share: float
    """Of all progress, in loss units."""
    z: float
    """Height in standard errors."""
    length: float
    """Share of the run."""
    left: float
    """Share of the height that is left at the end of the run; 0: healed."""
    over_start: float
    """Peak over the first level."""

    @property
    def points(self) -> int:
        """How many points it lasts."""
        return self.last - self.first + 1

    @property
    def effect(self) -> float:
        """By which episodes are ranked."""
        return min(self.height, 3) * min(self.share, 2)


def episodes(course: Course) -> tuple[Episode, ...]:
    """The excursions of the trend, in their order."""
    lowest = np.minimum.accumulate(course.trend)
    above = course.trend - lowest
    out = above > np.maximum(BEYOND * course.error_at, LEAST_HEIGHT)
    return tuple(_episode(course, above, run[0], run[-1]) for run in _runs(np.flatnonzero(out), 1))


def _episode(course: Course, above: FloatArray, first: int, last: int) -> Episode:
    peak = first + int(np.argmax(above[first : last + 1]))
    height = float(above[peak])
    base = float(course.trend[peak]) - height
    open_end = last == len(course) - 1
    return Episode(
        int(first),
        peak,
        int(last),
        height,
        course.lost(float(course.trend[peak]), base, course.start),
        height / float(course.error_at[peak]),
        (last - first + 1) / len(course),
        float(np.clip((course.end - base) / height, 0, 1)) if open_end else 0.0,
        float(course.trend[peak]) - course.start,
    )


def peaks(course: Course) -> tuple[Episode, ...]:
    """Bursts that the trend does not follow, after the first points: each as an episode that healed."""
    count = len(course)
    if course.width == 1:
        return ()
    usual = course.noise_at
    dips = max(0.0, -float(np.quantile(course.residuals, DIPS)))
    hot = course.residuals > np.maximum(OUTLIER * usual, max(2 * dips, LEAST_HEIGHT))
    hot[: max(2, int(DIPS * count))] = False
    return tuple(_peak(course, run) for run in _runs(np.flatnonzero(hot), max(1, course.width // 2)))


def _peak(course: Course, run: npt.NDArray[np.intp]) -> Episode:
    top = int(run[np.argmax(course.residuals[run])])
    height, level = float(course.residuals[top]), float(course.level[top])
    return Episode(
        int(run[0]),
        top,
        int(run[-1]),
        height,
        course.lost(level, level - height, course.start),
        height / float(course.noise_at[top]),
        len(run) / len(course),
        0.0,
        level - course.start,
    )


def deepest_dip(course: Course) -> float:
    """How far the lowest point after the first few lies below the trend."""
    later = course.residuals[max(2, int(DIPS * len(course))) :]
    return float(max(-later.min(initial=0.0), 0.0))


def _runs(hits: npt.NDArray[np.intp], gap: int) -> list[npt.NDArray[np.intp]]:
    """Indices split where neighbours are more than `gap` apart."""
    return np.split(hits, np.flatnonzero(np.diff(hits) > gap) + 1) if len(hits) else []
