from math import exp

from diagnose import remedies
from diagnose.checks.base import Evidence, Facts, Findings, Role
from diagnose.checks.run._loss import LossCheck
from diagnose.checks.run.slow_learning import CAUSES, SlowLearning
from diagnose.remedies.evidence import peak_rate
from diagnose.signals import signals


class LearningRateTooLow(LossCheck):
    """The steps are too small: the loss creeps down although the learning rate has not decayed.

    ## Why it matters
    The same model would be there in a tenth of the time, or would get further in the time that is paid for.

    ## How it is detected
    The loss creeps (by the measures of slow-learning) at a known rate below `low`; or the highest logged rate is below
    `tiny`, at which nothing is trained, and the loss hardly moved.

    ## What to do
    Raise the learning rate ten times at least, more where the loss hardly moved. Watch the first hundreds of steps.

    ## Blind spots
    Frozen layers, a wrong loss scale or a warm-up that outlasts the run show the same course.
    """

    code = "OPT002"
    needs = (Role.TRAIN_LOSS,)
    part_of = CAUSES

    low: float = 3e-3
    """Rate above which a creeping loss has other causes. Source: three times Adam's default."""
    tiny: float = 1e-6
    """Rate at which hardly anything is trained. Source: the lowest published rates of fine-tuning; real runs."""

    def check(self, facts: Facts) -> Findings:
        trend, rate, logged = signals(facts).train, peak_rate(facts), facts.run.peak_logged_rate
        if trend is None or rate is None or rate > self.low:
            return
        idle = logged is not None and logged < self.tiny and SlowLearning().is_short(trend)
        if not idle and not SlowLearning().creeps(facts):
            return
        yield self.report(
            trend.curve,
            f"At a learning rate of {rate:g} the loss creeps from about {trend.loss(trend.start):.4g} to "
            f"{trend.loss(trend.end):.4g}: the steps are too small.",
            Evidence("learning_rate", rate, self.tiny if idle else self.low),
            Evidence("fall", trend.net, None, "", f"moved by {1 - exp(-abs(trend.net)):.0%} in all"),
            prescriptions=remedies.speed_up(facts, None if idle else trend.net),
        )
