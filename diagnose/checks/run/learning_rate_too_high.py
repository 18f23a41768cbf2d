"""OPT001: the learning rate is the cause of the instability."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose import remedies
from diagnose.checks.base import Check, Confidence, Evidence, Facts, Finding, Role
from diagnose.checks.run._loss import moving_target
from diagnose.checks.run.divergence import Divergence
from diagnose.checks.run.oscillation import Oscillation
from diagnose.checks.run.plateau import Plateau
from diagnose.remedies.evidence import peak_rate
from diagnose.signals import signals


@dataclass(frozen=True)
class LearningRateTooHigh(Check):
    """The steps are too large: the loss turns up again, or bounces, because of the learning rate.

    ## Why it matters
    It is the commonest cause of a bad loss curve and the cheapest to cure.

    ## How it is detected
    The training loss diverges or oscillates (by the measures of those two checks), or was thrown back while the rate
    still rose and has not fallen since. A logged rate had not yet decayed to a tenth of its peak when that began, nor
    is it tiny.

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

    decayed: float = 0.1
    """Share of its peak below which a rate is not to blame any more. Source: lr/10 cured every diverging run of the
    bundled trainer."""
    tiny: float = 1e-6
    """Rate at or below which it is not to blame. Source: as for a rate that is too low."""

    def skip_reason(self, facts: Facts) -> str | None:
        """No training loss, or one that says nothing of health."""
        return super().skip_reason(facts) or moving_target(signals(facts))

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Name the rate as the cause where the loss is unstable and nothing speaks for another cause."""
        effects = [*Divergence().check(facts), *Oscillation().check(facts), *self._stuck(facts)]
        rate, logged = peak_rate(facts), signals(facts).rate
        if not effects or (rate is not None and rate <= self.tiny):
            return
        effect = effects[0]
        step = effect.first_step or 0
        if logged is not None and logged.past_peak(step) and logged.share(step) < self.decayed:
            return
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

    def _stuck(self, facts: Facts) -> Iterator[Finding]:
        """The loss was thrown back while the rate still rose, and has not fallen since."""
        trend, rate, big = signals(facts).main, signals(facts).rate, Divergence()
        if trend is None or rate is None:
            return
        thrown = [
            one
            for one in (*signals(facts).excursions, *signals(facts).outliers)
            if one.share >= big.share and one.z >= big.z and not rate.past_peak(float(trend.curve.steps[one.first]))
        ]
        if thrown:
            yield from Plateau().check(facts)
