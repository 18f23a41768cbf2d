"""FIT002: validation rises while training falls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.checks.base import Check
from diagnose.checks.run._regularise import stop_and_regularise
from diagnose.checks.run._validation import FEWEST, Parting, parting
from diagnose.checks.run._wording import at
from diagnose.facts import Facts
from diagnose.finding import Confidence, Finding, Severity
from diagnose.run import Role


@dataclass(frozen=True)
class Overfitting(Check):
    """The validation loss rises while the training loss goes on falling.

    ## Why it matters
    From the turn on the model learns the training clips by heart; new text gets worse with every epoch.

    ## How it is detected
    Levels are medians of a fifth of the evaluations. The last level of the validation loss must stand above the
    best by `rise`, at least `since` evaluations later, while training fell by `fall` of its level. The rise must exceed
    the noise of the evaluations by `z` standard errors, or by fewer, down to `z_much`, the nearer to `much` training
    fell meanwhile.
    A rise of `z_plain` standard errors that took a fifth of the evaluations is told from `rise_plain` on, and needs a
    training loss that fell meanwhile by `share` of all that it fell: neither depends on what both losses end at.

    ## What to do
    Use the checkpoint of the best validation loss, stop early, add dropout and data, train fewer epochs.

    ## Blind spots
    For speech the validation loss may rise while the voice still gets better: listen to the best and to the last
    checkpoint. The total of a GAN has no such meaning at all.
    """

    code = "FIT002"
    name = "overfitting"
    needs = (Role.VAL_LOSS, Role.TRAIN_LOSS)
    min_points = FEWEST
    part_of = ("divergence", "oscillation", "impossible-loss")

    rise: float = 0.03
    """Last level over best, less one. Source: 5 % informs and 15 % warns in the quietest rival; measured on the
    corpus of real runs, where 4.8 % over 300,000 steps was called overfitting."""
    since: int = 2
    """Evaluations after the best. Source: 3 are the patience of Lightning's EarlyStopping."""
    fall: float = 0.03
    """Fall of the training loss since then. Source: the quietest rival's gate."""
    z: float = 3.0
    """Standard errors where training hardly fell. Source: one false alarm in 700 for normal noise."""
    much: float = 0.4
    """Fall of the training loss that must show in validation too if the model learned more than its clips. Source: real
    runs with few and noisy evaluations; our choice."""
    z_much: float = 1.0
    """Standard errors where it fell by so much; between the two in proportion. Source: as above."""
    z_plain: float = 6.0
    """Standard errors of a rise that nobody can overlook. Source: measured on the healthy runs of benchmarks/diagnosis,
    where only warm restarts rise so, for a tenth of the evaluations."""
    rise_plain: float = 0.01
    """Last level over best, less one. Source: a language model whose validation rose steadily for a third of the run by
    1.1 % of its level; our choice."""
    lasting: float = 0.2
    """Share of the evaluations after the best. Source: as for `z_plain`."""
    share: float = 0.2
    """Fall of the training loss since then over its whole fall. Source: our choice: a fifth of what was learned."""
    grave: float = 0.2
    """Rise that is an error. Source: our choice."""

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare the end of the validation curve with its best, and what training did meanwhile."""
        run = facts.run
        val = self.curve(facts, Role.VAL_LOSS)
        seen = parting(self.curve(facts, Role.TRAIN_LOSS), val)
        if seen is None or not self._parted(seen):
            return
        best = at(val, seen.best_step)
        why = f"validation was best at {best} and rose by {seen.rise:.0%} since"
        yield self.finding(
            Severity.ERROR if seen.rise > self.grave and seen.z > self.z else Severity.WARNING,
            Confidence.HIGH if seen.z > 2 * self.z and seen.since >= 4 else Confidence.MEDIUM,
            Role.VAL_LOSS.value,
            f"The validation loss was best at {best} ({seen.best:.4g}) and is {seen.rise:.0%} higher "
            f"at the end, while the training loss fell by another {seen.train_fall:.0%}.",
            steps=(seen.best_step, seen.last_step),
            evidence={"rise": seen.rise, "rise_threshold": self.rise, "z": seen.z, "train_fall": seen.train_fall},
            prescriptions=stop_and_regularise(run, why),
            advice=f"Use the checkpoint nearest to {best}; listen to it and to the last one.",
        )

    def _parted(self, seen: Parting) -> bool:
        if seen.since < self.since or seen.train_fall <= 0:
            return False
        fell = seen.train_fall > self.fall
        if seen.z > self.z_plain and seen.since >= self.lasting * seen.evaluations:
            return seen.rise > self.rise_plain and (fell or seen.train_share > self.share)
        ease = min(seen.train_fall / self.much, 1.0)
        return fell and seen.rise > self.rise and seen.z > self.z + (self.z_much - self.z) * ease
