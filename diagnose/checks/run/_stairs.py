"""Finds the staircase that a loss shows when each epoch brings the same clips again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from diagnose.checks.run._passes import epochs_of
from diagnose.run import Curve, Run
from diagnose.signals.trend import FloatArray, IntArray, Trend, block_medians, robust_std

POINTS = 4096
"""Points that are looked at: of longer curves the medians of blocks."""
FEWEST_EPOCHS = 4
"""Boundaries that must be seen: fewer steps are steps of the schedule. Source: our choice."""
FEWEST_POINTS = 6
"""Points in an epoch: fewer show no flat part between two steps. Source: our choice."""

WIDEST = 32
"""Most points before and after a boundary that are compared; fewer than a third of the epoch."""
LEFT = 0.25
"""Last level over first above which no period is searched for: what is learned by heart has hardly any loss left."""
ENOUGH = 8.0
"""Standard errors beyond which the share of the fall decides between periods. Source: our choice."""
MOST = 64
"""Periods that are looked at closely, of those that the spectrum shows and of those that folding shows."""


@dataclass(frozen=True, slots=True)
class Stairs:
    """How a loss falls at the boundaries of epochs, beyond its slope within them, in logarithms."""

    known: bool
    """Whether the log tells the epochs; else the period was found."""
    epochs: int
    """Boundaries that were looked at, and one."""
    points: float
    """Logged points in an epoch."""
    drop: float
    """Mean jump down at a boundary, 0.2 for a fifth: what the slope within the epochs accounts for is taken off."""
    drop_z: float
    """The same in standard errors over the boundaries."""
    noise_z: float
    """The same in standard errors of the noise between neighbouring points: the best of many periods has 4 by
    chance."""
    coverage: float
    """The jumps together, as a share of the fall over these epochs: above 1 where the loss rises within them."""
    climb: float
    """What the loss rises by within an epoch, as a share of the jump: negative where it falls there, too."""
    falling: float
    """Share of the boundaries at which the loss jumps down."""
    first_step: int
    last_step: int

    @property
    def clearness(self) -> float:
        """How sure the jumps are, times the root of their share of the fall."""
        # Twice the true period has jumps as high, but half of them: what it misses counts as slope.
        return min(self.drop_z, self.noise_z, ENOUGH) * float(np.sqrt(min(1.0, max(self.coverage, 0.0))))


def stairs(run: Run, curve: Curve) -> Stairs | None:
    """The staircase of a training loss along its logged epochs, else along the period that its course shows.

    None for a loss that is negative at times, and where too few epochs are seen.
    """
    curve = curve.finite
    if len(curve) < FEWEST_EPOCHS * FEWEST_POINTS or not curve.trend.logarithmic:
        return None
    course, size = _above_floor(curve.trend)
    known = _boundaries(run, curve)
    if known is not None and len(curve) < FEWEST_POINTS * len(known):
        return None  # the epochs are known, and too short to show stairs: any other period would be chance
    if known is not None:
        # Some loggers write the epoch after the step, so that the last step of an epoch bears the next one's number.
        shifted = [(known + late)[known + late < size * len(course)] / size for late in (0, 1)]
        return _clearest(_measure(curve, course, size, edges, known=True) for edges in shifted)
    if max(curve.trend.end, curve.trend.floor) > LEFT * curve.trend.start:
        return None
    return _clearest(_measure(curve, course, size, edges, known=False) for edges in _periodic(course))


def _clearest(found: Iterable[Stairs | None]) -> Stairs | None:
    return max((one for one in found if one is not None), key=lambda one: one.clearness, default=None)


def _above_floor(trend: Trend) -> tuple[FloatArray, int]:
    """The logarithm of the loss up to its floor, shape (m,), m <= 4096, and the points in one value."""
    course = block_medians(trend.scaled, POINTS)
    size = -(-len(trend) // POINTS) if len(trend) > POINTS else 1
    coarse = trend.scaled_course
    low = coarse[0] + 0.95 * (coarse.min() - coarse[0])
    floor = int(np.argmax(coarse <= low)) * len(course) // len(coarse)
    return course[: max(floor, FEWEST_EPOCHS * FEWEST_POINTS)], size


def _boundaries(run: Run, curve: Curve) -> IntArray | None:
    """Indices of the first point of each epoch after the first; None where the log does not tell four epochs."""
    epochs = epochs_of(run, curve)
    if epochs is None:
        return None
    edges = np.flatnonzero(np.diff(np.floor(epochs + 1e-9)) > 0) + 1
    return edges if len(edges) >= FEWEST_EPOCHS - 1 else None


def _periodic(course: FloatArray) -> list[FloatArray]:
    """Candidate boundaries, by the periods at which falls recur: peaks of the spectrum of falls over several widths."""
    candidates: list[tuple[float, FloatArray]] = []
    for width in {max(2, len(course) // parts) for parts in (160, 113, 80, 57, 40, 28, 20, 14)}:
        if len(course) < 4 * width:
            continue
        falls = _falls(course, width)
        loudness = float(np.std(falls)) or 1.0
        for period in _periods(falls, width):
            height, edges = _phase(falls, period, len(course))
            candidates.append((height / loudness * np.sqrt(len(edges)), edges))
    candidates.sort(key=lambda one: -one[0])
    return [edges for _, edges in candidates[:MOST]] + _folded(course)


def _folded(course: FloatArray) -> list[FloatArray]:
    """Candidate boundaries, by laying the epochs of each whole or half number of points over one another.

    Many low steps, too low for a peak in the spectrum, add up at the exact period only.
    """
    length, place = len(course), np.arange(len(course))
    falls: dict[int, FloatArray] = {}
    candidates: list[tuple[float, float, int]] = []
    period = float(FEWEST_POINTS)
    while period <= length / FEWEST_EPOCHS:
        near = max(1, min(int(period // 3), WIDEST))
        if near not in falls:
            falls[near] = _falls(course, near)
        phases = np.mod(place, period).astype(np.int64)
        means = np.bincount(phases, falls[near]) / np.bincount(phases)
        height = (means.max() - means.mean()) * np.sqrt(near * length / period)
        candidates.append((float(height), period, int(np.argmax(means))))
        # Over the whole curve the boundaries may stray by part of the window.
        period += max(0.5, np.floor(period * period / (4 * length)) / 2)
    candidates.sort(reverse=True)
    return [np.arange(phase, length, period) for _, period, phase in candidates[:MOST]]


def _falls(course: FloatArray, width: int) -> FloatArray:
    """Shape (m,): the mean of the `width` values before each place less that of those from it on; 0 at the ends."""
    sums = np.concatenate([[0.0], np.cumsum(course)])
    means = (sums[width:] - sums[:-width]) / width
    falls = np.zeros(len(course))
    falls[width : len(course) - width + 1] = means[: -width or None][: len(course) - 2 * width + 1] - means[width:]
    inner = falls[width : len(course) - width + 1]
    low, high = np.quantile(inner, [0.02, 0.98])
    return np.clip(falls, low, high)


def _periods(falls: FloatArray, width: int) -> list[float]:
    """Periods of two to eight widths at which the spectrum stands highest, the four highest peaks."""
    count = 8 * len(falls)
    spectrum = np.abs(np.fft.rfft((falls - falls.mean()) * np.hanning(len(falls)), count))
    low, high = max(1, count // (8 * width)), count // (2 * width)
    low = max(low, (FEWEST_EPOCHS - 1) * 8)
    if high <= low + 2:
        return []
    band = spectrum[low : high + 1]
    peaks = np.flatnonzero((band[1:-1] >= band[:-2]) & (band[1:-1] >= band[2:])) + 1
    best = peaks[np.argsort(band[peaks])[::-1][:4]]
    found = [float(count / (low + peak)) for peak in best]
    return found + [found[0] / part for part in (2, 3) if found and found[0] / part >= FEWEST_POINTS]


def _phase(falls: FloatArray, period: float, length: int) -> tuple[float, FloatArray]:
    """The largest mean fall at boundaries of this period, and those boundaries."""
    starts = np.arange(0.0, period, max(0.5, period / 32))
    places = np.add.outer(starts, np.arange(0.0, length - period, period))
    means = falls[np.minimum(places.round().astype(np.int64), length - 1)].mean(axis=1)
    return float(means.max()), np.arange(starts[int(np.argmax(means))], length, period)


def _measure(curve: Curve, course: FloatArray, size: int, edges: FloatArray, *, known: bool) -> Stairs | None:
    """Compare the falls at the boundaries with the slope between them. `edges` count values of `course`."""
    if len(edges) < FEWEST_EPOCHS - 1:
        return None
    period = float(edges[-1] - edges[0]) / (len(edges) - 1)
    near = max(1, min(int(period // 3), WIDEST))
    at = edges.round().astype(np.int64)
    at = at[(at >= near) & (at <= len(course) - near)]
    if len(at) < FEWEST_EPOCHS - 1 or round(period) < FEWEST_POINTS:
        return None
    jumps, flats, climbs, fallen = _jumps(course, at, near)
    mean, error = float(jumps.mean()), float(jumps.std()) / np.sqrt(len(jumps))
    # Noise that wanders is seen between the boundaries only: neighbouring points hide it.
    noise = max(robust_std(np.diff(course)) / np.sqrt(near), float(flats.std()))
    # The slope that is taken off comes from the same windows: for three of them in a period it adds half the error.
    noise *= 1.5 / np.sqrt(len(at))
    return Stairs(
        known,
        len(at) + 1,
        period * size,
        mean,
        mean / error if error > 0 else np.sign(mean) * 1e9,
        mean / max(noise, 1e-12),
        mean * len(jumps) / fallen if fallen > 0 else 0.0,
        float(np.median(climbs)) / mean if mean > 0 else 0.0,
        float(np.mean(jumps > 0)),
        int(curve.steps[min(int(at[0]) * size, len(curve) - 1)]),
        int(curve.steps[min(int(at[-1]) * size, len(curve) - 1)]),
    )


def _jumps(course: FloatArray, at: IntArray, near: int) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """Falls at the boundaries less that of the slope beside them, and midway; rises within epochs; the whole fall."""
    sums = np.concatenate([[0.0], np.cumsum(course)])
    before, after = (sums[at] - sums[at - near]) / near, (sums[at + near] - sums[at]) / near
    slopes = (after[:-1] - before[1:]) / np.maximum(np.diff(at) - near, 1)
    beside = (np.concatenate([slopes[:1], slopes]) + np.concatenate([slopes, slopes[-1:]])) / 2
    middle = (at[:-1] + at[1:]) // 2
    flats = (2 * sums[middle] - sums[middle - near] - sums[middle + near]) / near
    return before - after - near * beside, flats, -slopes * np.diff(at), float(course[0] - course[at[-1] :].mean())
