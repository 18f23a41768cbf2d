"""FIT004: a small set learned by heart, seen without any validation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose.checks._base import Check
from diagnose.checks._regularise import stop_and_regularise
from diagnose.checks._stairs import FEWEST_EPOCHS, FEWEST_POINTS, Stairs, stairs
from diagnose.finding import Confidence, Finding, Severity
from diagnose.run import Role, Run


@dataclass(frozen=True)
class Memorisation(Check):
    """The training loss falls in steps, one at each new epoch: the clips are being learned by heart.

    ## Why it matters
    A model that learns what its clips have in common gets better within the epoch, on clips that it has not seen
    yet. One that learns them by heart gets better only when they come round again. It will not speak other
    sentences.

    ## How it is detected
    Only where no validation loss is logged. The loss just before each epoch boundary is compared with that just
    after it. At the boundaries it must fall by `drop` on average, by `z` standard errors, at nearly all of them, and
    most of the fall there and between (`share`), and a good part of the whole fall (`coverage`), must happen there.
    Where the log has no epochs the period is found from the spectrum of the falls; then more is asked
    (`hidden_*`), and the loss must have come down to a quarter of its start.

    ## What to do
    Keep clips out of training and log their loss; train fewer epochs with early stopping; add clips, dropout,
    augmentation.

    ## Blind spots
    A log of epoch means, or of fewer than six points an epoch, shows no steps. A learning-rate schedule that steps
    at each epoch looks the same. Fine-tuned language models show the steps from the second epoch on and may still
    be useful after it.
    """

    code = "FIT004"
    name = "memorisation"
    needs = (Role.TRAIN_LOSS,)
    min_points = FEWEST_EPOCHS * FEWEST_POINTS
    part_of = ("divergence", "impossible-loss")

    z: float = 4.0
    """Standard errors of the mean drop over the boundaries. Source: measured on benchmarks/diagnosis, as are those
    below."""
    falling: float = 0.75
    """Share of the boundaries at which the loss falls."""
    drop: float = 0.05
    """Mean fall at a known boundary. Source: several passes over enough data fall by 1 to 3 %."""
    share: float = 0.55
    """Share of the fall at known boundaries and between them that happens at the boundaries."""
    coverage: float = 0.3
    """Share of the whole fall of the run that happens at known boundaries."""
    hidden_drop: float = 0.1
    """Mean fall at a boundary that was found: the best of many periods is chosen, so more is asked."""
    hidden_z: float = 5.2
    """Standard errors of the noise. Source: the best of some hundred periods of pure noise has 4 to 5."""
    hidden_clearness: float = 2.75
    """Sureness times shares. Source: trained runs without a period reach 2.8, learned ones stand at 3 to 12."""
    hidden_shares: tuple[tuple[float, float], ...] = ((0.8, 0.4), (0.7, 0.5), (0.6, 0.65))
    """Pairs of share and coverage of which one must be reached where the epochs are not logged."""

    def skip_reason(self, run: Run) -> str | None:
        """A validation loss answers the question better."""
        validation = run.curve(Role.VAL_LOSS)
        if validation is not None and len(validation.finite):
            return "a validation loss is logged: overfitting is judged by it"
        return super().skip_reason(run)

    def check(self, run: Run) -> Iterator[Finding]:
        """Look for a fall at each epoch and none between."""
        seen = stairs(run, self.curve(run, Role.TRAIN_LOSS))
        if seen is None or not self._learned_by_heart(seen):
            return
        fall = f"{-np.expm1(-seen.drop):.0%}"
        why = f"the loss falls by {fall} at each new epoch and hardly between"
        yield self.finding(
            Severity.WARNING,
            Confidence.HIGH if seen.known else Confidence.MEDIUM,
            Role.TRAIN_LOSS.value,
            f"At each new epoch (every {seen.points:.0f} points) the loss falls by {fall}; "
            f"{seen.share:.0%} of its fall happens there: the clips are learned by heart.",
            steps=(seen.first_step, seen.last_step),
            evidence={"epochs": seen.epochs, "drop": seen.drop, "z": seen.drop_z, "share": seen.share},
            prescriptions=stop_and_regularise(run, why),
            advice="Keep 25 clips or more out of training, log their loss, and stop when it turns up.",
        )

    def _learned_by_heart(self, seen: Stairs) -> bool:
        if seen.drop_z < self.z or seen.falling < self.falling:
            return False
        if seen.known:
            return seen.drop >= self.drop and seen.share >= self.share and seen.coverage >= self.coverage
        shares = any(seen.share >= share and seen.coverage >= coverage for share, coverage in self.hidden_shares)
        sure = seen.drop >= self.hidden_drop and seen.noise_z >= self.hidden_z
        return sure and shares and seen.clearness >= self.hidden_clearness
