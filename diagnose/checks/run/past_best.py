"""FIT006: training went on long after validation had stopped improving."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp

from diagnose import remedies
from diagnose.checks.base import Check, Evidence, Facts, Finding, Role
from diagnose.signals import signals
from diagnose.signals.gap import FEWEST


@dataclass(frozen=True)
class PastBest(Check):
    """Validation was as good as it ever became early on, and training went on falling for nothing.

    ## Why it matters
    The hours after the best checkpoint cost as much as those before it. What is learned in them is the training set.

    ## How it is detected
    An evaluation before `early` of the run is about as good as the best of all (within a tenth of what was gained, or
    5 %, or the noise), and the training loss fell by `fall` since. A model that never generalised shows it from the
    first evaluation on.

    ## What to do
    Stop early; keep the best checkpoint and listen to it. More clips help more than more epochs.

    ## Blind spots
    Losses that saturate (Tacotron 2, flow matching) stay flat while the voice improves; there training does not
    halve either.
    """

    code = "FIT006"
    name = "past-best"
    needs = (Role.VAL_LOSS, Role.TRAIN_LOSS)
    min_points = 2 * FEWEST
    part_of = ("oscillation", "overfitting", "divergence", "validation-is-training", "non-finite-loss")

    early: float = 0.3
    """Share of the evaluations. Source: real runs; a third of the run before, two thirds for nothing."""
    fall: float = 0.6
    """Fall of the training loss since, in ln: 45 %. Source: what halves in training must show in validation."""

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for the first evaluation after which only training improved."""
        gap, val = signals(facts).gap, signals(facts).val
        if gap is None or val is None or gap.near_at > self.early or gap.train_fall_near < self.fall or gap.apart < 0:
            return
        since, fallen = gap.evaluations - 1 - gap.near, 1 - exp(-gap.train_fall_near)
        step = int(val.curve.steps[gap.near])
        place = val.curve.place(step)
        yield self.report(
            val.curve,
            f"Since {place} ({since} evaluations) the validation loss has hardly improved, while the training loss "
            f"fell by {fallen:.0%}: the rest is memorised.",
            Evidence("evaluations_since", since),
            Evidence("train_fall", gap.train_fall_near, self.fall, "", f"training fell by {fallen:.0%} since"),
            first=gap.near,
            prescriptions=remedies.regularise(facts, step),
            advice=f"Stop here; listen to the checkpoints from {place} on and keep the best.",
        )
