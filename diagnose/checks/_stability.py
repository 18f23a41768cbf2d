"""Measures of how a loss falls back and how it swings. Shared by the symptoms (STB) and their cause (OPT001)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnose.run import Curve, Role, Run
from diagnose.stats import SHORT, Trend

MOST = 1e9
"""A share of nothing gained is infinite; evidence must be a number."""

# Divergence. Sources: half of the progress lost is the quietest rival's rule for long runs; the guide's story lost
# 0.35 and stands at 1.31 times its best; epoch means of the bundled trainer's healthy runs never rose.
SHARE = 0.25
RISE = 1.15
GRAVE = 0.3

# Oscillation. Sources: healthy noise of 20 % has an amplitude of 0.51; the course of a healthy power law does not turn.
AMPLITUDE = 0.9
TURNS = 5
PROGRESS = 0.15
TOTAL = 0.8


def diverged(back: Setback, share: float = SHARE, rise: float = RISE) -> bool:
    """Whether a setback is a divergence."""
    return back.share >= share and back.factor >= rise and back.significant


def oscillates(swing: Bounces, amplitude: float = AMPLITUDE, turns: int = TURNS) -> bool:
    """Whether swings are an oscillation: wide or many, without progress."""
    unrest = swing.amplitude >= amplitude or swing.turns >= turns
    return unrest and swing.progress < PROGRESS and swing.total < TOTAL


@dataclass(frozen=True, slots=True)
class Setback:
    """What a loss gave back after its best level. Levels in loss units."""

    start: float
    best: float
    end: float
    error: float
    """Standard error of a level, in scaled units of the trend."""
    rise: float
    """From best to end, in scaled units of the trend: a logarithm of a factor, or a share of the range."""
    logarithmic: bool
    best_step: int
    onset_step: int
    last_step: int

    @property
    def share(self) -> float:
        """Share of the progress that was lost; above 1 where the loss ends higher than it began."""
        gain = self.start - self.best
        return (self.end - self.best) / gain if gain > 0 else np.inf

    @property
    def significant(self) -> bool:
        """Whether the rise is more than the noise of the two levels that it compares."""
        return self.rise > 5 * self.error

    @property
    def factor(self) -> float:
        """End over best; 1 + share of the range where factors mean nothing."""
        return float(np.exp(self.rise)) if self.logarithmic else 1 + self.rise


def setback(curve: Curve) -> Setback | None:
    """How far the finite points of `curve` stand above their best level; None where they end at it."""
    curve = curve.finite
    trend = curve.trend
    best = trend.best_block
    if len(curve) < 3 or best == len(trend.course) - 1:
        return None
    end = float(np.median(trend.levels[-2:])) if len(curve) > 40 else trend.end
    if end <= trend.best:
        return None
    rise = float(np.subtract(*trend.scale(np.array([end, trend.best]))))
    return Setback(
        max(trend.start, float(trend.levels[: best + 1].max())),
        trend.best,
        end,
        trend.level_error if len(curve) >= SHORT else 0.0,
        rise,
        trend.logarithmic,
        trend.last_step(best),
        _onset(trend, best, end),
        int(curve.steps[-1]),
    )


def _onset(trend: Trend, best: int, end: float) -> int:
    """The first step after which the level never came back below the middle between best and end."""
    middle = (trend.best + end) / 2
    below = np.flatnonzero(trend.course < middle)
    return trend.first_step(min(int(below[-1]) + 1, len(trend.course) - 1))


@dataclass(frozen=True, slots=True)
class Bounces:
    """How a loss swings about its course, over the part of the run after the first quarter."""

    amplitude: float
    """Spread of the single points from the 10th to the 90th percentile, as a share of their level."""
    progress: float
    """How much the level fell over that part, as a share of its level at the beginning of it."""
    total: float
    """How much the level fell over the whole run, as a share of the start."""
    turns: int
    """Times that the course turned by more than its noise."""
    first_step: int
    last_step: int


def bounces(curve: Curve) -> Bounces | None:
    """The swings of the finite points; None where factors mean nothing (a loss that is negative at times)."""
    curve = curve.finite
    trend = curve.trend
    if not trend.logarithmic or len(curve) < 3:
        return None
    quarter = len(curve) // 4
    part = trend.residuals[quarter:]
    low, high = np.quantile(part, [0.1, 0.9])
    course = trend.course[len(trend.course) // 4 :]
    return Bounces(
        float(np.exp(high) - np.exp(low)),
        float(1 - course[-1] / course[0]) if course[0] else 0.0,
        1 - trend.end / trend.start if trend.start else 0.0,
        turns(trend.scaled_course, max(4 * trend.level_error, np.log(1.15))),
        int(curve.steps[quarter]),
        int(curve.steps[-1]),
    )


def turns(course: np.ndarray, size: float) -> int:
    """How often a course, shape (m,), turns from a fall of at least `size` to a rise of at least `size` or back."""
    count, direction, extreme = 0, 0, float(course[0])
    for level in course:
        if direction >= 0 and level > extreme or direction < 0 and level < extreme:
            extreme = float(level)
        elif abs(level - extreme) >= size:
            count += direction != 0
            direction = -1 if level < extreme else 1
            extreme = float(level)
    return count


@dataclass(frozen=True, slots=True)
class Instability:
    """The worst that a loss shows: that it diverged, else that it oscillates."""

    onset: int
    last: int
    grave: bool
    told: str
    evidence: dict[str, float]


def instability(curve: Curve) -> Instability | None:
    """What the checks for divergence and oscillation would both see in the finite points of `curve`."""
    back = setback(curve) if len(curve.finite) >= 4 else None
    if back is not None and diverged(back):
        told = f"the loss rose to {back.factor:.3g} times its best"
        evidence = {"share_lost": min(back.share, MOST), "factor": back.factor}
        return Instability(back.onset_step, back.last_step, back.share >= GRAVE, told, evidence)
    swing = bounces(curve) if len(curve.finite) >= 8 else None
    if swing is not None and oscillates(swing):
        told = f"the loss swings by {swing.amplitude:.0%} of its level and gains nothing"
        evidence = {"amplitude": swing.amplitude, "progress": swing.progress}
        return Instability(swing.first_step, swing.last_step, swing.amplitude >= 2, told, evidence)
    return None


def rate_was_falling(run: Run, step: int, share: float = 0.1) -> bool:
    """Whether the logged learning rate had decayed to `share` of its peak before `step`: then it is not to blame."""
    curve = run.curve(Role.LEARNING_RATE)
    if curve is None or not len(curve.finite):
        return False
    rates = curve.finite
    before = rates.values[rates.steps <= step]
    return bool(len(before) and before[-1] < share * rates.values.max() and np.argmax(rates.values) < len(before) - 1)
