"""GRD002: the gradient norm collapses while the loss is still high."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose.checks.base import Check
from diagnose.facts import Facts
from diagnose.finding import Confidence, Finding, Severity
from diagnose.run import Role


@dataclass(frozen=True)
class VanishingGradients(Check):
    """The gradient norm has collapsed although the loss is still near its start.

    ## Why it matters
    Without gradients nothing moves: dead activations, saturated outputs or a detached part of the network.

    ## How it is detected
    The median of the last tenth of the gradient norm is below `collapse` of the median of its first half, while the
    loss still stands above `remains` of its start. A norm that is zero throughout counts too.

    ## What to do
    Look for dead or saturated activations, for a loss that is computed on detached tensors, and for frozen layers.

    ## Blind spots
    A norm that is logged after a loss scaler, or for one layer only, says little.
    """

    code = "GRD002"
    name = "vanishing-gradients"
    needs = (Role.GRAD_NORM, Role.TRAIN_LOSS)
    min_points = 20
    explained_by = ("dead-schedule",)

    collapse: float = 1e-3
    """Last norm over first. Source: AutoTrainer's ratio for vanishing gradients."""
    remains: float = 0.5
    """Loss at the end over loss at the start. Source: our choice: with half of it gone the network has learned."""

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare the end of the norm with its beginning, and the loss with its start."""
        norms, trend = self.curve(facts, Role.GRAD_NORM).finite, self.curve(facts, Role.TRAIN_LOSS).trend
        if not trend.logarithmic or trend.end < self.remains * trend.start:
            return
        usual = float(np.median(norms.values[: len(norms) // 2]))
        last = float(np.median(norms.values[-max(1, len(norms) // 10) :]))
        if last > self.collapse * usual:
            return
        yield self.finding(
            Severity.WARNING,
            Confidence.MEDIUM,
            Role.GRAD_NORM.value,
            f"The gradient norm fell from {usual:.3g} to {last:.3g} while the loss still stands at {trend.end:.4g}.",
            steps=(norms.steps[len(norms) // 2], norms.steps[-1]),
            evidence={"usual": usual, "last": last, "collapse_threshold": self.collapse},
            advice="Look for dead activations, frozen layers and a loss on detached tensors before tuning anything.",
        )
