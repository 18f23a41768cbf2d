from diagnose import remedies
from diagnose.checks.base import Evidence, Facts, Findings
from diagnose.checks.run._loss import LossCheck, above, improves, onset
from diagnose.signals import signals


class Oscillation(LossCheck):
    """The loss bounces up and down with little or no net progress.

    ## Why it matters
    Each step overshoots: the run burns time without getting closer, and may diverge at any moment.

    ## How it is detected
    The means of 160 parts of the run cross the middle half of what they span again and again. They span a good part of
    the level, more than noise without memory does; and there is no strong trend. Judged is the run while the logged
    rate is above half of its peak. Where validation is at its best the swings are only the batches.

    ## What to do
    Halve the learning rate, use a larger batch, clip the gradients.

    ## Blind spots
    Batches of very different length or difficulty bounce in a healthy run too; then the validation loss is smooth.
    """

    code = "STB003"
    explained_by = ("learning-rate-too-high",)
    part_of = ("non-finite-loss",)

    turns: int = 5
    """From top to bottom or back: three peaks. Source: two may be one event and its echo."""
    spread: float = 0.25
    """Span of the middle four fifths of the means in ln: 28 %. Source: real runs; loud noise stays below."""
    against_noise: float = 3.5
    """The same in standard errors of a mean. Source: white noise spans 2.6; a third more."""
    trend: float = 1 / 2
    """Kendall's tau from which a run falls or rises, however it bounces. Source: three of four pairs in order."""

    def check(self, facts: Facts) -> Findings:
        trend = signals(facts).at_high_rate
        if trend is None or abs(trend.order) >= self.trend or improves(signals(facts)):
            return
        swings, best = trend.swings, int(trend.curve.steps[trend.best_index])
        spread = swings.high - swings.low
        if swings.turns < self.turns or spread < max(self.spread, self.against_noise * swings.error):
            return
        yield self.report(
            trend.curve,
            f"The loss swings between about {trend.loss(swings.low):.4g} and {trend.loss(swings.high):.4g}, turning "
            f"back {swings.turns} times, without a steady fall.",
            Evidence("spread", spread, self.spread, "", f"the top is {above(spread)} the bottom"),
            Evidence("turns", swings.turns, self.turns, "", f"turned {swings.turns} times"),
            Evidence("order", trend.order, -self.trend, "", f"order {trend.order:.2f} (-1 falls throughout)"),
            *onset(facts, best),
            prescriptions=remedies.calm(facts, best),
            advice=f"Lower the learning rate or use a larger batch; the lowest level was at {trend.curve.place(best)}.",
        )
