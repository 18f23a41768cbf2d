"""The worst setback of a curve: from the best it had reached to the height it was thrown to, and what is left of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnose.signals.course import Course

LAST = 3
"""Points whose median is where the curve stands now."""


@dataclass(frozen=True, slots=True)
class Throw:
    """Levels are those of single points: a smoothed curve of twenty points has no setback of three."""

    best: int
    """Index of the lowest point before it."""
    top: int
    """Index of the highest point after that."""
    height: float
    """From the one to the other."""
    left: float
    """What the last points are above the best before; negative once it was made good."""
    regained: bool
    """Whether any later point came back to the best before."""
    slows: bool
    """Whether the later half of the time since the top brought the curve down by less than what is left."""


def throw_of(course: Course) -> Throw | None:
    """The setback of the greatest height; None where the curve never rose."""
    level = course.level
    rise = level - np.minimum.accumulate(level)
    top = int(np.argmax(rise))
    if rise[top] <= 0:
        return None
    best = int(np.argmin(level[: top + 1]))
    now = float(np.median(level[max(top, len(level) - LAST) :]))
    middle = top + (len(level) - top) // 2
    half = float(np.median(level[max(top, middle - LAST + 1) : middle + 1]))
    left = now - float(level[best])
    return Throw(best, top, float(rise[top]), left, bool(level[top:].min() <= level[best]), half - now < left)
