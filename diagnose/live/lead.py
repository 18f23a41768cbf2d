"""Is the beginning of one run better than that of another? A rate that is far off shows in nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnose.facts import Facts
from diagnose.live.news import last_step
from diagnose.live.verdict import FLOOR
from diagnose.remedies.evidence import planned_end
from diagnose.run import Curve, Role

SHARE = 0.1
"""Share of a run, after its warm-up, by which a rate is judged. Source: docs/benchmark-cure.md: there what ends better
by more than noise is ahead already; at a twentieth the rates lie closer together."""
FEWEST = 4
"""Points that both runs must have logged by then: half of them are compared. Source: our choice."""
SURE = 3.0
"""Standard errors of a lead for which the run that is behind may be ended. Source: castorini/honk, twice: a lead of 2.5
and 2.8 of them at a tenth of the run, at ten times the right rate, ended behind."""
EVALUATIONS = 3
"""Common evaluations from which they count instead of the training loss. Source: our choice."""


@dataclass(frozen=True, slots=True)
class Lead:
    """How far one run is ahead of another at the same steps."""

    step: int
    """The last that was compared."""
    share: float
    """Of the loss; negative: it is behind."""
    error: float
    """Standard error of that."""

    @property
    def clear(self) -> bool:
        """Whether it is ahead by more than two equal runs may be."""
        return self.share > max(FLOOR, self.error)

    @property
    def sure(self) -> bool:
        """Whether it is ahead so clearly that the other need not be trained to its end."""
        return self.clear and self.share > SURE * self.error

    @property
    def positive(self) -> bool:
        """Whether it is ahead at all, as far as its own noise lets one see."""
        return self.share > self.error


def judged_at(run: Facts, end: float) -> float | None:
    """The step at which rates can be compared of a run that ends at `end`; None where it has logged too little."""
    train = run.curve(Role.TRAIN_LOSS)
    if train is None or len(train.finite) < FEWEST:
        return None
    steps, rates = train.finite.steps, run.curve(Role.LEARNING_RATE)
    known = rates is not None and len(rates.finite) > 0 and rates.axis is train.axis
    warm = float(rates.finite.steps[np.argmax(rates.finite.values)]) if known and rates is not None else 0.0
    at = max(warm + SHARE * (end - warm), float(steps[FEWEST - 1]))
    return at if 2 * steps[0] <= at <= end / 2 else None


def begun(run: Facts) -> bool:
    """Whether a run that goes on has come far enough to compare its rate with others."""
    end = planned_end(run)
    at = None if end is None else judged_at(run, end)
    return at is not None and last_step(run) >= at


def lead(trial: Facts, run: Facts) -> Lead | None:
    """Over the later half of the steps that both have logged; None where these are too few."""
    train, val = run.curve(Role.TRAIN_LOSS), run.curve(Role.VAL_LOSS)
    placed = train is not None and val is not None and val.axis is train.axis  # not where only epochs are counted
    for role, fewest in (((Role.VAL_LOSS, EVALUATIONS),) if placed else ()) + ((Role.TRAIN_LOSS, FEWEST),):
        common = _common(trial.curve(role), run.curve(role))
        if common is not None and len(common[0]) >= fewest:
            steps, mine, other = (values[len(values) // 2 :] for values in common)
            size = np.maximum(np.maximum(np.abs(mine), np.abs(other)), np.finfo(float).tiny)
            ahead = (other - mine) / size
            return Lead(int(steps[-1]), float(ahead.mean()), float(ahead.std(ddof=1)) / float(np.sqrt(len(ahead))))
    return None


def _common(mine: Curve | None, other: Curve | None) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """The steps that both curves have, and their values there."""
    if mine is None or other is None or mine.axis is not other.axis:
        return None
    steps, left, right = np.intersect1d(mine.finite.steps, other.finite.steps, return_indices=True)
    return steps, mine.finite.values[left], other.finite.values[right]
