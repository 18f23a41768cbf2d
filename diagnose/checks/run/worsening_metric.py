"""FIT007: an error rate or a score of validation gets worse while the loss falls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.checks.base import Check, Evidence, Facts, Finding, Role
from diagnose.checks.run._loss import change
from diagnose.signals import Trend, signals
from diagnose.signals.gap import FEWEST


@dataclass(frozen=True)
class WorseningMetric(Check):
    """An error rate on held-out data goes up while the loss goes on falling.

    ## Why it matters
    The loss is a stand-in: what is wanted is fewer errors. A run whose word error rate rises gets worse.

    ## How it is detected
    The last level of a logged error rate is above its best by `rise`, by `lost` of what it had gained, and by `z`
    standard errors, at eight evaluations or more.

    ## What to do
    Keep the checkpoint of the best error rate; look at decoding, lengths and learning rate.

    ## Blind spots
    Rates of a few clips scatter.
    """

    code = "FIT007"
    name = "worsening-metric"
    part_of = ("overfitting", "divergence", "non-finite-loss")

    rise: float = 0.15
    """Rise in ln: 16 %. Source: error rates scatter more than losses."""
    lost: float = 0.3
    """Of what was gained. Source: as for spikes: nobody acts on less."""
    z: float = 5.0
    """Standard errors. Source: one in two million for normal noise."""

    def skip_reason(self, facts: Facts) -> str | None:
        """No error rate is logged."""
        return None if facts.run.played_by(Role.ERROR_RATE) else "no error rate is logged"

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look at each error rate of held-out data; the first that worsens is enough."""
        loss = signals(facts).main
        rates = [
            curve
            for curve in facts.run.played_by(Role.ERROR_RATE)
            if curve.held_out and len(curve.finite) >= 2 * FEWEST
        ]
        worse = [trend for trend in map(Trend.of, rates) if trend is not None and self._worsens(trend)]
        if worse and (loss is None or loss.net >= 0):
            trend, curve = worse[0], worse[0].curve
            lost = trend.lost(trend.end, trend.best)
            yield self.report(
                curve,
                f"{curve.tag} was best near {curve.place(curve.steps[trend.best_index])} (about "
                f"{trend.loss(trend.best):.3g}) and ends at {trend.loss(trend.end):.3g}, while the loss fell.",
                Evidence("rise", trend.rise, self.rise, "", f"{change(trend.rise)} above its best"),
                Evidence("share_lost", lost, self.lost, "", f"lost {lost:.0%} of what it had gained"),
                first=trend.best_index,
            )

    def _worsens(self, trend: Trend) -> bool:
        lost = trend.lost(trend.end, trend.best) >= self.lost and trend.rise >= self.rise
        return lost and trend.rise_z >= self.z and not trend.signed
