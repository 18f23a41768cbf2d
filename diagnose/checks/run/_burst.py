"""Whether the first updates threw a loss to where it never learns again. Shared by the causes of an unstable loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnose.checks.run._rate import RECKLESS, at_high_rate, highest_rate
from diagnose.run import Curve, Run
from diagnose.signals.trend import FloatArray, point_noise

FEWEST = 12
"""Points that show a burst and what came of it. Source: our choice: two for the burst, ten for the rest."""
EARLY = 0.1
"""Share of the run in which a burst is looked for. Source: our choice, twice the longest usual warm-up."""
SETTLED = 0.15
"""Share of the run after which the rest is judged. Source: our choice: a burst of the first tenth has come down."""
STUCK = 0.1
"""Fall from the first to the last third of the rest, while the rate is high, that is nothing. Source: our choice."""
STUCK_AT_ALL = 0.15
"""Fall from the first third of the rest to the end of the run, decay included. Source: our choice."""
FLUNG = 1.5
"""Highest early point over the first. Source: as for a missing warm-up: humps of healthy runs reach 1.4."""
SURE, SURER = 5.0, 3.0
"""Standard deviations of single points by which it must stand out, and by which it must stand above the highest of as
many points that only noise moves. Source: as for a throw; the highest of n normal points stands near the root of
2 log n."""
LEARNED = 0.15
"""Share of the first loss below which a run has learned all the same. Source: our choice."""
COLLAPSE = 8.0
"""First point over the second: what the random weights cost is left by factors of two to four in one logged step, what
an exploded model costs by tens. Source: our choice."""
COLLAPSE_UNKNOWN = 30.0
"""The same where no rate is logged. Source: our choice: an unscaled regression leaves its first points so, too, if the
log has a point in hundreds of updates."""
STILL = 0.05
"""The same fall as `STUCK` where the first points alone tell of the burst. Source: our choice."""
GENTLE = 3e-3
"""A logged rate up to which a start far above the rest is no explosion. Source: our choice: three times Adam's
default."""
DROP = 1.3
"""First point over the second that shows a start thrown up at such a rate. Source: our choice."""
MOST_LEARNED = 0.2
"""Share of the first loss below which such a run has learned. Source: our choice."""


@dataclass(frozen=True, slots=True)
class Burst:
    """The first points of a loss and what came after them. Levels in loss units."""

    first: float
    second: float
    top: float
    """The highest of the early points."""
    early: int
    """How many these are."""
    level: float
    """The median of the rest, as long as the rate is high."""
    gain: float
    """Fall from the first to the last third of that, as a share."""
    whole: float
    """Fall from its first third to the end of the run, as a share."""
    noise: float
    """Robust standard deviation of single points of the rest, as a share of the loss."""
    rate: float | None
    """The highest logged learning rate."""
    steps: tuple[int, int]

    @property
    def stuck(self) -> bool:
        """Whether nothing was learned any more."""
        return self.gain < STUCK and self.whole < STUCK_AT_ALL

    @property
    def flung(self) -> bool:
        """Whether the first updates threw the loss up, beyond noise."""
        sure = max(SURE, SURER + float(np.sqrt(2 * np.log(self.early))))
        high = self.top >= max(FLUNG, float(np.exp(sure * self.noise))) * self.first
        return high and self.level >= LEARNED * self.first

    @property
    def collapsed(self) -> bool:
        """Whether the first logged point is that of a model that had exploded already."""
        factor = COLLAPSE_UNKNOWN if self.rate is None else COLLAPSE if self.rate > GENTLE else np.inf
        return self.first >= factor * self.second and self.gain < STILL

    @property
    def reckless(self) -> bool:
        """Whether a rate that few optimisers bear left the loss at once where it stands, or above its first value."""
        if self.rate is None or self.rate < RECKLESS or self.gain >= STILL or self.level < MOST_LEARNED * self.first:
            return False
        return self.first >= DROP * self.second or self.level >= (1 + STUCK) * self.first

    @property
    def stranded(self) -> bool:
        """Whether the run was lost in its first updates."""
        return self.stuck and (self.flung or self.collapsed or self.reckless)

    @property
    def told(self) -> str:
        """What happened, in words."""
        if self.flung:
            return f"the loss is thrown from {self.first:.3g} to {self.top:.3g} at the start, and is stuck since"
        if self.first > self.level:
            return f"the loss drops from {self.first:.3g} to {self.level:.3g} at once, and is stuck since"
        return f"the loss stands at {self.level:.3g}, above its first value of {self.first:.3g}"


def burst(run: Run, curve: Curve) -> Burst | None:
    """The first points of a loss and what came after; None where factors mean nothing or the points are few."""
    curve = curve.finite
    values = curve.values
    if len(curve) < FEWEST or not curve.trend.logarithmic or values[:2].min() <= 0:
        return None
    begin, early_points = int(np.ceil(SETTLED * len(curve))), max(3, int(EARLY * len(curve)))
    rest = values[begin : max(len(at_high_rate(run, curve)), begin + FEWEST // 2)]
    early, late = _thirds(rest)
    return Burst(
        float(values[0]),
        float(values[1]),
        float(values[:early_points].max()),
        early_points,
        float(np.median(rest)),
        1 - late / early if early else 0.0,
        1 - float(np.median(values[-max(1, len(curve) // 10) :])) / early if early else 0.0,
        point_noise(curve.trend.scaled[begin:]),
        highest_rate(run),
        (int(curve.steps[0]), int(curve.steps[-1])),
    )


def _thirds(rest: FloatArray) -> tuple[float, float]:
    third = len(rest) // 3
    return float(np.median(rest[:third])), float(np.median(rest[-third:]))
