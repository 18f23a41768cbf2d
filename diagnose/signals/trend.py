"""The description of one curve that serves all checks: level, trend, noise, fall, swings. No thresholds.

Levels are natural logarithms where the loss is positive, so that a factor is a distance whatever the unit of the
loss; where it can be negative they are the loss in units of its own range.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ceil, sqrt

import numpy as np

from diagnose.run import Curve, FloatArray
from diagnose.signals.robust import (
    MEDIAN_COST,
    ODD_ONE_OUT,
    block_medians,
    first_level,
    order,
    point_noise,
    robust_std,
    running_median,
)

SHARE = 0.04
"""Of the points: the width of the running median, and of the first and the last level."""
FEW = 12
"""Points below which a trend is the points themselves, and a region of the noise."""
MANY = 100
"""Points from which single ones are noise, and no loss to state."""
REGIONS = 8
"""The noise is measured in each: it may shrink as the loss falls."""
BLOCKS = 40
"""Equal parts of the run, 2.5 % each, whose medians give its order."""
LEAST = 1e-4
"""No trend is known better than to a hundredth of a per cent."""
OUTLIER = 6.0
"""Times the noise: one point in a billion by chance."""
EDGE = 0.1
"""Share of values beyond a quantile that is nearly the highest or the lowest; of the run at its start."""


@dataclass(frozen=True, slots=True)
class Swings:
    """How the means of equal parts of a curve go up and down."""

    turns: int
    """How often they cross the middle half of the spread."""
    low: float
    high: float
    """Between them are the middle four fifths."""
    error: float
    """Standard error of a mean, by the differences of neighbours."""


@dataclass(frozen=True, eq=False)
class Trend:
    """One curve of n finite points, described."""

    curve: Curve
    """The finite points."""
    level: FloatArray
    """Shape (n,)."""
    unit: float | None
    """Loss for one level where the loss can be negative; None: levels are natural logarithms."""

    @classmethod
    def of(cls, curve: Curve | None) -> Trend | None:
        """The description of the finite points; None where they are fewer than three."""
        if curve is None or len(curve.finite) < ODD_ONE_OUT:
            return None
        finite = curve.finite
        values = finite.values
        positive = values[values > 0]
        if values.min() >= 0 and 2 * len(positive) > len(values):
            # A single zero is not endlessly far down.
            return cls(finite, np.log(np.maximum(values, LEAST**2 * np.median(positive))), None)
        low, high = np.quantile(values, [EDGE / 2, 1 - EDGE / 2])
        unit = max(float(high - low), float(np.ptp(values)) * LEAST) or 1.0
        return cls(finite, values / unit, unit)

    def __len__(self) -> int:
        return len(self.level)

    @property
    def signed(self) -> bool:
        """Whether the loss can be negative."""
        return self.unit is not None

    def loss(self, level: float) -> float:
        """A level back in loss units."""
        return float(np.exp(level)) if self.unit is None else level * self.unit

    # --- trend and noise

    @cached_property
    def width(self) -> int:
        """Points of the running median; 1: too few to smooth."""
        return 1 if len(self) < FEW else max(ODD_ONE_OUT, int(len(self) * SHARE) | 1)

    @cached_property
    def smooth(self) -> FloatArray:
        """Shape (n,): the level without its noise and without bursts of under 2 % of the run."""
        return running_median(self.level, self.width)

    @cached_property
    def residuals(self) -> FloatArray:
        """Shape (n,): how far each point is above the trend."""
        return self.level - self.smooth

    @cached_property
    def noise_at(self) -> FloatArray:
        """Shape (n,): robust standard deviation of single points about the trend, region by region."""
        parts = np.array_split(self.residuals, max(1, min(REGIONS, len(self) // FEW)))
        measured = np.concatenate([np.full(len(part), robust_std(part)) for part in parts])
        # The narrower the window, the nearer its median is to the point itself.
        least = point_noise(self.level) * min(1 / 2 + 1 / sqrt(self.width), 1)
        return np.asarray(np.maximum(measured, max(LEAST**2, least)), dtype=np.float64)

    @cached_property
    def noise(self) -> float:
        """The usual noise of a point."""
        return float(np.median(self.noise_at))

    @cached_property
    def error_at(self) -> FloatArray:
        """Shape (n,): standard error of the trend."""
        return np.asarray(np.maximum(MEDIAN_COST * self.noise_at / sqrt(self.width), LEAST), dtype=np.float64)

    @cached_property
    def error(self) -> float:
        """The usual standard error of the difference of two places of the trend."""
        return float(np.median(self.error_at)) * sqrt(2)

    # --- where it began, where it was best, where it ended

    @cached_property
    def ends(self) -> int:
        """Points that make the first and the last level."""
        return 1 if len(self) < FEW else max(ODD_ONE_OUT, ceil(SHARE * len(self)))

    @cached_property
    def start(self) -> float:
        """The first level."""
        return float(np.median(self.level[: self.ends]))

    @cached_property
    def first(self) -> float:
        """The level of the first three points, where it is higher: a burst of learning may be over within them."""
        return max(self.start, first_level(self.level))

    @cached_property
    def end(self) -> float:
        """The last level."""
        return float(np.median(self.level[-self.ends :]))

    @cached_property
    def best_index(self) -> int:
        """The point at which the trend is lowest."""
        return int(np.argmin(self.smooth))

    @cached_property
    def lowest_index(self) -> int:
        """The lowest point as logged, near where the trend is lowest; of many that is where the trend itself is."""
        reach = max(int(SHARE / 2 * len(self)), 1) if self.width > 1 and len(self) < MANY else 0
        around = self.level[max(self.best_index - reach, 0) : self.best_index + reach + 1]
        return max(self.best_index - reach, 0) + int(np.argmin(around))

    @property
    def best(self) -> float:
        """The lowest level of the trend."""
        return float(self.smooth[self.best_index])

    @cached_property
    def held(self) -> float:
        """The lowest level of a tenth of the run: some losses visit a low one for a moment, now and then."""
        return float(running_median(self.blocks, len(self.blocks) // REGIONS | 1).min())

    @property
    def fall(self) -> float:
        """From the first level to the best; negative where it only rose."""
        return self.start - self.best

    @property
    def net(self) -> float:
        """From the first level to the last."""
        return self.start - self.end

    @property
    def rise(self) -> float:
        """From the best level to the last."""
        return self.end - self.best

    @cached_property
    def rise_z(self) -> float:
        """The same in standard errors of the end."""
        return self.rise / (float(np.median(self.error_at[-self.ends :])) * sqrt(2))

    @cached_property
    def climbs(self) -> bool:
        """Whether at least five points after the best are in rising order, three of four pairs of them."""
        since = block_medians(self.level[self.best_index :], BLOCKS)
        return len(since) >= FEW / 2 and order(since) >= 1 / 2

    def lost(self, high: float, low: float, start: float | None = None) -> float:
        """A rise from level `low` to `high` as a share of all progress since `start`, in loss units; 2 at most."""
        made = self.loss(self.first if start is None else start) - self.loss(self.best)
        lost = self.loss(high) - self.loss(low)
        return 0.0 if lost <= 0 else 2.0 if 2 * made <= lost else lost / made

    # --- did it fall at all

    @cached_property
    def fell(self) -> tuple[float, float]:
        """The fall by a straight line along the logarithm of the time, and its standard error."""
        time = np.log(np.linspace(EDGE**2, 1 + EDGE**2, len(self)))
        line = (time - time.mean()) / np.ptp(time)
        power = float(line @ line)
        return -float(line @ self.level) / power, max(self.noise, LEAST) / sqrt(power)

    @property
    def fell_z(self) -> float:
        """The fall in standard errors."""
        return self.fell[0] / self.fell[1]

    @cached_property
    def straightness(self) -> float:
        """Share of the fall in the second half of the run: 0.5 for a line, 0 without a fall."""
        fifth = int(2 * EDGE * len(self))
        first, middle, last = (float(np.median(self.level[at:][:fifth])) for at in (0, 2 * fifth, -fifth))
        return (middle - last) / (first - last) if first > last else 0.0

    # --- the coarse course: order, swings, the second half

    @cached_property
    def blocks(self) -> FloatArray:
        """Shape (m,), m <= 40: medians of equal parts of the run."""
        return block_medians(self.level, BLOCKS)

    @cached_property
    def order(self) -> float:
        """-1: falls throughout; 1: rises throughout."""
        return order(self.blocks)

    @cached_property
    def swings(self) -> Swings:
        """How the means of 160 parts of the run go up and down, after its first tenth."""
        late = self.level[int(EDGE * len(self)) :]
        means = np.array([part.mean() for part in np.array_split(late, min(len(late), 4 * BLOCKS))])
        error = float(np.sqrt(np.mean(np.diff(late) ** 2) / 2 / (len(late) // len(means))))
        low, high = np.quantile(means, [EDGE, 1 - EDGE])
        off = means - (low + high) / 2
        sides = np.sign(off[4 * np.abs(off) >= high - low])
        return Swings(int(np.count_nonzero(np.diff(sides))), float(low), float(high), error)

    @cached_property
    def half(self) -> float:
        """The level in the middle of the run: the median of a tenth of the points."""
        middle, reach = len(self) // 2, max(1, int(EDGE / 2 * len(self)))
        return float(np.median(self.level[max(0, middle - reach) : middle + reach + 1]))

    @cached_property
    def near_best_from(self) -> float:
        """Share of the run after which a tenth of the fall, at most, is still to come."""
        near = self.best + max(self.fall, 0) * EDGE + self.error * sqrt(2)
        return float(np.argmax(self.smooth <= near) / len(self))
