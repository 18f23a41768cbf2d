"""How far a loss fell back from its best level. Shared by divergence and its cause."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnose.checks.run._once import once
from diagnose.checks.run._validation import parting
from diagnose.finding import Number
from diagnose.run import Curve, Role, Run
from diagnose.signals.trend import SHORT, Trend

# Share of the progress that must be lost. Sources: half of it is the quietest rival's rule for long runs; the story
# behind the guide lost 0.35 in its fourth epoch; healthy warm-up humps and restarts lose nothing at the end.
LOST = 0.25
# End over best. Sources: the story stands at 1.31; epoch means of the bundled trainer's healthy runs never rose.
RISE = 1.15
# Share lost from which it is an error: the story's 0.35, which the guide calls bad.
GRAVE = 0.3
# Points from which the noise between them can be told from a turn of the course. Source: our choice, two for each
# of descent, best, climb and end.
FEWEST_FOR_NOISE = 8
# Standard errors of the two levels. Source: our choice, measured on benchmarks/diagnosis.
SURE = 5.0


# Rise of the validation level up to which it has not followed. Source: our choice: evaluations scatter by as much.
FOLLOWED = 0.03


@dataclass(frozen=True, slots=True)
class Setback:
    """What a loss gave back after its best level. Levels in loss units."""

    start: float
    best: float
    end: float
    rise: float
    """From best to end, in scaled units of the trend: the logarithm of a factor, or a share of the range."""
    logarithmic: bool
    error: float
    """Standard error of a level, in the same units; 0 where there are too few points to know."""
    best_step: int
    onset_step: int
    last_step: int

    @property
    def share(self) -> float:
        """Share of the progress that was lost; above 1 where the loss ends higher than it began."""
        gain = self.start - self.best
        return min((self.end - self.best) / gain, 1e9) if gain > 0 else 1e9

    @property
    def factor(self) -> float:
        """End over best; one and the share of the range where factors mean nothing."""
        return float(np.exp(min(self.rise, 700.0))) if self.logarithmic else 1 + self.rise

    @property
    def evidence(self) -> dict[str, Number]:
        """What was measured; no share where nothing had been gained."""
        share: dict[str, Number] = {"share_lost": self.share} if self.start > self.best else {}
        return {**share, "factor": self.factor}

    @property
    def told(self) -> str:
        """How far it rose, in words; a factor where factors mean something."""
        return f"to {self.factor:.3g} times its best" if self.logarithmic else f"from {self.best:.3g} to {self.end:.3g}"

    @property
    def diverged(self) -> bool:
        """Whether so much was given back, beyond noise, that the run has diverged."""
        return self.share >= LOST and self.factor >= RISE and self.rise > SURE * self.error

    @property
    def grave(self) -> bool:
        """Whether it is an error, not a warning."""
        return self.share >= GRAVE


@once
def diverged(run: Run, curve: Curve) -> Setback | None:
    """What `curve`, a training loss, gave back, if it has diverged and validation does not stand at its best."""
    back, val = setback(curve), run.curve(Role.VAL_LOSS)
    if back is None or not back.diverged:
        return None
    seen = None if val is None else parting(curve, val)
    if val is None or seen is None or (val.axis is curve.axis and seen.last_step < back.onset_step):
        return back  # nothing was evaluated since
    return back if seen.rise > FOLLOWED else None


def setback(curve: Curve) -> Setback | None:
    """How far the finite points of `curve` stand above their best level; None where they end at it."""
    curve = curve.finite
    trend = curve.trend
    if len(curve) < 3 or trend.best_block == len(trend.course) - 1:
        return None
    best, end = trend.best_block, _end(trend)
    if end <= trend.best:
        return None
    return Setback(
        trend.start,
        trend.best,
        end,
        float(np.subtract(*trend.scale(np.array([end, trend.best])))),
        trend.logarithmic,
        trend.level_error if len(curve) >= FEWEST_FOR_NOISE else 0.0,
        trend.last_step(best),
        _onset(trend, (trend.best + end) / 2),
        int(curve.steps[-1]),
    )


def _end(trend: Trend) -> float:
    """The level of the last block or two; with few points the last one, as it is."""
    return float(np.median(trend.levels[-2:])) if len(trend) >= SHORT else float(trend.values[-1])


def _onset(trend: Trend, middle: float) -> int:
    """The first step after which the course never came back below `middle`."""
    below = np.flatnonzero(trend.course <= middle)
    return trend.first_step(min(int(below[-1]) + 1, len(trend.course) - 1))
