from math import exp, inf

from diagnose import remedies
from diagnose.checks.base import Check, Confidence, Evidence, Facts, Finding, Findings, Role, Severity
from diagnose.checks.run._loss import MANY, above, beyond_noise, confidence, improves
from diagnose.signals import WORTH, Gap, Trend, signals
from diagnose.signals.gap import FEWEST


class Overfitting(Check):
    """The validation loss rises, or has gained nothing for most of the run, while the training loss goes on falling.

    ## Why it matters
    From the turn on the model memorises the training data; on new data it gets worse with every epoch.

    ## How it is detected
    The last level of the validation loss is above its best by `rise` and by `share` of what it had gained, beyond its
    noise (`z`; less of a rise with more certainty), the best is not among the last, and training did not rise since.
    Of a component, an error in another unit, or where training stood still, more is asked. Or since some
    evaluation validation gained a fifth at most, and training fell far more than four times as much: the excess times
    the share of the run since then is `vain` or more.

    ## What to do
    Use the checkpoint of the best validation loss, stop early, add dropout and data, train fewer epochs.

    ## Blind spots
    For speech the validation loss may rise while the voice still gets better: listen to the best and to the last
    checkpoint. The total of a GAN has no such meaning. Losses that saturate (Tacotron 2) stay flat while it improves.
    """

    code = "FIT002"
    needs = (Role.VAL_LOSS,)
    min_points = FEWEST
    part_of = ("learning-rate-too-high", "divergence", "oscillation", "impossible-loss", "non-finite-loss")

    rise: float = 0.05
    """Rise of validation in ln: 5 %. Source: the quietest rival informs from there; real runs."""
    share: float = 0.06
    """Of what validation had gained. Source: real runs."""
    z: float = 2.5
    """Standard errors. Source: one in 160 for normal noise; without it half of the noisy validations alarm."""
    vain: float = 0.3
    """Fall of training in ln beyond four times the gain of validation, times the share of the run since. Source: nearly
    half of the run in which training halved and validation gained nothing; real runs."""

    def skip_reason(self, facts: Facts) -> str | None:
        return None if signals(facts).part_gaps else super().skip_reason(facts)

    def check(self, facts: Facts) -> Findings:
        measured = signals(facts)
        whole = [] if measured.val is None or measured.gap is None else [(measured.val, measured.gap, self)]
        sterner = self.tuned({"rise": 4 * self.rise, "z": 2 * self.z, "vain": 2 * self.vain})
        least = 2 * measured.val.loss(measured.val.end) if measured.val else inf  # less can be a part of the whole
        parts = [(val, gap, sterner) for val, gap in measured.part_gaps]
        if improves(measured):
            parts = [one for one in parts if one[0].loss(one[0].end) >= least and sterner._turned(one[1])]
        for val, gap, bar in (*whole, *parts):
            alone = measured.train is not None and gap.train_fall <= self.rise  # training did not fall for it
            if (sterner if alone else bar)._turned(gap) and gap.train_fall >= -self.rise:
                clear = bar is self and gap.rise_z > 2 * self.z and len(gap) >= 2 * FEWEST
                yield self._overfits(facts, val, gap, confidence(measured, measured.train or val, clear=clear))
                return
            # For long only training improved, and by much, and did not end above validation.
            if len(gap) >= 2 * FEWEST and gap.apart >= 0 and gap.vain >= bar.vain:
                yield self._past_best(facts, val, gap)
                return

    def _turned(self, gap: Gap) -> bool:
        """Whether validation has turned up: far, or little but beyond any doubt."""
        high = gap.rise * gap.rise_z >= self.rise * self.z and gap.rise_z >= self.z
        return high and gap.rise_share >= self.share and gap.since >= gap.tail

    def _past_best(self, facts: Facts, val: Trend, gap: Gap) -> Finding:
        since, place = len(gap) - 1 - gap.vain_from, val.curve.place(val.curve.steps[gap.vain_from])
        most = float(val.level[gap.vain_from] - val.level[gap.vain_from :].min())  # as logged
        gained = "little" if val.signed else f"at most {1 - exp(-most):.0%}"
        left = WORTH * (gap.smooth[gap.vain_from] - gap.smooth.min())
        fell = 1 - exp(-left - gap.vain * (len(gap) - 1) / since)
        return self.report(
            val.curve,
            f"{_name(val)} has gained {gained} since {place} ({since} evaluations), while the training loss fell by "
            f"about {fell:.0%}: the rest is memorised.",
            Evidence("fell_in_vain", gap.vain, self.vain, "", f"training fell by about {fell:.0%}"),
            first=gap.vain_from,
            prescriptions=remedies.regularise(facts, int(val.curve.steps[gap.best])),
            advice=f"Compare the checkpoints from {place} on (speech: by ear) and keep the best.",
        )

    def _overfits(self, facts: Facts, val: Trend, gap: Gap, confidence: Confidence) -> Finding:
        step, train, fell = int(val.curve.steps[gap.best]), signals(facts).train, gap.train_fall > self.rise
        fallen = f"by another {1 - exp(-gap.train_fall):.0%}" if train is None or not train.signed else "further"
        best, share = val.curve.place(step), min(gap.rise_share, 1)
        up = "higher" if val.signed else f"{above(gap.last - val.level[gap.best])} that"
        late = "at the end (" if gap.tail == 1 else f"in the last {gap.tail} evaluations (near "
        meanwhile = "" if train is None else f", while the training loss {f'fell {fallen}' if fell else 'hardly moved'}"
        unknown = gap.best == 0 and facts.run.beginning is not None  # what came before may be better
        never = len(gap) >= MANY and gap.gain <= 2 * gap.noise  # no number of epochs was right
        return self.report(
            val.curve,
            f"{_name(val, gap.best)} was best{' of what is logged' * unknown} at {best} "
            f"({val.curve.values[gap.best]:.4g}) and is {up} {late}{val.loss(gap.last):.4g}){meanwhile}.",
            Evidence("rise", gap.rise, self.rise, "", f"ends {up.replace('that', 'its best')}"),
            *beyond_noise(gap.rise_z, len(gap), self.z),
            Evidence("share_of_gain", gap.rise_share, self.share, "", f"{share:.0%} of what it had gained"),
            *([Evidence("train_fall", gap.train_fall, None, "", f"training fell {fallen}")][:fell]),
            first=gap.best,
            severity=Severity.ERROR if gap.rise > 2 * self.rise and confidence is Confidence.HIGH else Severity.WARNING,
            confidence=confidence,
            prescriptions=remedies.regularise(facts, None if unknown or never else step),
            advice="Validation never gained beyond its noise: see that both sets are alike; then more data, less model."
            if never
            else f"Use the checkpoint nearest to {best}; compare it with the last one (speech: by ear).",
        )


def _name(val: Trend, best: int | None = None) -> str:
    smoothed = best is not None and bool(val.level.min() < val.level[best])  # single evaluations were lower
    return f"The {'smoothed ' * smoothed}validation loss" if val.curve.role is Role.VAL_LOSS else val.curve.tag
