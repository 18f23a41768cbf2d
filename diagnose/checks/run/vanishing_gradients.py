"""GRD002: the gradient norm collapses while the loss is still high."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose.checks.base import Check
from diagnose.facts import Facts
from diagnose.finding import Confidence, Evidence, Finding, Severity
from diagnose.run import Role
from diagnose.signals import signals


@dataclass(frozen=True)
class VanishingGradients(Check):
    """The gradient norm has collapsed although the loss is still near its start.

    ## Why it matters
    Without gradients nothing moves: dead activations, saturated outputs or a detached part of the network.

    ## How it is detected
    The median of the last tenth of the gradient norm is below `collapse` of the median of its first half, while the
    loss still stands above half of its start. A norm that is zero throughout counts too.

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

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare the end of the norm with its beginning, and the loss with its start."""
        norms, course = self.curve(facts, Role.GRAD_NORM).finite, signals(facts).train
        if course is None or course.signed or course.loss(course.end) < course.loss(course.start) / 2:
            return
        usual = float(np.median(norms.values[: len(norms) // 2]))
        last = float(np.median(norms.values[-max(1, len(norms) // 10) :]))
        if last > self.collapse * usual:
            return
        yield self.finding(
            Severity.WARNING,
            Confidence.MEDIUM,
            Role.GRAD_NORM.value,
            f"The gradient norm fell from {usual:.3g} to {last:.3g} while the loss still stands at "
            f"{course.loss(course.end):.4g}.",
            steps=(norms.steps[len(norms) // 2], norms.steps[-1]),
            evidence=(Evidence("usual", usual), Evidence("last", last, self.collapse * usual)),
            advice="Look for dead activations, frozen layers and a loss on detached tensors before tuning anything.",
        )
