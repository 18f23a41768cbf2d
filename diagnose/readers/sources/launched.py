"""Several launches in one log: which of them hold a training, and each as a run of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from diagnose.run import Curve, Run

# A launch of less than this share of the points of the longest one does not hold the training, nor does one of fewer
# points than show a course where another has twice as many. Source: our choice: labellers call fewer points too short.
SHORT, COURSE = 0.1, 8
# Launches before the judged one that are looked at, the last ones. Source: our choice, for time.
MOST_EARLIER = 12


def fewest_points(longest: int) -> float:
    """Points of a launch that holds a training, where the longest launch has so many."""
    return max(2.0, min(COURSE, longest / 2), SHORT * longest)


def earlier_launch(judged: Run, way: str, curves: Mapping[str, Curve]) -> Run:
    """A launch before the judged one, named by where it went, without what the log has of the judged one alone."""
    return replace(judged, name=way, curves=curves, notes=(), attachments=(), beginning=None, ending=None)
