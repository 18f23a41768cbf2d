"""Robust numerics of a noisy series: medians, noise, order. Pure functions of arrays."""

from __future__ import annotations

from math import pi, sqrt

import numpy as np

from diagnose.run import FloatArray

MAD_TO_STD = 1.4826
"""The standard deviation of a normal sample over its median absolute deviation."""
MEDIAN_COST = sqrt(pi / 2)
"""Standard error of a median over that of a mean, for normal noise."""
ODD_ONE_OUT = 3
"""Points whose median is not changed by any single one."""
BLOCKS = 1000
"""A running median of more than twice as many points goes by way of block medians, so that its cost stays linear."""


def running_median(values: FloatArray, width: int) -> FloatArray:
    """Shape (n,): medians over a centred odd window, which shrinks on both sides alike at the ends, to half of it."""
    count, half = len(values), min(width // 2, (len(values) - 1) // 2)
    if half < 1:
        return values
    if count > 2 * BLOCKS:
        size = count // BLOCKS + 1
        levels = np.median(values[: count // size * size].reshape(-1, size), axis=1)
        middles = np.arange(len(levels)) * size + (size - 1) / 2
        return np.interp(np.arange(count), middles, running_median(levels, max(1, width // size) | 1))
    smooth = np.empty(count)
    windows = np.lib.stride_tricks.sliding_window_view(values, 2 * half + 1)
    smooth[half : count - half] = np.median(windows, axis=1)
    for i in range(half):
        reach = max(2 * i + 1, half + 1, ODD_ONE_OUT)  # the very first and the very last points are no trend
        smooth[i], smooth[count - 1 - i] = np.median(values[:reach]), np.median(values[-reach:])
    return smooth


def robust_std(values: FloatArray) -> float:
    """Standard deviation by the median absolute deviation about the median; 0 for no values."""
    return float(MAD_TO_STD * np.median(np.abs(values - np.median(values)))) if len(values) else 0.0


def point_noise(values: FloatArray) -> float:
    """Standard deviation of single points, blind to a straight course; a second difference has six times its square."""
    return float(MAD_TO_STD * np.median(np.abs(np.diff(values, n=2))) / sqrt(6)) if len(values) >= 5 else 0.0


def block_medians(values: FloatArray, blocks: int) -> FloatArray:
    """Shape (m,), m <= blocks: medians of equal runs of points."""
    if len(values) <= blocks:
        return values
    return np.array([np.median(part) for part in np.array_split(values, blocks)])


def order(values: FloatArray) -> float:
    """Kendall's tau against time, -1 (falls throughout) to 1 (rises throughout); for up to some hundred values."""
    if len(values) <= 2:
        return 0.0
    first, second = np.triu_indices(len(values), k=1)
    return float(np.mean(np.sign(values[second] - values[first])))


def first_level(values: FloatArray) -> float:
    """The median of the first three values."""
    return float(np.median(values[:ODD_ONE_OUT]))


def last_level(values: FloatArray) -> float:
    """The median of the last three values."""
    return float(np.median(values[-ODD_ONE_OUT:]))


def as_share(values: FloatArray) -> FloatArray:
    """Shares, 0 to 1 or a little more, of what may be logged in per cent: that goes above 2."""
    return values / 100 if len(values) and values.max() > 2 else values
