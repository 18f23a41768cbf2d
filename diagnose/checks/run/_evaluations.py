"""What the validation loss says of a stretch in which the training loss looks flat."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.checks.run._rate import logged_rate
from diagnose.checks.run._validation import FEWEST, level_error
from diagnose.run import Curve, Role, Run
from diagnose.signals.trend import slope

SURE = 3.0
"""Standard errors. Source: one in 700 for normal noise."""
LEARNED = 0.25
"""Fall of the training loss from which its validation may creep on. Source: measured on benchmarks/diagnosis, where
healthy runs that lie flatter have learned more."""
TRIFLE, SHARE = 0.03, 0.1
"""Fall of the evaluations in the stretch over their whole fall that still gains something, where much was learned and
where little. Source: as for a plateau of the training loss."""
MANY = 8
"""Evaluations in the stretch that tell more than a noisy training loss. Source: our choice."""
SURE_FALL = 5.0
"""Standard errors by which they must have fallen, so that one would see them fall on. Source: our choice."""
FLAT = 0.12
"""Share of their fall that is none. Source: as for a plateau of the training loss."""

BEND, FEWEST_TO_BEND = 0.5, 10
"""Pace of the last quarter of the evaluations over that before, below which they level off, and evaluations that tell.
Source: measured on benchmarks/diagnosis: 0.49 to 1.1 at a rate too low, less where a schedule that is not logged has
taken the rate away."""


def levels_off(run: Run) -> bool:
    """Whether the validation loss fell at less than half of its pace in the end, where no rate is logged to say why."""
    val = run.curve(Role.VAL_LOSS)
    if val is None or logged_rate(run) is not None or len(val.finite) < FEWEST_TO_BEND:
        return False
    values = val.finite.values
    last = len(values) // 4
    before = -slope(values[:-last])
    return before > 0 and -slope(values[-last:]) < BEND * before


@dataclass(frozen=True, slots=True)
class Evaluations:
    """What the evaluations of the stretch did: they are of the same clips each time, without the noise of batches."""

    count: int
    fall: float
    """By a straight line, in loss units."""
    error: float
    """Standard error of a level."""
    whole: float
    """Fall from the first evaluation of the run to the lowest."""
    at_best: bool

    @classmethod
    def of(cls, run: Run, train: Curve, since: int) -> Evaluations | None:
        """From step `since` on; None where they are fewer than four, or counted along another axis."""
        val = run.curve(Role.VAL_LOSS)
        if val is None or val.axis is not train.axis:
            return None
        values = val.finite.values[val.finite.steps >= since]
        if len(values) < FEWEST:
            return None
        error, low = level_error(values, max(1, len(values) // 5)), float(val.finite.values.min())
        fall = -slope(values) * (len(values) - 1)
        at_best = bool(values[-1] <= values.min() + error)
        return cls(len(values), fall, error, float(val.finite.values[0]) - low, at_best)

    def falls(self, learned: float) -> bool:
        """Whether they still fall, beyond their noise and to their best; `learned`: what the training loss fell by."""
        share = TRIFLE if learned > LEARNED else SHARE
        return self.fall > SURE * self.error and self.fall > share * self.whole and self.at_best

    def lie_flat(self) -> bool:
        """Whether they had fallen beyond noise and fall no more."""
        told = self.count >= MANY and self.whole > SURE_FALL * self.error
        return told and self.fall + self.error < FLAT * self.whole
