"""Steps down of a loss at the boundaries of epochs: each epoch brings the same clips again."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from diagnose.run import Curve, FloatArray, Role, Run
from diagnose.signals.trend import LEAST, Trend

FEWEST = 4
"""Epochs that must be seen: fewer steps are steps of the schedule."""
POINTS = 6
"""Logged points in an epoch: fewer show no flat part between two steps."""
LONGEST = 4096
"""Points that are looked at; of longer curves the medians of blocks."""
FLOOR = 0.05
"""Share of the whole fall that is left where the steps end: below it there is only noise."""


@dataclass(frozen=True, slots=True)
class EpochSteps:
    """How a loss falls at the boundaries of epochs, beyond its slope within them. Falls are in levels."""

    known: bool
    """Whether the log has the epochs; else the period was found."""
    drop: float
    """Mean jump down at a boundary."""
    z: float
    """The same in standard errors over the boundaries."""
    coverage: float
    """The jumps together, as a share of the whole fall over these epochs."""
    first: int
    """Index of the first boundary."""


def epoch_steps(run: Run, trend: Trend) -> EpochSteps | None:
    """By the logged epochs, else by the period that the loss shows; None where too few epochs are seen."""
    if len(trend) < FEWEST * POINTS or trend.signed:
        return None
    epochs = _epochs(run, trend.curve)
    if epochs is not None:
        edges = (np.flatnonzero(np.diff(np.floor(epochs + LEAST)) > 0) + 1).astype(np.float64)
        if len(edges) < FEWEST or len(trend) < POINTS * len(edges):
            return None
        return _measure(trend.level, edges, 1, known=True)
    size = -(-len(trend) // LONGEST)
    blocks = trend.level[: len(trend) // size * size].reshape(-1, size)
    level = np.asarray(np.median(blocks, axis=1), dtype=np.float64)
    seen = [one for edges in _periodic(level) if (one := _measure(level, edges, size, known=False)) is not None]
    return max(seen, key=lambda one: min(one.z, 2 * POINTS) * max(min(one.coverage, 1), 0), default=None)


def _epochs(run: Run, curve: Curve) -> FloatArray | None:
    """Shape (n,): the epoch of each point of the curve; None where it is not logged."""
    if curve.epochs is not None:
        return curve.epochs
    logged = run.curve(Role.EPOCH)
    if logged is None or len(logged.finite) < 2:
        return None
    return np.interp(curve.steps, logged.finite.steps, logged.finite.values)


def _measure(level: FloatArray, edges: FloatArray, scale: int, *, known: bool) -> EpochSteps | None:
    """The jumps at these boundaries, up to the floor of the curve."""
    period = float(np.median(np.diff(edges)))
    width = max(1, int(period / 3))
    fallen = level <= level.min() + (level[0] - level.min()) * FLOOR
    end = max(int(np.argmax(fallen)) or len(level), FEWEST * period)
    places = np.array([round(edge) for edge in edges if width <= edge <= end and edge + width <= len(level)])
    if len(places) < FEWEST - 1 or period < POINTS:
        return None
    around = np.median(level[places[:, None, None] + np.arange(-width, width).reshape(2, width)], axis=2)
    before, after = around.T
    within = (after[:-1] - before[1:]) / max(period - width, 1)
    jumps = before - after - np.maximum(np.append(within, within[-1:]), 0) * width
    error = max(float(jumps.std()), LEAST) / sqrt(len(jumps))
    fall = float(before[0] - after[-1])
    return EpochSteps(
        known,
        float(jumps.mean()),
        float(jumps.mean()) / error,
        float(jumps.sum()) / fall if fall > 0 else 0.0,
        int(places[0]) * scale,
    )


def _periodic(level: FloatArray) -> list[FloatArray]:
    """Boundaries at the periods at which falls recur: the peaks of the autocorrelation of the falls."""
    count = len(level)
    pairs = level[:-1] + level[1:]
    falls = np.concatenate([[0.0, 0.0], pairs[:-2] - pairs[2:], [0.0]])
    falls = np.clip(falls - np.median(falls), 0, None)
    falls[: int(FLOOR * count)] = 0.0  # the steep start
    spectrum = np.abs(np.fft.rfft(falls - falls.mean(), 2 * count)) ** 2
    echo = np.fft.irfft(spectrum)[: count // FEWEST + 1]
    peaks = [lag for lag in range(POINTS, len(echo) - 1) if echo[lag] >= max(echo[lag - 1], echo[lag + 1])]
    best = sorted(peaks, key=lambda lag: -echo[lag])[:FEWEST]
    return [_phased(falls, period) for lag in best for period in np.linspace(lag - 1 / 2, lag + 1 / 2, 2 * POINTS - 1)]


def _phased(falls: FloatArray, period: float) -> FloatArray:
    """Boundaries of this period at the phase where most of the falls are."""
    phase = (np.arange(len(falls)) % period).astype(int)
    start = int(np.argmax(np.bincount(phase, falls)))
    return np.arange(start, len(falls), period)
