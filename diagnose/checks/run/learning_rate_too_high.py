import numpy as np

from diagnose import remedies
from diagnose.checks.base import Check, Confidence, Evidence, Facts, Findings, Role
from diagnose.checks.run._loss import moving_target
from diagnose.checks.run.divergence import Divergence
from diagnose.checks.run.learning_rate_too_low import LearningRateTooLow
from diagnose.checks.run.oscillation import Oscillation
from diagnose.remedies.evidence import high_still, peak_rate, shocked
from diagnose.remedies.rate import HIGH
from diagnose.signals import EDGE, signals


class LearningRateTooHigh(Check):
    """The steps are too large: the loss turns up again, or bounces, because of the learning rate.

    ## Why it matters
    It is the commonest cause of a bad loss curve and the cheapest to cure.

    ## How it is detected
    The training loss diverges or oscillates (by the measures of those two checks); or it never got going at a high
    rate, after a shock of the gradients. A logged rate had not decayed to a tenth by then, nor is it tiny.

    ## What to do
    Go back to the best checkpoint and continue at a quarter of the learning rate.

    ## Blind spots
    Bad data, a stage switch or a wrong resume diverge too. Where a new language is added to a pretrained model a lower
    rate learns too slowly: lower it only if the loss really rises.
    """

    code = "OPT001"
    needs = (Role.TRAIN_LOSS,)
    explained_by = ("broken-resume",)
    part_of = ("non-finite-loss",)

    def skip_reason(self, facts: Facts) -> str | None:
        return super().skip_reason(facts) or moving_target(signals(facts))

    def check(self, facts: Facts) -> Findings:
        effects = [*Divergence().of_losses(facts), *Oscillation().check(facts), *self._never_began(facts)]
        rate, logged = peak_rate(facts), signals(facts).rate
        if not effects or (rate is not None and rate <= LearningRateTooLow.tiny):
            return
        effect = effects[0]
        step = effect.first_step or 0
        warm = logged is not None and logged.steps[np.argmax(logged.values)] < step
        if warm and signals(facts).rate_share(step) < EDGE:
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

    def _never_began(self, facts: Facts) -> Findings:
        """The loss is high and does not move at a high rate, after a shock of the gradients."""
        trend, rate = signals(facts).train, signals(facts).rate
        if trend is None or rate is None or not (high_still(facts) and shocked(facts)):
            return
        if np.interp(trend.curve.steps[-1], rate.steps, rate.values) >= HIGH:
            yield self.report(
                trend.curve,
                f"The loss was thrown about and does not leave the level of {trend.loss(trend.end):.4g}.",
                Evidence("fall", trend.net),
                prescriptions=remedies.trial_lower_rate(facts),
            )
