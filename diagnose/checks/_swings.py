"""How a loss swings about its course, and how it is thrown up at the start. Shared by oscillation and its cause."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnose.checks._rate import logged_rate
from diagnose.run import Curve, Run
from diagnose.stats import MEDIAN_COST, SHORT, FloatArray, Trend, block_medians, robust_std, running_median, slope

SWING_BLOCKS = 120
"""Blocks in which swings are counted: a tenth of the run holds a dozen."""
HIGH_RATE = 0.5
"""Share of the peak learning rate above which a run is judged; below it the schedule calms it."""
SMALLEST_SWING = float(np.log(1.2))
"""Rise and fall that count as a swing. Source: epoch means and smoothed logs of healthy runs move by under 10 %."""
SWING = 0.33
"""Median height of the swings of an oscillation. Source: white noise of 12 % swings by 0.3; measured on benchmarks/diagnosis."""
ENOUGH = 0.3
"""Share of the run that must lie at a high rate to be judged. Source: our choice: before that the loss is still falling fast."""
TURNS = 5
"""Turns of an oscillation. Source: as above: two spikes make four."""
UNREST = 0.12
"""Half of a swing of 0.25: the course spends its time between up and down, while spikes leave it where it is."""
SPREAD = 1.2
"""Spread of white noise that is an oscillation. Source: noise of 20 % gives 0.51, of 40 % 1.04."""
PROGRESS = 0.3
"""Fall of the level over the judged part that is progress in spite of the swings. Source: our choice."""
TOTAL = 0.75
"""Fall from the first loss on that excuses all swings. Source: healthy runs with loud noise; our choice."""
THROW = 1.3
"""Top over start that is a throw. Source: warm-up humps in healthy runs reach 1.25 (Applio#113 reports 1.37)."""
THROW_TOTAL = 0.5
"""Fall at the end, as a share of the start, that excuses a throw: then the run has recovered. Source: our choice."""


@dataclass(frozen=True, slots=True)
class Bounces:
    """How a loss swings while the learning rate is high."""

    turns: int
    """Times that the course turned by more than a swing."""
    swing: float
    """Median height of the swings as a factor less one (0.3: up and down by 30 %)."""
    unrest: float
    """Distance between the quartiles of the course about its straight trend, in scaled units: lone spikes have none."""
    spread: float
    """Spread of single points from the 10th to the 90th percentile, as a share of their level."""
    progress: float
    """How much the level fell over the judged part, as a share of its level at the beginning of it."""
    total: float
    """How much the level fell from the first point to the end of the judged part, as a share of the first."""
    first_step: int
    last_step: int

    @property
    def height(self) -> float:
        """What the loss goes up and down by, as a share of its level: by its turns, or by its single points."""
        return self.swing if self.turns >= TURNS else self.spread

    @property
    def oscillates(self) -> bool:
        """Whether the swings are wide and many, and nothing is gained by them."""
        swings = self.turns >= TURNS and self.swing >= SWING and self.unrest >= UNREST
        return (swings or self.spread >= SPREAD) and self.progress < PROGRESS and self.total < TOTAL


def bounces(run: Run, curve: Curve) -> Bounces | None:
    """The swings of a loss; None for one that is negative at times, and for fewer than 16 finite points."""
    part = _at_high_rate(run, curve.finite)
    if len(part) < max(SHORT, ENOUGH * len(curve.finite)) or not part.trend.logarithmic or _cycles(run):
        return None
    part = part.where(np.arange(len(part)) >= len(part) // 10)
    trend = part.trend
    course = trend.scale(block_medians(part.values, SWING_BLOCKS))
    legs = zigzag(course, max(SMALLEST_SWING, 5 * _white_error(trend, len(course))))
    low, high = np.quantile(trend.residuals, [0.1, 0.9])
    first, last = _troughs(trend)
    return Bounces(
        max(0, len(legs) - 1),
        float(np.expm1(np.median(legs))) if len(legs) else 0.0,
        float(np.subtract(*np.quantile(course - slope(course) * np.arange(len(course)), [0.75, 0.25]))),
        float(np.exp(high) - np.exp(low)),
        1 - last / first if first else 0.0,
        1 - last / _start(curve.finite),
        int(part.steps[0]),
        int(part.steps[-1]),
    )


def _start(curve: Curve) -> float:
    """The first loss, or the level of the first points if that is lower: a throw begins at the second point."""
    return min(float(curve.values[0]), curve.trend.start) or curve.trend.floor


def _at_high_rate(run: Run, curve: Curve) -> Curve:
    """The points up to the last at which the logged rate is above half of its peak; all where none is logged."""
    rates = logged_rate(run)
    if rates is None:
        return curve
    high = rates.steps[rates.values >= HIGH_RATE * rates.values.max()]
    return curve.where(curve.steps <= high[-1])


def _cycles(run: Run) -> bool:
    """Whether the logged rate goes up and down by schedule, so that the loss has to breathe with it."""
    rates = logged_rate(run)
    return rates is not None and len(zigzag(block_medians(rates.values / rates.values.max(), SWING_BLOCKS), HIGH_RATE)) > 2


def _white_error(trend: Trend, blocks: int) -> float:
    """Standard error of a block if only the noise between neighbouring points counted; 0 for single points."""
    if blocks == len(trend):
        return 0.0
    white = robust_std(np.diff(trend.scaled)) / np.sqrt(2)
    return float(MEDIAN_COST * white / np.sqrt(len(trend) / blocks))


def _troughs(trend: Trend) -> tuple[float, float]:
    """The lower quartile of the levels in the first and in the last third: what is left when the bounces are down."""
    third = max(1, len(trend.levels) // 3)
    return float(np.quantile(trend.levels[:third], 0.25)), float(np.quantile(trend.levels[-third:], 0.25))


def zigzag(course: FloatArray, size: float) -> FloatArray:
    """Heights of the legs of a course, shape (m,), between its turns: where it goes back by `size` or more."""
    legs, pivot, extreme, direction = [], float(course[0]), float(course[0]), 0
    for level in course.tolist():
        if (level - extreme) * direction > 0 or (direction == 0 and abs(level - pivot) >= size):
            direction = direction or (1 if level > pivot else -1)
            extreme = level
        elif direction and abs(level - extreme) >= size:
            legs.append(abs(extreme - pivot))
            pivot, extreme, direction = extreme, level, -direction
    if direction:
        legs.append(abs(extreme - pivot))
    return np.asarray(legs, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Throw:
    """The highest level early in the run. Levels in loss units."""

    start: float
    top: float
    end: float
    noise: float
    """Robust standard deviation of single points, as a share of the loss."""
    top_step: int
    last_step: int

    @property
    def factor(self) -> float:
        """Top over start."""
        return self.top / self.start

    @property
    def thrown(self) -> bool:
        """Whether the loss left its first value upwards, beyond noise, and never made good for it."""
        high = self.factor >= max(THROW, float(np.exp(4 * self.noise)))
        return high and self.end > (1 - THROW_TOTAL) * self.start


def throw(curve: Curve) -> Throw | None:
    """The highest level in the first fifth of the finite points; None where factors mean nothing."""
    curve = curve.finite
    trend = curve.trend
    if len(curve) < SHORT or not trend.logarithmic or _start(curve) <= 0:
        return None
    early = running_median(curve.values[: max(3, len(curve) // 5)], 3)
    top = int(np.argmax(early))
    return Throw(_start(curve), float(early[top]), trend.end, trend.noise, int(curve.steps[top]), int(curve.steps[-1]))
