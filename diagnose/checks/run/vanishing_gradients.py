import numpy as np

from diagnose.checks.base import Check, Evidence, Facts, Findings, Role
from diagnose.checks.run._loss import MANY
from diagnose.signals import last_level, signals


class VanishingGradients(Check):
    """The gradient norm has collapsed although the loss is still near its start.

    ## Why it matters
    Without gradients nothing moves: dead activations, saturated outputs or a detached part of the network.

    ## How it is detected
    The last level of the gradient norm is below `collapse` of the median of its first half, while the loss is still
    above half of its start. A norm that is zero throughout counts too.

    ## What to do
    Look for dead activations, frozen layers and a loss on detached tensors before tuning anything.

    ## Blind spots
    A norm that is logged after a loss scaler, or for one layer only, says little.
    """

    code = "GRD002"
    needs = (Role.GRAD_NORM, Role.TRAIN_LOSS)
    min_points = MANY
    explained_by = ("dead-schedule",)

    collapse: float = 1e-3
    """Last norm over first. Source: AutoTrainer's ratio for vanishing gradients."""

    def check(self, facts: Facts) -> Findings:
        norms, trend = self.curve(facts, Role.GRAD_NORM).finite, signals(facts).train
        if trend is None or trend.signed or 2 * trend.loss(trend.end) < trend.loss(trend.start):
            return
        half = len(norms) // 2
        usual, last = float(np.median(norms.values[:half])), last_level(norms.values)
        if last <= self.collapse * usual and (usual or trend.half - trend.end < 2 * trend.noise):  # none falls by 0
            fell = f"fell from {usual:.3g} to {last:.3g}" if usual else "is 0"
            yield self.report(
                norms,
                f"The gradient norm {fell} while the loss is still {trend.loss(trend.end):.4g}.",
                Evidence("usual", usual),
                Evidence("last", last, self.collapse * usual),
                first=half,
            )
