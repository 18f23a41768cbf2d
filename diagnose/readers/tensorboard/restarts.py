"""What counts of a tag's points when training went back: restarts, disorder, steps that start over.

A resumed trainer logs steps again that it had logged before it stopped. The later branch counts from its first
step on; the points that it replaces are kept apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from diagnose.run import FloatArray, IntArray

_NEVER = np.iinfo(np.int64).max
# Writers with several threads log a few points out of order. A restart takes back more than this many.
DISORDER = 4
# A step that goes back to the first of the file, give or take this share of what was reached, starts over.
START_OVER = 0.1
# Points around a return to the start whose medians decide whether training went on from there or began anew.
LEVEL_POINTS = 5


@dataclass(frozen=True, eq=False)
class Points:
    """The points of one tag in the order in which they were written, each column of shape (n,)."""

    walls: FloatArray
    steps: IntArray
    values: FloatArray

    def __len__(self) -> int:
        return len(self.steps)

    def where(self, keep: npt.NDArray[np.bool_] | IntArray) -> Points:
        """The points that a mask or an index picks."""
        return Points(self.walls[keep], self.steps[keep], self.values[keep])

    @staticmethod
    def joined(parts: Iterable[Points]) -> Points:
        """Several as one."""
        parts = list(parts)
        if len(parts) == 1:
            return parts[0]
        columns = zip(*((part.walls, part.steps, part.values) for part in parts), strict=True)
        return Points(*(np.concatenate(column) for column in columns))


def settle(points: Points, marks: Iterable[tuple[int, int]] = ()) -> tuple[Points, Points | None]:
    """The points that count, ordered by step, and those that a later branch replaced, if any.

    `marks`: (index, step): what comes from `index` on replaces what is before it from `step` on.
    """
    steps = points.steps
    marks = list(marks)
    back = np.flatnonzero(steps[1:] < steps[:-1]) + 1
    if not len(back) and not marks:
        return points, None
    if not marks and _disordered(steps):
        return points.where(np.argsort(steps, kind="stable")), None
    branches = np.full(len(steps) + 1, _NEVER)
    branches[back] = steps[back]
    for index, step in marks:
        branches[index] = min(branches[index], step)
    replaced = steps >= np.minimum.accumulate(branches[:0:-1])[::-1]
    if not replaced.any():
        return points, None
    old = points.where(replaced)
    return points.where(~replaced), old.where(np.argsort(old.steps, kind="stable"))


def _disordered(steps: IntArray) -> bool:
    """Whether a few neighbours merely changed places: no step twice, none far from where it belongs."""
    order = np.argsort(steps, kind="stable")
    moved = int(np.abs(order - np.arange(len(steps))).max())
    return moved <= DISORDER and bool((np.diff(steps[order]) > 0).all())


def counts_within_epochs(tags: Mapping[str, Points]) -> bool:
    """Whether the steps of one file start over because they count within epochs, not because trainings follow.

    All its tags decide together.
    """
    starts = {tag: _starts(points.steps).tolist() for tag, points in tags.items()}
    again = {tag: places for tag, places in starts.items() if len(places) > 1}
    votes = [_vote(tags[tag].values, place) for tag, places in again.items() for place in places]
    return bool(again) and sum(votes) >= 0


def _starts(steps: IntArray) -> IntArray:
    """Indices at which the steps go back, if they go back to where they began each time; else none."""
    starts = np.flatnonzero(steps[1:] < steps[:-1]) + 1
    if not len(starts):
        return starts
    reached = np.maximum.reduceat(steps, [0, *starts]) - steps[0]
    return starts if (steps[starts] - steps[0] <= START_OVER * np.median(reached)).all() else starts[:0]


def _vote(values: FloatArray, start: int) -> int:
    """1 where the values after a return go on where they had got to, -1 where they are what they were at first."""
    first, before, after = (
        float(np.median(values[max(0, begin) : begin + LEVEL_POINTS])) for begin in (0, start - LEVEL_POINTS, start)
    )
    nearer = abs(after - first) - abs(after - before)
    return int(np.sign(nearer)) if np.isfinite(nearer) else 0


def unrolled(points: Points) -> Points:
    """Steps that start over every epoch, counted on: each epoch begins one usual distance after the last."""
    starts = _starts(points.steps)
    if len(starts) < 2:
        return points
    gaps = np.diff(points.steps)
    usual = int(np.median(gaps[gaps > 0])) if (gaps > 0).any() else 1
    lifts = np.zeros(len(points), np.int64)
    lifts[starts] = points.steps[starts - 1] + usual - points.steps[starts]
    return Points(points.walls, points.steps + np.cumsum(lifts), points.values)
