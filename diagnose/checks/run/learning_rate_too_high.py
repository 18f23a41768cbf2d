"""OPT001: the learning rate is the cause of the instability."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose.checks.base import Check
from diagnose.checks.run._cures import HALF, LOWEST_RATE, QUARTER, lower_rate, peak_rate
from diagnose.checks.run._instability import instability
from diagnose.checks.run._rate import logged_rate
from diagnose.facts import Facts
from diagnose.finding import Confidence, Finding, Severity
from diagnose.run import Curve, Role, Run
from diagnose.signals.trend import SHORT


@dataclass(frozen=True)
class LearningRateTooHigh(Check):
    """The steps are too large: the loss turns up again, or bounces, because of the learning rate.

    ## Why it matters
    It is the commonest cause of a bad loss curve and the cheapest to cure.

    ## How it is detected
    The loss diverges or oscillates (by the measures of those two checks), or a burst in its first updates left it where
    it learns nothing any more: thrown up by half within the first tenth, or eight times above the second point, or at
    a logged rate of 0.2 and more, and flat since. At such a rate it is also judged by a beginning that scatters twice
    as much as the rest and learns little, and by scatter of 15 % where nothing is gained. Nothing speaks for another
    cause: the learning rate had not yet decayed to a tenth of its peak when it began, it is not tiny, and the loss is
    not NaN. The run that had borne a clearly higher rate before is told with less confidence.

    ## What to do
    Go back to the best checkpoint and continue at a quarter of the learning rate (half of it for mild swings). In
    the bundled trainer's experiments a quarter was better than half, and clipping alone cured nothing.

    ## Blind spots
    Bad data, a stage switch or a wrong resume diverge too. Where a new language is added to a pretrained model a lower
    rate learns too slowly: lower it only if the loss really rises. A log that begins after the burst shows a plateau.
    Optimisers whose rate is a factor of their own (Adadelta, Adafactor) are taken for reckless ones.
    """

    code = "OPT001"
    name = "learning-rate-too-high"
    needs = (Role.TRAIN_LOSS,)
    min_points = 4

    decayed: float = 0.1
    """Share of its peak below which a rate is not to blame any more. Source: lr/10 cured every diverging run of the
    bundled trainer."""

    survived: float = 0.7
    """Rate at the onset over the highest before it, below which the cause is less sure: the run bore more. Source: our
    choice: a rate that is half of one that worked is seldom too high."""

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Name the rate as the cause where the loss is unstable and nothing speaks for another cause."""
        run = facts.run
        curve = self.curve(facts, Role.TRAIN_LOSS)
        found = instability(run, curve)
        rate = peak_rate(run)
        if found is None or self._decayed(run, found.first_step):
            return
        if rate is not None and rate <= LOWEST_RATE:
            return
        known = "looks" if rate is None else f"of {rate:g} is"
        yield self.finding(
            Severity.ERROR if found.grave and not found.healed else Severity.WARNING,
            self._sure(run, curve, found.first_step),
            Role.TRAIN_LOSS.value,
            f"The learning rate {known} too high: {found.told}.",
            steps=(found.first_step, found.last_step),
            evidence=found.evidence | ({} if rate is None else {"learning_rate": rate}),
            prescriptions=lower_rate(run, QUARTER if found.grave else HALF, found.told),
        )

    def _sure(self, run: Run, curve: Curve, step: int) -> Confidence:
        """High where the rate is known, the points are many, and the run had not borne a clearly higher rate before."""
        rates = logged_rate(run)
        if peak_rate(run) is None or len(curve) < SHORT:
            return Confidence.MEDIUM
        if rates is None or step <= rates.steps[0]:
            return Confidence.HIGH
        before = rates.until(step).values
        return Confidence.MEDIUM if before[-1] < self.survived * before.max() else Confidence.HIGH

    def _decayed(self, run: Run, step: int) -> bool:
        """Whether the logged rate had passed its peak and fallen to a small share of it by `step`."""
        rates = logged_rate(run)
        if rates is None:
            return False
        before = rates.until(step).values
        peak = int(np.argmax(rates.values))
        return bool(peak < len(before) - 1 and before[-1] < self.decayed * rates.values[peak])
