"""Whether a loss goes up and down by the clock: what the order of the clips does, and a learning rate does not."""

from __future__ import annotations

import numpy as np

from diagnose.signals.trend import FloatArray

POINTS = 65_536
"""Points that are looked at. Source: our choice: thousands of periods."""
AROUND = 8
"""Share of the points, one in so many, over which the slow course is averaged. Source: our choice."""
CLIP = 4.0
"""Standard deviations at which a swing is cut, so that single points count little. Source: our choice."""
ALIKE = 0.8
"""Correlation of a course with itself one, two and three periods later. Source: measured on benchmarks/diagnosis: 0.5
at most where a rate is too high, 0.9 and more where buckets of clips come round in order."""


def recurs(scaled: FloatArray) -> bool:
    """Whether the swings of the points, shape (n,), about their slow course come again and again, each as the last."""
    scaled = scaled[:POINTS]
    correlation = _with_itself(scaled)
    below = np.flatnonzero(correlation < 0)
    if not len(below):
        return False
    first, last = int(below[0]), len(scaled) // 4
    if last <= first:
        return False
    period = first + int(np.argmax(correlation[first:last]))
    return bool(min(correlation[period], correlation[2 * period], correlation[3 * period]) >= ALIKE)


def _with_itself(scaled: FloatArray) -> FloatArray:
    """Shape (n,): the correlation of what is left without the slow course with the same, 0, 1, ... points later."""
    count, width = len(scaled), (len(scaled) // AROUND) | 1
    padded = np.pad(scaled, width // 2, mode="edge")
    sums = np.concatenate([[0.0], np.cumsum(padded)])
    swings = scaled - (sums[width:] - sums[:-width]) / width
    bound = CLIP * float(swings.std())
    swings = np.clip(swings, -bound, bound)
    power = np.abs(np.fft.rfft(swings - swings.mean(), 2 * count)) ** 2
    products = np.fft.irfft(power)[:count] / np.arange(count, 0, -1)
    return products / products[0] if products[0] > 0 else np.zeros(count)
