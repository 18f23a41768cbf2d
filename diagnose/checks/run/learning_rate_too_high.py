"""OPT001: the learning rate is the cause of the instability."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np

from diagnose import remedies
from diagnose.checks.base import Check, Confidence, Evidence, Facts, Finding, Role, Severity
from diagnose.checks.run._loss import late_piece, moving_target, onset
from diagnose.checks.run.divergence import Divergence
from diagnose.checks.run.learning_rate_too_low import LearningRateTooLow
from diagnose.checks.run.oscillation import Oscillation
from diagnose.remedies.evidence import high_still, peak_rate, shocked
from diagnose.remedies.rate import HIGH
from diagnose.signals import Rate, Trend, signals
from diagnose.signals.excursions import setback
from diagnose.signals.trend import EDGE


class LearningRateTooHigh(Check):
    """The steps are too large: the loss turns up again, or bounces, because of the learning rate.

    ## Why it matters
    It is the commonest cause of a bad loss curve and the cheapest to cure.

    ## How it is detected
    The training loss diverges or oscillates (by the measures of those two checks); or it was thrown back while the
    rate still rose and has not come back; or it never got going at a high rate, after a shock of loss or gradients. A
    logged rate had not yet decayed to a tenth of its peak when that began, nor is it tiny.

    ## What to do
    Go back to the best checkpoint and continue at a quarter of the learning rate.

    ## Blind spots
    Bad data, a stage switch or a wrong resume diverge too. Where a new language is added to a pretrained model a lower
    rate learns too slowly: lower it only if the loss really rises.
    """

    code = "OPT001"
    name = "learning-rate-too-high"
    needs = (Role.TRAIN_LOSS,)
    explained_by = ("broken-resume",)
    part_of = ("non-finite-loss",)

    points: int = 8
    """Logged since it was thrown back. Source: collapsed runs of the bundled trainer are sure after ten."""
    still: float = 0.05
    """Fall of the second half, in ln, that is none. Source: collapsed runs of the bundled trainer creep by 0.03."""

    def skip_reason(self, facts: Facts) -> str | None:
        """No training loss, or one that says nothing of health."""
        return super().skip_reason(facts) or moving_target(signals(facts))

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Name the rate as the cause where the loss is unstable and nothing speaks for another cause."""
        unstable = (Divergence().of_losses(facts), Oscillation().check(facts))
        effects = [*chain(*unstable, self.thrown_back(facts), self.never_began(facts))]
        rate, logged = peak_rate(facts), signals(facts).rate
        if not effects or (rate is not None and rate <= LearningRateTooLow.tiny):
            return
        effect = effects[0]
        step = effect.first_step or 0
        if logged is not None and logged.past_peak(step) and logged.share(step) < EDGE:
            return  # it had decayed by then
        known = "looks" if rate is None else f"of {rate:g} is"
        yield self.finding(
            effect.severity,
            Confidence.MEDIUM,
            effect.metric,
            f"The learning rate {known} too high: {effect.message[0].lower()}{effect.message[1:]}",
            steps=(step, effect.last_step or step),
            evidence=(*effect.evidence, *([] if rate is None else [Evidence("learning_rate", rate)])),
            prescriptions=effect.prescriptions or remedies.calm(facts, step),
        )

    def thrown_back(self, facts: Facts) -> Iterator[Finding]:
        """The loss was thrown back while the rate still rose, and has not come back since."""
        trend, rate, usual = signals(facts).main, signals(facts).rate, Divergence()
        thrown = None if trend is None or trend.signed else setback(trend)
        if trend is None or rate is None or thrown is None or not thrown.lasts:
            return
        curve, low = trend.curve, float(trend.level[thrown.best])
        best, lost = int(curve.steps[thrown.best]), trend.lost(low + thrown.left, low)
        early = rate.past_peak(best) or len(curve) - thrown.top < max(self.points, thrown.best // 2)
        if early or thrown.height < max(usual.rise, 4 * trend.noise) or lost < usual.share:
            return
        yield self.report(
            curve,
            f"The loss was thrown from {trend.loss(low):.4g} ({curve.place(best)}) to "
            f"{trend.loss(low + thrown.height):.4g} while the rate still rose, and is at "
            f"{trend.loss(low + thrown.left):.4g} now.",
            Evidence("share_lost", lost, usual.share, "", f"lost {lost:.0%} of its progress"),
            *onset(facts, best),
            first=thrown.best,
            severity=Severity.ERROR if 2 * lost >= 1 else Severity.WARNING,
            prescriptions=remedies.calm(facts, best),
        )

    def never_began(self, facts: Facts) -> Iterator[Finding]:
        """The loss is high and does not move at a high rate, after a shock of loss or gradients."""
        trend, rate = signals(facts).train, signals(facts).rate
        if trend is None or rate is None or len(trend) < 2 * self.points or late_piece(signals(facts)):
            return
        fallen = trend.half - trend.end
        at_rate = rate.peak * rate.share(float(trend.curve.steps[-1])) >= HIGH
        if at_rate and high_still(facts) and fallen < self.still and (shocked(facts) or self._shocked(trend, rate)):
            yield self.report(
                trend.curve,
                f"The loss began at {trend.loss(trend.first):.4g}, was thrown about, and does not leave "
                f"{trend.loss(trend.end):.4g}.",
                Evidence("second_half", fallen, self.still),
                prescriptions=remedies.trial_lower_rate(facts),
            )

    def _shocked(self, trend: Trend, rate: Rate) -> bool:
        """Whether the loss rose above its beginning, or fell only below the peak rate."""
        half = len(trend) // 2
        peak = int(np.searchsorted(trend.curve.steps, rate.curve.steps[rate.curve.values.argmax()]))
        if 0 < peak <= len(trend) - 2 * self.points and trend.smooth[peak] - trend.end < 2 * self.still:
            return True
        return float(trend.level[:half].max() - trend.level[0]) >= Divergence().rise
