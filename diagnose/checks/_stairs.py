"""Finds the staircase that a loss shows when each epoch brings the same clips again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnose.run import Curve, Role, Run
from diagnose.stats import FloatArray, IntArray, Trend, block_medians, robust_std

POINTS = 2048
"""Points that are looked at: of longer curves the medians of blocks."""
FEWEST_EPOCHS = 4
"""Boundaries that must be seen: fewer steps are steps of the schedule. Source: our choice."""
FEWEST_POINTS = 6
"""Points in an epoch: fewer show no flat part between two steps. Source: our choice."""

LEFT = 0.25
"""Last level over first above which no period is searched for: what is learned by heart has hardly any loss left."""
MOST = 64
"""Periods that are looked at closely."""


@dataclass(frozen=True, slots=True)
class Stairs:
    """How a loss falls at the boundaries of epochs and within them, in logarithms."""

    known: bool
    """Whether the log tells the epochs; else the period was found."""
    epochs: int
    """Boundaries that were looked at, and one."""
    points: float
    """Logged points in an epoch."""
    drop: float
    """Mean fall at a boundary: 0.2 for a fifth."""
    drop_z: float
    """The same in standard errors over the boundaries."""
    noise_z: float
    """The same in standard errors of the noise between neighbouring points: the best of many periods has 4 by
    chance."""
    share: float
    """Share of the whole fall over these epochs that happens at the boundaries."""
    coverage: float
    """The drops together, as a share of the fall from the first level of the run to the last."""
    falling: float
    """Share of the boundaries at which the loss falls."""
    first_step: int
    last_step: int

    @property
    def clearness(self) -> float:
        """How sure the drops are, times their share of the fall near them and of the whole fall."""
        # Twice the true period has surer drops but misses half of them: beyond some sureness the shares decide.
        return min(self.drop_z, 8.0) * self.share * float(np.sqrt(min(1.0, max(self.coverage, 0.0))))


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
        return _measure(curve, course, size, known[known < size * len(course)] / size, known=True)
    if max(curve.trend.end, curve.trend.floor) > LEFT * curve.trend.start:
        return None
    found = [_measure(curve, course, size, edges, known=False) for edges in _periodic(course)]
    return max((one for one in found if one is not None), key=lambda one: one.clearness, default=None)


def _above_floor(trend: Trend) -> tuple[FloatArray, int]:
    """The logarithm of the loss up to its floor, shape (m,), m <= 2048, and the points in one value."""
    course = block_medians(trend.scaled, POINTS)
    size = -(-len(trend) // POINTS) if len(trend) > POINTS else 1
    coarse = trend.scaled_course
    low = coarse[0] + 0.95 * (coarse.min() - coarse[0])
    floor = int(np.argmax(coarse <= low)) * len(course) // len(coarse)
    return course[: max(floor, FEWEST_EPOCHS * FEWEST_POINTS)], size


def _boundaries(run: Run, curve: Curve) -> IntArray | None:
    """Indices of the first point of each epoch after the first; None where the log does not tell four epochs."""
    epochs = curve.epochs
    logged = run.curve(Role.EPOCH)
    if epochs is None and logged is not None and len(logged.finite) > FEWEST_EPOCHS:
        epochs = np.interp(curve.steps, logged.finite.steps, logged.finite.values)
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
    return [edges for _, edges in candidates[:MOST]]


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
    """Compare the falls at the boundaries with the drift between them. `edges` count values of `course`."""
    at = edges.round().astype(np.int64)
    if len(at) < FEWEST_EPOCHS - 1:
        return None
    period = float(edges[-1] - edges[0]) / (len(edges) - 1)
    near = max(1, min(int(period // 3), 32))
    at = at[(at >= near) & (at <= len(course) - near)]
    if len(at) < FEWEST_EPOCHS - 1 or period < FEWEST_POINTS:
        return None
    sums = np.concatenate([[0.0], np.cumsum(course)])
    before, after = (sums[at] - sums[at - near]) / near, (sums[at + near] - sums[at]) / near
    drops = before - after
    drift, mean = float(np.abs(after[:-1] - before[1:]).sum()), float(drops.mean())
    error = float(drops.std()) / np.sqrt(len(drops))
    fallen = mean * len(drops)
    noise = robust_std(np.diff(course)) / np.sqrt(2)
    left = max(curve.trend.end, curve.trend.floor)
    # Noise gives back between the boundaries what it seems to lose at them; stairs do not.
    kept = float(before[0] - after[-1]) / fallen if fallen > 0 else 0.0
    return Stairs(
        known,
        len(at) + 1,
        period * size,
        mean,
        mean / error if error > 0 else np.sign(fallen) * 1e9,
        mean / max(noise * np.sqrt(2 / (near * len(at))), 1e-12),
        min(fallen / (fallen + drift), max(kept, 0.0)) if fallen > 0 else 0.0,
        fallen / max(float(np.log(curve.trend.start / left)), 1e-9) if left < curve.trend.start else 0.0,
        float(np.mean(drops > 0)),
        int(curve.steps[min(int(at[0]) * size, len(curve) - 1)]),
        int(curve.steps[min(int(at[-1]) * size, len(curve) - 1)]),
    )
