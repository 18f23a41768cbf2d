"""The description of one curve that serves all checks: level, trend, noise, fall, unrest. No thresholds.

Levels are natural logarithms where the loss is positive, so that a factor is a distance whatever the unit of the
loss; where it can be negative they are the loss in units of its own range.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ceil, sqrt

import numpy as np

from diagnose.run import Curve
from diagnose.signals.smooth import (
    MEDIAN_COST,
    FloatArray,
    block_medians,
    order,
    point_noise,
    robust_std,
    running_median,
)

SHARE = 0.04
"""Of the points: the width of the running median, and of the first and the last level."""
FEW = 12
"""Points below which a trend is the points themselves."""
REGIONS = 8
"""The noise is measured in each: it may shrink as the loss falls."""
BLOCKS = 40
"""Medians of the coarse course: 2.5 % of the run each."""
LEAST = 1e-6
"""Levels nearer than this are equal: rounding."""
LEAST_ERROR = 1e-4
"""No trend is known better than to a hundredth of a per cent."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """A fall of the level, by one way of looking, and its standard error."""

    fall: float
    error: float

    @property
    def z(self) -> float:
        """The fall in standard errors."""
        return self.fall / self.error


@dataclass(frozen=True, slots=True)
class Unrest:
    """How the means of equal parts of a curve swing."""

    turns: int
    """How often they turn back by half of the spread or more."""
    low: float
    high: float
    """Between them lie the middle four fifths."""
    error: float
    """Standard error of a mean, by the differences of neighbours."""

    @property
    def spread(self) -> float:
        """How far apart the middle four fifths lie."""
        return self.high - self.low


def _unrest(level: FloatArray, count: int) -> Unrest:
    means = np.array([part.mean() for part in np.array_split(level, count)])
    error = float(np.sqrt(np.mean(np.diff(level) ** 2) / 2 / (len(level) // count)))
    low, high = np.quantile(means, [0.1, 0.9])
    return Unrest(_turns(means, max(float(high - low) / 2, 3 * error)), float(low), float(high), error)


def _turns(values: FloatArray, least: float) -> int:
    """How often the values turn back by `least` or more."""
    turns, up, extreme = -1, 0, values[0]
    for value in values:
        if up >= 0 and value <= extreme - least:
            turns, up, extreme = turns + 1, -1, value
        elif up <= 0 and value >= extreme + least:
            turns, up, extreme = turns + 1, 1, value
        elif (value - extreme) * up > 0:
            extreme = value
    return max(turns, 0)


@dataclass(frozen=True, eq=False)
class Course:
    """One curve of n finite points, described."""

    curve: Curve
    """The finite points."""
    level: FloatArray
    """Shape (n,)."""
    signed: bool
    """Whether the loss can be negative: levels are then shares of its range."""

    @classmethod
    def of(cls, curve: Curve) -> Course | None:
        """The course of the finite points; None where they are fewer than three."""
        finite = curve.finite
        if len(finite) < 3:
            return None
        values = finite.values
        if values.min() >= 0 and np.mean(values > 0) > 1 / 2:
            early = float(np.median(values[: max(3, len(values) // 20)]))
            floor = max(float(values[values > 0].min()), early * LEAST / 1000)
            return cls(finite, np.log(np.maximum(values, floor)), False)
        low, high = np.percentile(values, [5, 95])
        return cls(finite, values / max(float(high - low), float(np.ptp(values)) * LEAST, 1e-300), True)

    def __len__(self) -> int:
        return len(self.level)

    def loss(self, level: float) -> float:
        """A level back in loss units."""
        if not self.signed:
            return float(np.exp(np.clip(level, -700, 700)))
        low, high = np.percentile(self.curve.values, [5, 95])
        return level * float(high - low)

    # --- trend and noise

    @cached_property
    def width(self) -> int:
        """Points of the running median; 1: too few to smooth."""
        count = len(self)
        return 1 if count < FEW else max(3 if count < BLOCKS else 5, int(count * SHARE) | 1)

    @cached_property
    def trend(self) -> FloatArray:
        """Shape (n,): the level without its noise and without bursts of under 2 % of the run."""
        return running_median(self.level, self.width)

    @cached_property
    def residuals(self) -> FloatArray:
        """Shape (n,): what each point stands above the trend."""
        return self.level - self.trend

    @cached_property
    def noise_at(self) -> FloatArray:
        """Shape (n,): robust standard deviation of single points about the trend, region by region."""
        count = len(self)
        parts = np.array_split(self.residuals, max(1, min(REGIONS, count // 12)))
        measured = np.concatenate([np.full(len(part), robust_std(part)) for part in parts])
        least = point_noise(self.level) / (1 if self.width <= 5 else 2)
        return np.asarray(np.maximum(measured, max(LEAST, least)), dtype=np.float64)

    @cached_property
    def noise(self) -> float:
        """The usual noise of a point."""
        return float(np.median(self.noise_at))

    @cached_property
    def error_at(self) -> FloatArray:
        """Shape (n,): standard error of the trend."""
        return np.asarray(np.maximum(MEDIAN_COST * self.noise_at / sqrt(self.width), LEAST_ERROR), dtype=np.float64)

    @cached_property
    def error(self) -> float:
        """The usual standard error of the difference of two places of the trend."""
        return float(np.median(self.error_at)) * sqrt(2)

    # --- where it began, where it was best, where it stands

    @cached_property
    def ends(self) -> int:
        """Points that make the first and the last level."""
        count = len(self)
        return 1 if count < FEW else max(3, min(ceil(SHARE * count), count // 3))

    @cached_property
    def start(self) -> float:
        """The first level."""
        return float(np.median(self.level[: self.ends]))

    @cached_property
    def end(self) -> float:
        """The last level."""
        return float(np.median(self.level[-self.ends :]))

    @cached_property
    def best_index(self) -> int:
        """The point at which the trend is lowest."""
        return int(np.argmin(self.trend))

    @property
    def best(self) -> float:
        """The lowest level of the trend."""
        return float(self.trend[self.best_index])

    @cached_property
    def fall(self) -> float:
        """From the first level to the best; negative where it only rose."""
        return self.start - self.best

    @property
    def net(self) -> float:
        """From the first level to the last."""
        return self.start - self.end

    @property
    def up(self) -> float:
        """What the end stands above the best."""
        return self.end - self.best

    @cached_property
    def up_z(self) -> float:
        """The same in standard errors of the end."""
        return self.up / (float(np.median(self.error_at[-self.ends :])) * sqrt(2))

    @cached_property
    def first(self) -> float:
        """The level of the first three points: a burst of learning may be over before the first level."""
        return max(self.start, float(np.median(self.level[:3])))

    @cached_property
    def climbs(self) -> bool:
        """Whether at least five points after the best are in rising order, three of four pairs of them."""
        since = block_medians(self.level[self.best_index :], BLOCKS)
        return len(since) > 5 and order(since) >= 1 / 2

    def lost(self, high: float, low: float, start: float | None = None) -> float:
        """A rise from level `low` to `high` as a share of all progress since `start`, in loss units; 9 at most."""
        made = self.loss(self.first if start is None else start) - self.loss(self.best)
        lost = self.loss(high) - self.loss(low)
        return 0.0 if lost <= 0 else min(lost / made, 9.0) if made > lost / 9 else 9.0

    # --- did it fall at all

    @cached_property
    def contrasts(self) -> tuple[Contrast, ...]:
        """First against last level; a straight line; a line along the logarithm of the time."""
        count = len(self)
        wild = 4 * self.noise_at
        tame = np.clip(self.level, self.trend - wild, self.trend + wild) if self.width > 1 else self.level
        straight = np.linspace(-1 / 2, 1 / 2, count)
        bent = np.log(np.arange(count) + 1 + count / 100)
        bent = (bent - bent.mean()) / np.ptp(bent)
        spread = max(self.noise, LEAST_ERROR)
        found = [Contrast(self.net, self.net_error)]
        for line in (straight, bent):
            power = float(line @ line)
            found.append(Contrast(-float(line @ tame) / power, spread / sqrt(power)))
        return tuple(found)

    @property
    def net_error(self) -> float:
        """Standard error of the fall from the first level to the last."""
        return MEDIAN_COST * max(self.noise, LEAST_ERROR) * sqrt(2 / self.ends)

    @cached_property
    def fell_z(self) -> float:
        """Standard errors of the surest fall."""
        return max(one.z for one in self.contrasts)

    @cached_property
    def fell_at_most(self) -> float:
        """Upper bound of the fall."""
        if self.fell_z <= 2:
            return max(one.fall + 2 * one.error for one in self.contrasts[1:])
        return max(one.fall for i, one in enumerate(self.contrasts) if i == 0 or 2 * one.z >= self.fell_z)

    # --- the coarse course: order, turns, swings, the second half

    @cached_property
    def blocks(self) -> FloatArray:
        """Shape (m,), m <= 40: medians of equal parts of the run."""
        return block_medians(self.level, BLOCKS)

    @cached_property
    def order(self) -> float:
        """-1: falls throughout; 1: rises throughout."""
        return order(self.blocks)

    @cached_property
    def late_order(self) -> float:
        """The same of the second half."""
        return order(self.blocks[len(self.blocks) // 2 :])

    @cached_property
    def unrest(self) -> tuple[Unrest, ...]:
        """How the means of 40 and of 160 parts of the run swing, after its first tenth."""
        low, high = np.quantile(self.level, [0.02, 0.98])
        tame = np.clip(self.level, low, high)[len(self) // 10 :]
        counts = sorted({min(len(tame), BLOCKS), min(len(tame), 4 * BLOCKS)})
        return tuple(_unrest(tame, count) for count in counts if count > 2)

    def at(self, share: float) -> float:
        """The level where this share of the run is over: the median of a tenth of the points."""
        middle, half = int(share * (len(self) - 1)), max(1, len(self) // 20)
        return float(np.median(self.level[max(0, middle - half) : middle + half + 1]))

    @cached_property
    def late_share(self) -> float:
        """Share of the fall that the second half brought."""
        return (self.at(1 / 2) - self.end) / max(self.fall, LEAST)

    @cached_property
    def near_best_from(self) -> float:
        """Share of the run after which a tenth of the fall, at most, is still to come."""
        near = self.best + max(self.fall, 0) / 10 + self.error * sqrt(2)
        return float(np.argmax(self.trend <= near) / len(self))
