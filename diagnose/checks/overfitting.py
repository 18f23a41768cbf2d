"""FIT002: validation rises while training falls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.checks._base import Check
from diagnose.checks._regularise import stop_and_regularise
from diagnose.checks._validation import Parting, parting
from diagnose.finding import Confidence, Finding, Severity
from diagnose.run import Role, Run


@dataclass(frozen=True)
class Overfitting(Check):
    """The validation loss rises while the training loss goes on falling.

    ## Why it matters
    From the turn on the model learns the training clips by heart; new text gets worse with every epoch.

    ## How it is detected
    The mean of the last validation losses stands above the best by `rise` and by more than `z` standard errors of the noise of
    the validation curve, the best lies `since` evaluations back, and the training loss fell by `fall` since then.

    ## What to do
    Use the checkpoint of the best validation loss, stop early, add dropout and data, train fewer epochs.

    ## Blind spots
    For speech the validation loss may rise while the voice still gets better: listen to the best and the last
    checkpoint. GAN losses have no such meaning at all.
    """

    code = "FIT002"
    name = "overfitting"
    needs = (Role.VAL_LOSS, Role.TRAIN_LOSS)
    min_points = 4
    part_of = ("divergence",)

    rise: float = 0.03
    """Last over best, less one. Source: 5 % informs and 15 % warns in the quietest rival; measured on tests/curves.py."""
    z: float = 3.0
    """Standard errors. Source: our choice: one false alarm in 700 for normal noise."""
    since: int = 2
    """Evaluations after the best. Source: 3 are the patience of Lightning's EarlyStopping."""
    fall: float = 0.03
    """Fall of the training loss since then, as a share of its level there. Source: the quietest rival's gate."""

    def check(self, run: Run) -> Iterator[Finding]:
        """Compare the end of the validation curve with its best, and what training did meanwhile."""
        seen = parting(self.curve(run, Role.TRAIN_LOSS), self.curve(run, Role.VAL_LOSS))
        if seen is None or not self._parted(seen):
            return
        yield self.finding(
            Severity.ERROR if seen.rise > 0.2 else Severity.WARNING,
            Confidence.HIGH if seen.z > 2 * self.z and seen.since >= 4 else Confidence.MEDIUM,
            Role.VAL_LOSS.value,
            f"The validation loss was best at step {seen.best_step:,} ({seen.best:.4g}) and is {seen.rise:.0%} higher at the end, "
            f"while the training loss fell by another {seen.train_fall:.0%}.",
            steps=(seen.best_step, seen.last_step),
            evidence={"rise": seen.rise, "rise_threshold": self.rise, "z": seen.z, "train_fall": seen.train_fall},
            prescriptions=stop_and_regularise(
                run, f"validation was best at step {seen.best_step:,} and rose by {seen.rise:.0%} since"
            ),
            advice=f"Use the checkpoint nearest to step {seen.best_step:,}; listen to it and to the last one.",
        )

    def _parted(self, seen: Parting) -> bool:
        return seen.rise > self.rise and seen.z > self.z and seen.since >= self.since and seen.train_fall > self.fall
