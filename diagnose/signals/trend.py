"""Robust numerics of a noisy curve: its course, its noise, its slope. Pure functions of arrays."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

BLOCKS = 40
"""Blocks of the coarse course: 2.5 % of the run each, the resolution at which a trend is told from noise."""
FINE_BLOCKS = 512
"""Blocks of the fine course, against which single points are judged."""
SHORT = 16
"""Points below which noise cannot be told from course: each point counts, and only large moves do."""
MAD_TO_STD = 1.4826
"""The standard deviation of a normal sample over its median absolute deviation."""
MEDIAN_COST = 1.2533
"""Standard error of a median over that of a mean, for normal noise: sqrt(pi / 2)."""


@dataclass(frozen=True, eq=False)
class Trend:
    """The smooth course of a curve of n finite points, and the noise around it.

    Levels are in loss units. `scaled` values, residuals and noise are logarithms where no value is negative
    (so that a factor is a distance, whatever the unit of the loss), else shares of the range of the course.
    """

    steps: IntArray
    """Shape (n,)."""
    values: FloatArray
    """Shape (n,), finite."""

    @classmethod
    def of(cls, steps: IntArray, values: FloatArray) -> Trend:
        """The trend of the points (steps, values), each of shape (n,), finite, ordered by step."""
        return cls(steps, values)

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def logarithmic(self) -> bool:
        """Whether factors mean something here: no value below zero, and most above it."""
        return bool(len(self) and self.values.min() >= 0 and np.median(self.values) > 0)

    @cached_property
    def levels(self) -> FloatArray:
        """Shape (m,), m <= 40: the median of each block of points, in loss units."""
        return block_medians(self.values, BLOCKS)

    @cached_property
    def course(self) -> FloatArray:
        """Shape (m,): the levels without lone outliers, in loss units; the points themselves where they are few."""
        return self.levels if len(self) < SHORT else running_median(self.levels, 3)

    @cached_property
    def unit(self) -> float:
        """What one scaled unit is in loss units, where the scale is not logarithmic."""
        return float(np.ptp(self.levels)) or 1.0

    @cached_property
    def floor(self) -> float:
        """The smallest positive value: zeros are judged as if they were this."""
        return float(self.values[self.values > 0].min())

    def scale(self, values: FloatArray) -> FloatArray:
        """Loss units to scaled units, element by element."""
        if self.logarithmic:
            return np.asarray(np.log(np.maximum(values, self.floor)), dtype=np.float64)
        return np.asarray(values / self.unit, dtype=np.float64)

    @cached_property
    def scaled(self) -> FloatArray:
        """Shape (n,): the values in scaled units."""
        return self.scale(self.values)

    @cached_property
    def baseline(self) -> FloatArray:
        """Shape (n,): the fine course at each point, in scaled units; blind to bursts of under 3 % of the run."""
        fine = block_medians(self.scaled, FINE_BLOCKS)
        smooth = running_median(fine, odd(max(3 if len(fine) < SHORT else 5, len(fine) // 16)))
        return spread_over(smooth, len(self), FINE_BLOCKS)

    @cached_property
    def residuals(self) -> FloatArray:
        """Shape (n,): what each point stands above its baseline, in scaled units."""
        return self.scaled - self.baseline

    @cached_property
    def noise(self) -> float:
        """Robust standard deviation of the residuals, in scaled units (0.1: ten percent of the loss)."""
        return robust_std(self.residuals)

    @cached_property
    def scaled_course(self) -> FloatArray:
        """Shape (m,): the course in scaled units."""
        return self.scale(self.course)

    @cached_property
    def level_error(self) -> float:
        """Standard error of one level, in scaled units: white noise averaged, the unrest between blocks, or rounding.

        The median of rounded values is as coarse as they are, however many there are.
        """
        averaged = MEDIAN_COST * self.noise / np.sqrt(self.block_size)
        unrest = robust_std(np.diff(self.scale(self.levels), n=2)) / np.sqrt(6.0)
        level = abs(self.end) if self.logarithmic else self.unit
        rounded = self.resolution / np.sqrt(12.0) / level if level > 0 and self.block_size > 1 else 0.0
        return float(max(averaged, unrest, rounded))

    @cached_property
    def resolution(self) -> float:
        """The smallest step between different values of the last thousand points, in loss units: the printed digits."""
        different = np.unique(self.values[-1000:])
        return float(np.diff(different).min()) if len(different) > 1 else 0.0

    @property
    def block_size(self) -> int:
        """Points in a block of the course."""
        return -(-len(self) // BLOCKS)

    @cached_property
    def start(self) -> float:
        """The level at which the run began, in loss units: the median of the first points, at most five."""
        return float(np.median(self.values[: max(1, min(5, len(self) // 40))]))

    @cached_property
    def end(self) -> float:
        """The level at which the run stands, in loss units: the median of its last twentieth."""
        return float(np.median(self.values[-max(1, len(self) // 20) :]))

    @cached_property
    def best_block(self) -> int:
        """The block in which the course is lowest."""
        return int(np.argmin(self.course))

    @property
    def best(self) -> float:
        """The lowest level of the course, in loss units."""
        return float(self.course[self.best_block])

    def first_step(self, block: int) -> int:
        """The step at which a block begins."""
        return int(self.steps[min(block * self.block_size, len(self) - 1)])

    def last_step(self, block: int) -> int:
        """The step at which a block ends."""
        return int(self.steps[min((block + 1) * self.block_size, len(self)) - 1])


def odd(number: int) -> int:
    """The number, or the next one if it is even."""
    return number | 1


def robust_std(values: FloatArray) -> float:
    """Standard deviation estimated from the median absolute deviation about zero; 0 for no values."""
    return float(MAD_TO_STD * np.median(np.abs(values))) if len(values) else 0.0


def point_noise(scaled: FloatArray) -> float:
    """Robust standard deviation of single points, shape (n,), by the differences of neighbours: no course counts."""
    return robust_std(np.diff(scaled)) / float(np.sqrt(2))


def block_medians(values: FloatArray, blocks: int) -> FloatArray:
    """Shape (m,), m <= blocks: medians of equal runs of points; the last run is filled up from its own end."""
    count = len(values)
    if count <= blocks:
        return values
    size = -(-count // blocks)
    padded = np.pad(values, (0, -count % size), mode="reflect")
    return np.asarray(np.median(padded.reshape(-1, size), axis=1), dtype=np.float64)


def spread_over(levels: FloatArray, count: int, blocks: int) -> FloatArray:
    """Shape (count,): block levels back at the points, by straight lines between the middles of the blocks."""
    if count <= blocks:
        return levels
    size = -(-count // blocks)
    middles = np.arange(len(levels)) * size + (size - 1) / 2
    return np.interp(np.arange(count), middles, levels)


def running_median(values: FloatArray, window: int) -> FloatArray:
    """Shape (n,): medians over a centred odd window. Beyond the ends the curve is continued by point reflection."""
    window = min(window, odd(max(1, len(values) - 2)))
    half = window // 2
    if half < 1 or len(values) <= half:
        return values
    return window_medians(np.pad(values, half, mode="reflect", reflect_type="odd"), window)


def window_medians(values: FloatArray, window: int) -> FloatArray:
    """Shape (n - window + 1,): the median of each run of `window` neighbours among n values.

    The window is kept in order and one value is exchanged at a time: numpy's median over all windows at once would
    copy each of them, 640 MB for a fifth of 20,000 evaluations.
    """
    if np.isnan(values).any():  # has no place in an order
        windows = np.lib.stride_tricks.sliding_window_view(values, window)
        return np.asarray(np.median(windows, axis=1), dtype=np.float64)
    if window == 3:
        first, middle, last = values[:-2], values[1:-1], values[2:]
        return np.maximum(np.minimum(first, middle), np.minimum(np.maximum(first, middle), last))
    numbers = values.tolist()
    ordered = sorted(numbers[:window])
    low, high = (window - 1) // 2, window // 2
    medians = [(ordered[low] + ordered[high]) / 2]
    for old, new in zip(numbers, numbers[window:], strict=False):
        del ordered[bisect_left(ordered, old)]
        insort(ordered, new)
        medians.append((ordered[low] + ordered[high]) / 2)
    return np.array(medians)


def slope(values: FloatArray) -> float:
    """Theil-Sen slope per element of a series, shape (n,): the median over all pairs.

    Of a longer series than `FINE_BLOCKS` the pairs of its block medians: 15,000 evaluations have 100 million pairs.
    """
    levels = block_medians(values, FINE_BLOCKS)
    first, second = np.triu_indices(len(levels), k=1)
    if not len(first):
        return 0.0
    size = -(-len(values) // FINE_BLOCKS) if len(values) > FINE_BLOCKS else 1
    return float(np.median((levels[second] - levels[first]) / (second - first))) / size
