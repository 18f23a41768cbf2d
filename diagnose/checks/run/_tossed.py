"""Whether a rate that few optimisers bear tossed the loss about until the schedule had taken some of it away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnose.checks.run._once import once
from diagnose.checks.run._rate import reckless
from diagnose.run import Curve, Run
from diagnose.signals.trend import point_noise

FEWEST = 100
"""Points that show how the first of them scatter. Source: our choice: a dozen make the first seventh."""
FIRST = 1 / 7
"""Share of the run that is the beginning. Source: measured on benchmarks/diagnosis: a loss that is tossed about calms
down when a linear schedule has taken a fifth to a third."""
TOSSED = 0.15
"""Scatter of its points, as a share of the loss. Source: as above."""
CALMER = 2.0
"""The same over that of the second half. Source: as above."""
LATER = 2.0
"""Level at the end of the beginning over that at the end of the run. Source: our choice: half was learned later."""


@dataclass(frozen=True, slots=True)
class Tossed:
    """How the loss scattered at the beginning, and how later. Levels in loss units, scatter in scaled units."""

    early: float
    late: float
    level: float
    end: float
    first_step: int
    last_step: int

    @property
    def about(self) -> bool:
        """Whether it was tossed about, and learned only later."""
        return self.early >= max(TOSSED, CALMER * self.late) and self.level >= LATER * self.end


@once
def tossed(run: Run, curve: Curve) -> Tossed | None:
    """The beginning of a loss against the rest; None at a bearable rate, and where points are too few or negative."""
    curve = curve.finite
    trend = curve.trend
    if not reckless(run) or len(curve) < FEWEST or not trend.logarithmic:
        return None
    begin = int(FIRST * len(curve))
    return Tossed(
        point_noise(trend.scaled[:begin]),
        point_noise(trend.scaled[len(curve) // 2 :]),
        float(np.median(curve.values[2 * begin // 3 : begin])),
        trend.end,
        int(curve.steps[0]),
        int(curve.steps[begin]),
    )
