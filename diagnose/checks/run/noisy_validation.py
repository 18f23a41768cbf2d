"""DAT004: validation is too noisy for the differences that it is asked to show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.checks.base import Check, Evidence, Facts, Finding, Role, Severity
from diagnose.signals.gap import FEWEST
from diagnose.signals.robust import point_noise


@dataclass(frozen=True)
class NoisyValidation(Check):
    """The validation loss jumps from one evaluation to the next by a good part of all that it has gained.

    ## Why it matters
    The best checkpoint is then chosen by chance, and early stopping stops by chance.

    ## How it is detected
    The noise between evaluations (second differences) is above `jitter` of the fall from the first evaluation to
    the best.

    ## What to do
    Evaluate on more clips, always the same; compare means of several evaluations.

    ## Blind spots
    A validation loss that really swings with the learning rate looks the same.
    """

    code = "DAT004"
    name = "noisy-validation"
    needs = (Role.VAL_LOSS,)
    min_points = 2 * FEWEST

    jitter: float = 0.15
    """Noise over gain. Source: a rival's rule that states its false-positive modes; information only."""

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare the noise between evaluations with what was gained."""
        curve = self.curve(facts, Role.VAL_LOSS).finite
        noise, gain = point_noise(curve.values), float(curve.values[0] - curve.values.min())
        if noise > self.jitter * gain:
            yield self.report(
                curve,
                f"Evaluations scatter by {noise:.3g}, and the validation loss gained {gain:.3g} in all: "
                "one evaluation says little.",
                Evidence("noise", noise, self.jitter * gain, "", f"evaluations scatter by {noise:.3g}"),
                Evidence("gain", gain, None, "", f"{gain:.3g} gained in all"),
                severity=Severity.INFO,
            )
