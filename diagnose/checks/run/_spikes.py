"""Finds points that stand out of a loss, and rises that take long to heal. Indices count finite points."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

import numpy as np

from diagnose.run import Curve
from diagnose.signals.trend import MEDIAN_COST, FloatArray, block_medians, robust_std

BLOCKS = 120
"""Blocks in which slow recoveries are looked for: a rise within one or two of them is sudden."""
MOST = 10_000
"""Candidates that are looked at one by one."""
FEWEST_LESSER, LESSER = 4, 2.0
"""Outliers between half of the bar and the bar that show a heavy tail, at least, and for each one above it. Source: the
tails of noise with 2 and 3 degrees of freedom have 3 and 7, bad batches in otherwise normal noise none."""


@dataclass(frozen=True, slots=True)
class Spike:
    """A sudden rise that came back."""

    first: int
    """Index of the point at which it stands highest."""
    height: float
    """Over the course before it: a factor, or a share of the range where the loss can be negative."""
    z: float
    """The same in robust standard deviations of the noise, in scaled units."""


def sharp_spikes(curve: Curve, z: float, factor: float, tail: float, weight: float) -> list[Spike]:
    """Points above a running median by `z` deviations, by `factor`, by `tail` times the deepest downward outlier.

    The rise must be at least `weight` of the run's progress, above the points before it and after it.
    """
    curve = curve.finite
    trend = curve.trend
    low = -float(trend.residuals.min())
    bar = max(z * trend.noise, tail * low, float(np.log(factor)) if trend.logarithmic else 0.0)
    places = np.flatnonzero(trend.residuals > bar)
    least = weight * max(float(curve.values[:5].max()) - trend.best, 0.0)
    kept = [int(i) for i in places[places >= 2][:MOST] if _stands_out(curve.values, int(i), least)]
    noise = max(trend.noise, float(np.finfo(np.float64).eps))
    tops = _tops(trend.residuals, kept)
    if _one_of_many(trend.residuals, bar, len(tops)):
        return []
    return [_spike(float(trend.residuals[i]), i, noise, trend.logarithmic) for i in tops]


def _one_of_many(residuals: FloatArray, bar: float, tall: int) -> bool:
    """Whether the `tall` outliers above the bar are the tail of a noise that has outliers of every size."""
    half = np.array(_tops(residuals, np.flatnonzero(residuals > bar / 2)[:MOST].tolist()), dtype=np.int64)
    lesser = int(np.count_nonzero(residuals[half] <= bar))
    return lesser >= max(FEWEST_LESSER, LESSER * tall)


def _stands_out(values: FloatArray, index: int, least: float) -> bool:
    """Whether the point is higher than what came before and after it, by `least`."""
    before, after = values[max(0, index - 10) : index], values[index + 1 : index + 1 + max(10, len(values) // 10)]
    if not len(after):
        return False
    rise = values[index] - max(np.median(before), np.quantile(after, 0.25))
    return bool(rise > max(least, 0.0) and values[index] > before.min())


def _tops(residuals: FloatArray, places: list[int], apart: int = 5) -> list[int]:
    """The highest of each group of places that are at most `apart` from one to the next."""
    if not places:
        return []
    groups = np.split(np.array(places), np.flatnonzero(np.diff(places) > apart) + 1)
    return [int(group[np.argmax(residuals[group])]) for group in groups]


def _spike(rise: float, index: int, noise: float, logarithmic: bool) -> Spike:
    return Spike(index, float(np.exp(min(rise, 700.0))) if logarithmic else rise, rise / noise)


def _usual_top(scaled: FloatArray, block: int, size: int) -> float:
    """What one in ten of the points before stands above: where two kinds of batches take turns, that of the higher."""
    return float(np.quantile(scaled[max(0, block - 6) * size : block * size], 0.9))


def slow_spikes(curve: Curve, z: float, factor: float, weight: float) -> list[Spike]:
    """Rises of the course by `factor` within two blocks that heal later, by half at least, before the curve ends.

    The rise must be at least `weight` of the run's progress.
    """
    curve = curve.finite
    trend = curve.trend
    if not trend.logarithmic or len(curve) < BLOCKS // 2:
        return []
    course = trend.scale(block_medians(curve.values, BLOCKS))
    size = -(-len(curve) // BLOCKS)
    error = max(MEDIAN_COST * robust_std(np.diff(trend.scaled)) / np.sqrt(2 * size), 1e-12)
    least = max(float(np.log(factor)), z * error)
    gain = weight * max(float(curve.values[:5].max()) - trend.best, 0.0)
    levels = course.tolist()  # numpy's median costs more than all the rest for six numbers
    found, skip = [], 0
    for block in range(3, len(course) - 1):
        rise = course[block] - course[block - 2 : block].min()
        lasting = course[block] - median(levels[max(0, block - 6) : block])
        weighty = np.exp(course[block]) * -np.expm1(-lasting) > gain
        if (
            block >= skip
            and weighty
            and min(rise, lasting) > least
            and course[block + 1 :].min() < course[block] - 0.5 * lasting
            and course[block] > _usual_top(trend.scaled, block, size)
        ):
            found.append(_spike(float(lasting), block * size, error, logarithmic=True))
            skip = block + 6
    return found
