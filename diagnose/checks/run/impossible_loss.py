import re

import numpy as np

from diagnose.checks.base import Check, Confidence, Evidence, Facts, Findings, Role, Severity
from diagnose.checks.run._loss import MANY, moving_target
from diagnose.run import FloatArray
from diagnose.signals import ODD_ONE_OUT, first_level, last_level, signals

BOUNDED = re.compile(r"(?i)(^|[^a-z])(ce|cross_?entropy|l1|mae|mse|l2|mel|bce|ctc|huber)([^a-z]|$)")
"""Names of losses that cannot be negative. A bare `loss` may be a flow's likelihood, which can."""


class ImpossibleLoss(Check):
    """The loss has values that no working training can show: constant, exactly zero, or negative without bound.

    ## Why it matters
    The run optimises something else than the voice: a dummy output, a detached graph, a wrong sign. It can go on for
    1000 epochs and look better every hour.

    ## How it is detected
    The training loss never changes after its first point; or it stays at hundreds of millions; or it is negative
    although its name says cross-entropy, L1 or MSE; or it falls below zero by more than `plunge` times the level at
    which it began, in its second half still half as much as before (a likelihood or a ratio in decibels slows down).

    ## What to do
    Check what the loss is computed from before tuning anything: model output, target, sign, frozen weights.

    ## Blind spots
    A likelihood in raw units may be negative and large: then the confidence is medium.
    """

    code = "NUM002"
    needs = (Role.TRAIN_LOSS,)
    min_points = ODD_ONE_OUT

    plunge: float = 10.0
    """Times the initial magnitude that a loss may go below zero. Source: our choice: likelihoods in public logs
    stay near -1 (coqui-ai/TTS#755); the dummy output of the story's earlier run went to -2344."""
    absurd: float = 1e8
    """Level beyond which a loss that does not fall is none. Source: a stale cache of targets
    (chatterbox-finetuning#16); sums over clips and frames reach 1e6."""
    points: int = MANY
    """Equal values in a row that make a constant. Source: our choice: float losses never repeat by chance."""

    def check(self, facts: Facts) -> Findings:
        curve = self.curve(facts, Role.TRAIN_LOSS).finite
        values, lowest = curve.values, float(curve.values.min())
        level, named = float(np.median(values)), BOUNDED.search(curve.tag) is not None
        if len(values) >= self.points and np.ptp(values[1:]) == 0:  # the first may be of before the fault
            same, sure = int((values == level).sum()), True
            message = f"The loss is exactly {level:g} at {same:,} of {len(curve):,} points: nothing is learned from it."
            evidence = [Evidence("level", level), Evidence("points", len(curve))]
        elif level > self.absurd and 2 * last_level(values) > first_level(values):
            message = f"The loss is near {level:.3g}: no loss that a network learns from is so large."
            evidence, sure = [Evidence("level", level, self.absurd)], False
        elif (named and lowest < 0) or (moving_target(signals(facts)) is None and self.plunges(values)):
            sure, how = named, "which a loss of its name cannot" if named else "without bound"
            message = f"The loss falls to {lowest:.4g}, {how}."
            evidence = [Evidence("lowest", lowest), Evidence("start", float(values[0]))]
        else:
            return
        confidence = Confidence.HIGH if sure else Confidence.MEDIUM
        yield self.report(curve, message, *evidence, severity=Severity.ERROR, confidence=confidence)

    def plunges(self, values: FloatArray) -> bool:
        """Whether a loss falls below zero, and does not slow down."""
        first, level, lowest = first_level(values), float(np.median(values)), float(values.min())
        return -lowest > self.plunge * abs(first) and 2 * (level - lowest) > first - level
