"""NUM002: a loss that its definition forbids."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose.checks.base import Check
from diagnose.facts import Facts
from diagnose.finding import Confidence, Finding, Severity
from diagnose.run import Curve, Role

BOUNDED = re.compile(r"(?i)(^|[^a-z])(ce|cross_?entropy|l1|mae|mse|l2|mel|bce|ctc|huber)([^a-z]|$)")
"""Names of losses that cannot be negative. A bare `loss` may be a flow's likelihood, which can."""


@dataclass(frozen=True)
class ImpossibleLoss(Check):
    """The loss has values that no working training can show: constant, exactly zero, or negative without bound.

    ## Why it matters
    The run optimises something else than the voice: a dummy output, a detached graph, a wrong sign. It can go on for
    1000 epochs and look better every hour.

    ## How it is detected
    The training loss never changes at all; or it is exactly zero throughout; or it stands at
    hundreds of millions; or it is negative although its
    name says cross-entropy, L1 or MSE; or it falls below zero by more than `plunge` times the level at which it began
    (a likelihood may be negative, but does not fall without bound).

    ## What to do
    Do not tune anything yet. Check that the loss is computed from the model's output and the target, that the graph
    is not detached, that parameters are not frozen, and that the sign is right.

    ## Blind spots
    A likelihood in raw units may be negative and large: then the finding has low confidence.
    """

    code = "NUM002"
    name = "impossible-loss"
    needs = (Role.TRAIN_LOSS,)
    min_points = 3

    plunge: float = 10.0
    """Times the initial magnitude that a loss may go below zero. Source: our choice: likelihoods in public logs
    stay near -1 (coqui-ai/TTS#755); the dummy output of the story's earlier run went to -2344."""
    absurd: float = 1e8
    """Level beyond which a loss that does not fall is none. Source: a stale cache of targets
    (chatterbox-finetuning#16); sums over clips and frames reach 1e6."""
    points: int = 10
    """Equal values in a row that make a constant. Source: our choice: float losses never repeat by chance."""

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Report the first of the three faults that the curve shows."""
        curve = self.curve(facts, Role.TRAIN_LOSS).finite
        values = curve.values
        if len(values) >= self.points and np.ptp(values) == 0:
            yield self._constant(curve)
        elif np.median(values) > self.absurd and np.median(values[-3:]) > np.median(values[:3]) / 2:
            yield self._told(
                curve,
                Severity.ERROR,
                Confidence.MEDIUM,
                f"The loss stands at {np.median(values):.3g}: no loss that a network learns from is so large.",
                {"level": float(np.median(values)), "absurd": self.absurd},
            )
        elif values.min() < 0:
            yield from self._negative(curve)

    def _constant(self, curve: Curve) -> Finding:
        level = float(curve.values[0])
        return self._told(
            curve,
            Severity.ERROR,
            Confidence.HIGH,
            f"The loss is exactly {level:g} at all {len(curve):,} points: nothing is being learned from it.",
            {"level": level, "points": len(curve)},
        )

    def _negative(self, curve: Curve) -> Iterator[Finding]:
        lowest, start = float(curve.values.min()), abs(float(curve.values[0]))
        named = BOUNDED.search(curve.tag) is not None
        if not named and -lowest <= self.plunge * start:
            return
        yield self._told(
            curve,
            Severity.ERROR,
            Confidence.HIGH if named else Confidence.MEDIUM,
            f"The loss falls to {lowest:.4g}" + (", which a loss of its name cannot." if named else ", without bound."),
            {"lowest": lowest, "start": float(curve.values[0]), "plunge": self.plunge},
        )

    def _told(
        self, curve: Curve, severity: Severity, confidence: Confidence, message: str, evidence: dict[str, float]
    ) -> Finding:
        return self.finding(
            severity,
            confidence,
            Role.TRAIN_LOSS.value,
            message,
            steps=(curve.steps[0], curve.steps[-1]),
            evidence=evidence,
            advice=(
                "Check what the loss is computed from before tuning anything: model output, target, sign, frozen "
                "weights."
            ),
        )
