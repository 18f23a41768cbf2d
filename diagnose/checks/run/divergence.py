from itertools import chain, islice
from math import log

from diagnose import remedies
from diagnose.checks.base import Check, Evidence, Facts, Finding, Findings, Prescription, Severity
from diagnose.checks.run._loss import SURE, above, beyond_noise, improves, moving_target, onset
from diagnose.checks.run.impossible_loss import ImpossibleLoss
from diagnose.signals import FEW, Trend, signals
from diagnose.signals.gap import FEWEST
from diagnose.signals.trend import MANY


class Divergence(Check):
    """The loss gave back a good part of what it had gained and stays up.

    ## Why it matters
    A run that has diverged rarely comes back by itself: what follows is paid for and thrown away.

    ## How it is detected
    The level at the end is compared with the best level before it: the rise, the share of all progress that it undoes,
    and how many standard errors it is. A component that ends far above its own start counts too, whatever the total
    does; so does a validation loss that rose while training rose too, and the loss of one of two networks that ends
    above its start while little is left of the other's: that has won, and teaches nothing any more.

    ## What to do
    Stop, and go back to the best checkpoint; lower the learning rate, clip.

    ## Blind spots
    A loss term that is switched on (a discriminator, a stage) lifts the total just so. A late rise by harder data too.
    """

    code = "STB002"
    part_of = ("non-finite-loss",)
    explained_by = ("learning-rate-too-high", "broken-resume", "impossible-loss")

    rise: float = 0.1
    """Rise of the level in ln at least: 10 %. Source: the drift of healthy losses over harder data."""
    share: float = 0.25
    """Share of the progress lost at least. Source: a quarter, below which experts say noise or spike."""
    z: float = SURE
    """Standard errors."""
    part: float = 1.5
    """Rise of a component above its own start, in ln: 4.5 times. Source: KL of a VAE that grew; healthy weights of
    components drift by a factor of two or three."""

    def skip_reason(self, facts: Facts) -> str | None:
        if signals(facts).rivals is not None:
            return None
        return moving_target(signals(facts)) if signals(facts).main else "no loss is logged"

    def check(self, facts: Facts) -> Findings:
        losses = self.of_losses(facts) if moving_target(signals(facts)) is None else iter(())
        yield from islice(chain(losses, self._won(facts), self._plunged(facts)), 1)

    def of_losses(self, facts: Facts) -> Findings:
        """The same without the balance of two networks, of which the rate is not the cause."""
        yield from chain(self.of_training(facts), self._parts(facts), self._validation(facts))

    def of_training(self, facts: Facts) -> Findings:
        """The judged loss ends far above its best."""
        trend = signals(facts).main
        if trend is None or len(trend) < FEWEST or trend.rise < self.rise:
            return
        far = trend.lost(trend.end, trend.held) >= self.share or trend.rise >= self.part
        if not far or (trend.rise_z < self.z and not trend.climbs):
            return
        alone = trend.signed or facts.run.beginning or trend.first - trend.best < trend.rise < log(2)
        if (alone and len(trend) < FEW) or improves(signals(facts)) or trend is signals(facts).val:
            return  # single or harder batches; of validation alone, overfitting
        curve, low = trend.curve, trend.lowest_index
        best, about = curve.place(curve.steps[low]), trend.ends > 1
        single = len(trend) < MANY  # of many points single ones are noise
        lost = trend.lost(trend.end, trend.level[low] if single else trend.best)
        bottom = f"{curve.values[low]:.4g}" if single else f"about {trend.loss(trend.best):.4g}"
        fate = "higher than where it began" if lost > 1 else f"{lost:.0%} of the progress is lost"
        yield self.report(
            curve,
            f"The loss fell from {'about ' * about}{trend.loss(trend.first):.4g} to {bottom} ({best}) and ends "
            f"{'near' if about else 'at'} {trend.loss(trend.end):.4g}: {fate}.",
            Evidence("share_lost", lost, self.share, "", f"lost {min(lost, 1):.0%} of its progress"),
            *beyond_noise(trend.rise_z, len(trend), self.z),
            *onset(facts, int(curve.steps[low])),
            first=low,
            severity=Severity.ERROR if 2 * lost >= 1 else Severity.WARNING,
            prescriptions=remedies.calm(facts, int(curve.steps[low])),
            advice=f"Stop, and go back to the checkpoint nearest to {best}.",
        )

    def _parts(self, facts: Facts) -> Findings:
        total = signals(facts).main
        for tag, trend in signals(facts).parts.items():
            small = total is not None and trend.loss(trend.end) < total.loss(total.end)  # switched on late, or weighed
            if trend.end - trend.start >= self.part and not small:
                advice = "Lower its weight, or look at what it measures; the total hides it."
                cures = remedies.calm(facts, int(trend.curve.steps[trend.best_index]))
                yield self._grown(facts, trend, f"The component {tag}", advice, cures)

    def _won(self, facts: Facts) -> Findings:
        pair = signals(facts).rivals or ()
        for name, lost, won in zip(("discriminator", "generator"), pair, pair[::-1], strict=False):
            if won.net >= self.part and lost.end - lost.start >= self.rise:
                advice = f"Go back to before it climbed; train the {name} less often, or regularise it."
                yield self._grown(facts, lost, f"The {name} has won: {lost.curve.tag}", advice)

    def _plunged(self, facts: Facts) -> Findings:
        trend = signals(facts).train
        if trend is not None and moving_target(signals(facts)) is None and ImpossibleLoss().plunges(trend.curve.values):
            lowest = float(trend.curve.values.min())
            yield self.report(trend.curve, f"The loss ran away to {lowest:.4g}.", Evidence("lowest", lowest))

    def _grown(
        self, facts: Facts, trend: Trend, what: str, advice: str, cures: tuple[Prescription, ...] = ()
    ) -> Finding:
        grown = trend.end - trend.start
        return self.report(
            trend.curve,
            f"{what} grew from about {trend.loss(trend.start):.4g} to {trend.loss(trend.end):.4g}.",
            Evidence("growth", grown, None, "", f"{above(grown)} its first level"),
            *onset(facts, int(trend.curve.steps[trend.best_index])),
            first=trend.best_index,
            prescriptions=cures,
            advice=advice,
        )

    def _validation(self, facts: Facts) -> Findings:
        measured = signals(facts)
        gap, val = measured.gap, measured.val
        if gap is None or val is None or 2 * gap.train_fall >= -self.rise:
            return
        if gap.rise < self.rise or gap.rise_share < self.share or 2 * gap.rise_z < self.z or gap.since <= 2:
            return
        best = val.curve.place(val.curve.steps[gap.best])
        yield self.report(
            val.curve,
            f"The validation loss rose from {val.curve.values[gap.best]:.4g} ({best}) to {val.loss(gap.last):.4g}, "
            "and the training loss rose with it.",
            Evidence("rise", gap.rise, self.rise),
            *beyond_noise(gap.rise_z, len(gap)),
            first=gap.best,
            prescriptions=remedies.calm(facts, int(val.curve.steps[gap.best])),
            advice=f"Go back to the checkpoint nearest to {best}.",
        )
