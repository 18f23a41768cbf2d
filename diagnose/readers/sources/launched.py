"""Which of several launches in one log hold a training."""

from __future__ import annotations

# A launch of less than this share of the points of the longest one does not hold the training, nor does one of fewer
# points than show a course where another has twice as many. Source: our choice: labellers call fewer points too short.
SHORT, COURSE = 0.1, 8
# Launches before the judged one that are looked at, the last ones. Source: our choice, for time.
MOST_EARLIER = 12


def fewest_points(longest: int) -> float:
    """Points of a launch that holds a training, where the longest launch has so many."""
    return max(2.0, min(COURSE, longest / 2), SHORT * longest)
