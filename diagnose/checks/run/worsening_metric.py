from diagnose.checks.base import Check, Evidence, Facts, Findings
from diagnose.checks.run._loss import SURE, above
from diagnose.signals import EDGE, Trend, last_level, signals
from diagnose.signals.gap import FEWEST


class WorseningMetric(Check):
    """An error rate on held-out data goes up, or a score down, while the loss goes on falling.

    ## Why it matters
    The loss is a stand-in: what is wanted is fewer errors. A run whose word error rate rises gets worse.

    ## How it is detected
    The last level of a logged error rate (or of what a score, as a share, leaves to one) is above its best by `z`
    standard errors, at eight evaluations or more, and rise and the share lost of what it had gained make `effect`. In
    reinforcement learning the reward is judged so, whatever the losses do: half of its gain must be lost.

    ## What to do
    Compare the checkpoint of the best rate with that of the lowest loss; for speech, look at decoding and lengths.

    ## Blind spots
    Rates of a few clips scatter.
    """

    code = "FIT007"
    part_of = ("overfitting", "divergence", "non-finite-loss")

    effect: float = 0.045
    """Rise in ln times the share lost (at most 1). Source: a third of the gain at a rise of 16 %, below which nobody
    acts: error rates scatter; a doubled one is worse than its best however much was gained before."""
    z: float = SURE
    """Standard errors."""

    def skip_reason(self, facts: Facts) -> str | None:
        return None if signals(facts).metrics else "no error rate or score of held-out data is logged"

    def check(self, facts: Facts) -> Findings:
        known, moving, loss = signals(facts).metrics, signals(facts).reward is not None, signals(facts).main
        worse = [(logged, trend) for logged, trend in known if len(trend) >= 2 * FEWEST and self.worsens(trend)]
        traded = any(trend.lost(trend.end, trend.best) < EDGE for _, trend in known)
        if worse and not traded and (moving or loss is None or loss.net >= 0):
            curve, trend = worse[0]
            lost, best = min(trend.lost(trend.end, trend.best), 1), trend.lowest_index
            rise = Evidence("rise", trend.rise, None, "", f"its errors end {above(trend.rise)} the fewest")
            yield self.report(
                curve,
                f"{curve.tag} was best near {curve.place(curve.steps[best])} ({curve.values[best]:.4g}) and ends near "
                f"{last_level(curve.values):.4g}{'' if moving else ', while the loss fell'}.",
                *([] if trend.signed else [rise]),
                Evidence("share_lost", lost, None, "", f"lost {lost:.0%} of what it had gained"),
                first=best,
                advice=f"Go back to the checkpoint nearest to {curve.place(curve.steps[best])}." if moving else None,
            )

    def worsens(self, trend: Trend) -> bool:
        """Whether a metric, described as errors, lost what it had gained."""
        lost = min(trend.lost(trend.end, trend.best), 1)
        return trend.rise_z >= self.z and (2 * lost >= 1 if trend.signed else trend.rise * lost >= self.effect)
