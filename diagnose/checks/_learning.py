"""Measures of how a loss falls over the run. Shared by plateau, slow learning and a rate that is too low."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnose.run import Curve, Role, Run
from diagnose.stats import slope


@dataclass(frozen=True, slots=True)
class Learning:
    """How far and how evenly a loss fell. Levels in loss units, shares between 0 and 1."""

    start: float
    end: float
    fall: float
    """What the loss fell by, as a share of its start."""
    tail_gain: float
    """What it fell by in the tail, as a share of the whole fall (of its level where it hardly fell)."""
    tail_z: float
    """The same in standard errors."""
    tail_step: int
    half_way: float
    """Share of the run after which half of the fall was done: 0.5 for a straight line, far less for healthy curves."""
    steadiness: float
    """The fall of the whole run in standard errors of its two ends."""
    rate_kept: float | None
    """Learning rate in the middle of the tail over its peak; None where it is not logged."""


def learning(run: Run, curve: Curve, tail: float = 0.5) -> Learning:
    """The fall of the finite points of `curve`; `tail`: the share of the run at its end that is looked at apart."""
    curve = curve.finite
    trend = curve.trend
    levels = trend.levels
    first = int(len(levels) * (1 - tail))
    end = float(np.median(levels[-max(1, len(levels) // 10) :]))
    start = max(trend.start, float(levels[0]))
    scale = abs(start) if trend.logarithmic else trend.unit
    fall = (start - end) / scale if scale else 0.0
    tail_fall = -slope(levels[first:]) * max(1, len(levels) - 1 - first)
    error = trend.level_error * (abs(end) if trend.logarithmic else trend.unit)
    noise = error / np.sqrt(max(1, len(levels) - first) / 12)
    return Learning(
        start,
        end,
        fall,
        tail_fall / max(start - end, 0.05 * scale) if scale else 0.0,
        tail_fall / noise if noise else np.inf * np.sign(tail_fall) if tail_fall else 0.0,
        trend.first_step(first),
        _half_way(trend.course, start, end),
        (start - end) / (error * np.sqrt(2)) if error else np.inf,
        rate_kept(run, trend.first_step((first + len(levels)) // 2)),
    )


def _half_way(course: np.ndarray, start: float, end: float) -> float:
    """Share of the blocks before half of the fall is done for good."""
    above = np.flatnonzero(course > (start + end) / 2)
    return float((above[-1] + 1) / len(course)) if len(above) else 0.0


def rate_kept(run: Run, step: int) -> float | None:
    """The learning rate at `step` over its peak, where it is logged."""
    curve = run.curve(Role.LEARNING_RATE)
    if curve is None or not len(curve.finite) or curve.finite.values.max() <= 0:
        return None
    rates = curve.finite
    return float(np.interp(step, rates.steps, rates.values) / rates.values.max())


def slow(seen: Learning, half_way: float = 0.33, remains: float = 0.6) -> bool:
    """Whether the loss falls steadily, in a nearly straight line, and has come a short way only."""
    steady = seen.steadiness > 5 and seen.tail_z > 3
    return steady and seen.half_way >= half_way and 0 < seen.fall < 1 - remains
