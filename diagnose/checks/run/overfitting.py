"""FIT002: validation rises while training falls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp

from diagnose import remedies
from diagnose.checks.base import Check
from diagnose.checks.run._say import at, beyond_noise, change, sure
from diagnose.checks.run.divergence import Divergence
from diagnose.checks.run.learning_rate_too_high import LearningRateTooHigh
from diagnose.facts import Facts
from diagnose.finding import Confidence, Evidence, Finding, Severity
from diagnose.run import Role
from diagnose.signals import Course, Gap, signals


@dataclass(frozen=True)
class Overfitting(Check):
    """The validation loss rises while the training loss goes on falling.

    ## Why it matters
    From the turn on the model memorises the training clips; new text gets worse with every epoch.

    ## How it is detected
    The last level of the validation loss stands above its best by `rise` and by `share` of what it had gained, beyond
    its noise (`z`), the best lies before `latest` of the evaluations, and training did not rise since. Where only
    validation is logged, more is asked.

    ## What to do
    Use the checkpoint of the best validation loss, stop early, add dropout and data, train fewer epochs.

    ## Blind spots
    For speech the validation loss may rise while the voice still gets better: listen to the best and to the last
    checkpoint. The total of a GAN has no such meaning at all.
    """

    code = "FIT002"
    name = "overfitting"
    needs = (Role.VAL_LOSS,)
    min_points = 4
    part_of = ("oscillation", "impossible-loss", "non-finite-loss")

    rise: float = 0.05
    """Rise of validation in ln: 5 %. Source: the quietest rival informs from there; real runs."""
    share: float = 0.06
    """Of what validation had gained. Source: real runs."""
    z: float = 2.5
    """Standard errors. Source: one in 160 for normal noise; without it half of the noisy validations alarm."""
    latest: float = 0.88
    """Share of the evaluations at the best. Source: a rise of the last few evaluations may be their noise."""
    much: float = 0.6
    """Fall of training since, in ln, that counts though it was lost again: 45 %. Source: as for past-best."""
    few: int = 8
    """Evaluations below which training must have fallen since, whatever the rise. Source: outlier batches and throws
    in the bundled trainer raise both losses, for a few evaluations."""
    alone: float = 0.12
    """Rise where no training loss shows what happened. Source: twice as much."""

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare the end of the validation curve with its best, and what training did meanwhile."""
        measured = signals(facts)
        gap, val, train = measured.gap, measured.val, measured.train
        if gap is not None and val is not None and self._turned(gap) and self._learned(facts, gap):
            clear = gap.rise_z > 2 * self.z and gap.evaluations >= 8 and train is not None
            yield self._told(facts, val, gap, sure(measured, train or val, clear=clear))
            return
        parts = [(one, apart) for one, apart in measured.part_gaps if self._turned(apart) and not self._lost(apart)]
        for part, apart in parts:
            if apart.rise >= 4 * self.rise and apart.rise_z >= 2 * self.z and apart.rise_share >= 4 * self.share:
                yield self._told(facts, part, apart, Confidence.MEDIUM)
                return

    def _told(self, facts: Facts, val: Course, gap: Gap, confidence: Confidence) -> Finding:
        step = val.curve.steps[gap.best]
        best = at(val.curve, step)
        whole = val.curve.role is Role.VAL_LOSS
        meanwhile = ""
        if gap.train_fall > 0:
            meanwhile = f", while the training loss fell by another {1 - exp(-gap.train_fall):.0%}"
        return self.finding(
            Severity.ERROR if whole and gap.rise > 4 * self.rise and gap.evaluations >= 8 else Severity.WARNING,
            confidence,
            Role.VAL_LOSS.value if whole else val.curve.tag,
            f"{'The validation loss' if whole else val.curve.tag} was best at {best} "
            f"({val.curve.values[gap.best]:.4g}) "
            f"and is {change(gap.rise)} higher at the end{meanwhile}.",
            steps=(step, val.curve.steps[-1]),
            evidence=(
                Evidence("rise", gap.rise, self.rise, "", f"rose by {change(gap.rise)} since its best"),
                *beyond_noise(gap.rise_z, gap.evaluations, self.z),
                Evidence(
                    "share_of_gain", gap.rise_share, self.share, "", f"{gap.rise_share:.0%} of what it had gained"
                ),
                Evidence(
                    "train_fall",
                    gap.train_fall,
                    None,
                    "",
                    f"training fell by {1 - exp(-max(gap.train_fall, 0)):.0%} since",
                ),
            ),
            prescriptions=remedies.regularise(facts, int(step)),
            advice=f"Use the checkpoint nearest to {best}; listen to it and to the last one.",
        )

    def _learned(self, facts: Facts, gap: Gap) -> bool:
        """Whether training went on learning; where none is logged, whether validation rose far and did not diverge."""
        if signals(facts).train is None:
            return gap.rise >= self.alone and next(Divergence().of_training(facts), None) is None
        thrown = next(LearningRateTooHigh().thrown_back(facts), None) is not None
        return not self._lost(gap) and not thrown

    def _lost(self, gap: Gap) -> bool:
        """Whether training did not learn anything since: what is told then is a divergence."""
        gave_back = gap.train_kept < -self.rise and gap.train_fall < self.much
        clear = gap.rise >= 2 * self.rise or gap.evaluations < self.few
        return gave_back or (gap.train_fall <= self.rise / 2 and clear)

    def _turned(self, gap: Gap) -> bool:
        high = gap.rise >= self.rise and gap.rise_z >= self.z
        slow = 4 * gap.rise >= self.rise and gap.rise_z >= 4 * self.z  # little, but beyond any doubt
        return (high or slow) and gap.rise_share >= self.share and gap.best_at <= self.latest
