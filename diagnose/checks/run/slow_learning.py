from math import exp

from diagnose import remedies
from diagnose.checks.base import Evidence, Facts, Findings, Role
from diagnose.checks.run._loss import MANY, SURE, LossCheck
from diagnose.remedies.evidence import planned_end
from diagnose.signals import EDGE, Trend, signals

CAUSES = ("divergence", "oscillation", "overfitting", "memorisation", "dead-schedule", "impossible-loss")


class SlowLearning(LossCheck):
    """The loss still falls steadily at the end and has come a short way only: the steps are too small or too few.

    ## Why it matters
    The run ends long before the model has learned what it could.

    ## How it is detected
    The fall is certain (`z`), small (`little`; of few points half) and nearly a straight line: the
    second half brings `line` of it or more, down to half of that the smaller the fall; a healthy loss does half in the
    first tenth. A run that has only begun, by its plan, is left alone, and so is a log that begins in the middle.

    ## What to do
    Raise the learning rate if it is low for the optimiser, else train longer.

    ## Blind spots
    The first hours of a very long run whose length is not known look the same. A long warm-up too.
    """

    code = "FIT003"
    needs = (Role.TRAIN_LOSS,)
    explained_by = ("learning-rate-too-low",)
    part_of = (*CAUSES, "plateau")

    line: float = 0.4
    """Share of the fall in the second half. Source: 0.5 for a line; a logarithm that bends after a third of the run,
    the straightest healthy course, has 0.37 (arXiv 2503.12811)."""
    little: float = 0.3
    """Fall in ln, at most: 26 %. Source: a healthy run wins that in its first hundredth."""
    z: float = SURE
    """Standard errors of the fall."""

    def check(self, facts: Facts) -> Findings:
        trend = signals(facts).train
        if trend is None or not self.creeps(facts):
            return
        half = trend.straightness
        yield self.report(
            trend.curve,
            f"The loss fell only from about {trend.loss(trend.start):.4g} to {trend.loss(trend.end):.4g}, {half:.0%} "
            "of that in the second half: the steps are too small or too few.",
            Evidence("fall", trend.net, self.little, "", f"fell by {1 - exp(-trend.net):.0%} in all"),
            Evidence("second_half", half, None, "", f"{half:.0%} of it in the second half"),
            prescriptions=remedies.speed_up(facts, trend.net, sure=facts.run.peak_logged_rate is not None),
        )

    def is_short(self, trend: Trend) -> bool:
        """Whether it came a short way only; few points hardly tell a straight line, so that half of it is asked."""
        return abs(trend.fell[0]) < self.little / (1 + (len(trend) < MANY))

    def creeps(self, facts: Facts) -> bool:
        """Whether the loss falls beyond doubt, in a straight line, and has come a short way only."""
        measured, trend = signals(facts), signals(facts).train
        if trend is None or trend.signed or self.skip_reason(facts) or facts.run.beginning:
            return False
        short = trend.net > 0 and self.is_short(trend) and trend.fell_z >= self.z
        least = self.line * (1 + trend.net / self.little) / 2 + 1 / max(trend.fell_z, 1)
        late = 2 * (trend.half - trend.end) >= self.line * trend.fall
        straight = late and least <= trend.straightness <= 1 - self.line / 2
        burst = trend.first - trend.start > trend.net * EDGE + 2 * trend.noise
        planned, last = planned_end(facts, trend.curve), float(trend.curve.steps[-1])
        begun = 1 - EDGE < measured.rate_share(last) < 1 or (planned is not None and last < 2 * EDGE * planned)
        return short and straight and not burst and not begun
