from math import sqrt

import numpy as np

from diagnose import remedies
from diagnose.checks.base import Evidence, Facts, Finding, Findings, Role, Severity
from diagnose.checks.run._loss import LossCheck, above, beyond_noise, confidence, onset
from diagnose.signals import EDGE, FEW, Excursion, Trend, signals
from diagnose.signals.excursions import BEYOND, GROSS, excursions, opening, outliers


class LossSpike(LossCheck):
    """The loss rises suddenly, far outside its own noise, and comes back.

    ## Why it matters
    A spike costs the steps that it takes to recover; the next one may not come back.

    ## How it is detected
    Single points far above the trend, and excursions of the trend that recover: height in logarithms times the share
    of the progress undone reaches `effect`, it is `z` standard errors and `odd` times the deepest dip below the trend.
    For information only is one of validation alone, and one of less than twice `effect` in the first fifth of the run.

    ## What to do
    Go back to before it only where the loss has not come as low again. If it returns at one place of the data, look
    there; else clip the gradients.

    ## Blind spots
    A log that averages over many steps hides spikes. A jump at a restart looks the same.
    """

    code = "STB001"
    explained_by = ("learning-rate-too-high", "missing-warmup")
    part_of = ("broken-resume", "divergence", "non-finite-loss", "oscillation")
    fewest = FEW // 2

    effect: float = 0.25
    """Height in ln times the share of progress undone (at most 1). Source: 1.3 times the loss, all progress lost."""
    z: float = 7.0
    """Standard errors. Source: operators' rule on log loss; healthy runs reach 4.5, heavy tails more."""
    odd: float = 2.5
    """Times the deepest dip. Source: generated heavy tails alarm in a third of the runs without it."""

    def check(self, facts: Facts) -> Findings:
        for trend in filter(None, dict.fromkeys((signals(facts).main, signals(facts).val))):
            spikes = self._spikes(trend)
            if spikes:
                yield self._jumps(facts, trend, spikes)
                return

    def _spikes(self, trend: Trend) -> list[Excursion]:
        """Points far above the trend, and stretches under half of the run in which the trend itself is far up."""
        dip, single = -trend.residuals[opening(trend) :].min(initial=0.0), outliers(trend)
        big = [one for one in single if self._big(trend, one)]
        sharp = [one for one in big if one.height >= self.odd * dip]
        top = max((one.height for one in sharp), default=0.0)
        if 2 * sum(2 * one.height > top for one in single) > sqrt(len(trend)):
            sharp = []  # so many that are half as high are another kind of batch
        slow = [one for one in excursions(trend) if 2 * (one.last - one.first) < len(trend) and self._big(trend, one)]
        return [one for one in big if one.over_start >= GROSS] or sharp + slow

    def _big(self, trend: Trend, one: Excursion) -> bool:
        sure = one.z >= self.z or one.over_start >= GROSS
        return one.effect >= self.effect and sure and one.last < len(trend) - 1

    def _jumps(self, facts: Facts, trend: Trend, spikes: list[Excursion]) -> Finding:
        worst = max(spikes, key=lambda one: one.effect)
        curve, first, last = trend.curve, min(one.first for one in spikes), max(one.last for one in spikes)
        count = len({one.peak for one in spikes})  # one of two points is found as a point and as a stretch
        many = f", one of {count} spikes" if count > 1 else ""
        top = worst.first + int(np.argmax(trend.level[worst.first : worst.last + 1]))  # as logged
        height = above(float(trend.level[top]) - worst.course)
        past = max(worst.effect / self.effect, last / (EDGE * len(trend))) < 2  # small, and healed long ago
        healed = trend.smooth[last:].min() <= trend.smooth[: first + 1].min() + BEYOND * trend.error  # as low as before
        back = "It recovered: no need to go back." if healed else "Resume from a checkpoint before the spike."
        again = "If it returns" if count == 1 else "Clip the gradients; if it always comes"
        whose = "validation loss" if curve.role is Role.VAL_LOSS else "loss"
        return self.report(
            curve,
            f"The {whose} jumps to {curve.values[top]:.4g} at {curve.place(curve.steps[top])}, {height} its "
            f"course, and comes back{many}.",
            Evidence("spikes", count, sentence=f"{count} so high"),
            Evidence("height", worst.height, sentence=f"{height} its course"),
            Evidence("share_lost", worst.share, None, "", f"undid {min(worst.share, 1):.0%} of the progress"),
            *beyond_noise(worst.z, len(trend), self.z),
            *onset(facts, int(curve.steps[max(first - 1, 0)])),
            first=first,
            last=last,
            severity=Severity.INFO if past or trend is not signals(facts).main else Severity.WARNING,
            confidence=confidence(signals(facts), trend, clear=worst.effect > 2 * self.effect),
            prescriptions=remedies.clip(facts, int(curve.steps[first])),
            advice=f"{back} {again} at the same place of the data, look there.",
        )
