"""STB002: the loss gave back what it had gained, and stays up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose.checks.base import Check
from diagnose.checks.run._batches import steadier_batches
from diagnose.checks.run._cures import tighter_clipping
from diagnose.checks.run._setback import LOST, RISE, Setback, diverged
from diagnose.checks.run._validation import parting
from diagnose.checks.run._wording import at
from diagnose.facts import Facts
from diagnose.finding import Confidence, Finding, Prescription, Severity
from diagnose.run import Curve, Role, Run
from diagnose.signals.trend import SHORT


@dataclass(frozen=True)
class Divergence(Check):
    """The loss gave back a good part of what it had gained and stays up.

    ## Why it matters
    A run that has diverged rarely comes back by itself: what follows is paid for and thrown away. The best
    checkpoint lies before the turn.

    ## How it is detected
    The level at the end is compared with the best level before it. The share of the progress that was lost must exceed
    a quarter, the loss must stand above its best by 15 %, and by more than five standard errors of the
    two levels. It is an error from 30 % on.

    ## What to do
    Stop, go back to the best checkpoint, lower the learning rate to a quarter, then clip harder and average over
    more clips.

    ## Blind spots
    A loss term that is switched on (a discriminator, a stage) lifts the total just so. Fewer than 16 points cannot
    be told from noise: only the share and the factor are judged then. Where the last evaluations stand at the best
    validation loss nothing is told, whatever training does.
    """

    code = "STB002"
    name = "divergence"
    needs = (Role.TRAIN_LOSS,)
    min_points = 4
    explained_by = ("learning-rate-too-high",)

    val_rise: float = 0.3
    """Rise of the validation loss that is a divergence though training hides it. Source: our choice: a fine-tuned
    Whisper rose by 83 % as its learning rate warmed up."""
    z: float = 3.0
    """Standard errors of that rise. Source: as for overfitting."""
    since: int = 3
    """Evaluations after the best. Source: the patience of Lightning's EarlyStopping."""

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare the level at the end with the best before it, of training, else of both losses together."""
        run = facts.run
        curve = self.curve(facts, Role.TRAIN_LOSS)
        if not np.isfinite(curve.values[-1]):
            return
        back = diverged(run, curve)
        if back is not None:
            yield self._training(run, curve, back)
        else:
            yield from self._validation(run, curve)

    def _training(self, run: Run, curve: Curve, back: Setback) -> Finding:
        return self.finding(
            Severity.ERROR if back.grave else Severity.WARNING,
            Confidence.MEDIUM if len(curve.finite) < SHORT or back.share < 0.5 else Confidence.HIGH,
            Role.TRAIN_LOSS.value,
            _told(curve, back),
            steps=(back.onset_step, back.last_step),
            evidence={**back.evidence, "share_threshold": LOST, "factor_threshold": RISE},
            prescriptions=self._cures(run, f"the loss rose {back.told}"),
            advice=f"Stop, and go back to the checkpoint nearest to {at(curve, back.best_step)}.",
        )

    def _validation(self, run: Run, train: Curve) -> Iterator[Finding]:
        """Validation jumped up and stayed, and training did not fall for it: what was learned before is lost."""
        val = run.curve(Role.VAL_LOSS)
        seen = None if val is None else parting(train, val)
        if val is None or seen is None or seen.since < self.since or seen.train_fall > 0:
            return
        if seen.rise < self.val_rise or seen.z < self.z:
            return
        yield self.finding(
            Severity.WARNING,
            Confidence.MEDIUM,
            Role.VAL_LOSS.value,
            f"The validation loss rose by {seen.rise:.0%} since {at(val, seen.best_step)}, "
            "and the training loss did not fall for it.",
            steps=(seen.best_step, seen.last_step),
            evidence={"rise": seen.rise, "rise_threshold": self.val_rise, "z": seen.z, "train_fall": seen.train_fall},
            prescriptions=self._cures(run, f"validation rose by {seen.rise:.0%}"),
            advice=f"Go back to the checkpoint nearest to {at(val, seen.best_step)}.",
        )

    def _cures(self, run: Run, why: str) -> tuple[Prescription, ...]:
        batches = steadier_batches(run)
        return (*tighter_clipping(run, why), *(() if batches is None else (batches,)))


def _told(curve: Curve, back: Setback) -> str:
    best = f"{back.best:.4g} ({at(curve, back.best_step)})"
    if back.start <= back.best:
        return f"The loss only rose: it was best at {best} and stands at {back.end:.4g}."
    lost = f"{back.share:.0%} of the progress is lost" if back.share < 2 else "higher than where it began"
    return f"The loss fell to {best} and stands at {back.end:.4g} again: {lost}."
