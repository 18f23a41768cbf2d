import numpy as np

from diagnose.checks.base import Check, Confidence, Evidence, Facts, Findings, Prescription, Role, Severity
from diagnose.checks.run._loss import MANY
from diagnose.checks.run.learning_rate_too_high import LearningRateTooHigh
from diagnose.finding import Edit, Operation
from diagnose.remedies.evidence import number
from diagnose.signals import settled


class OverClippedGradients(Check):
    """More than half of the updates are clipped: the threshold, not the gradient, sets the size of the steps.

    ## Why it matters
    With plain SGD the learning rate then means something else than intended. With Adam most of it cancels out, but
    outliers and usual gradients weigh the same.

    ## How it is detected
    The logged share of clipped updates, or the share of logged norms above the configured threshold, is above half
    after the first tenth of the run (the limit of the tuning playbook of Google Research). It is a warning where the
    usual norm is `far` times the threshold, else information.

    ## What to do
    Lower the learning rate, or raise the threshold to the 90th percentile of the logged norms.

    ## Blind spots
    A norm that is logged after clipping never exceeds the threshold. With Adam heavy clipping often does no harm.
    """

    code = "GRD003"

    far: float = 10.0
    """Usual norm over threshold. Source: a step that is a tenth of what was computed."""
    fewest: int = MANY
    """Logged values needed. Source: a share of fewer is known to a tenth at best."""

    def skip_reason(self, facts: Facts) -> str | None:
        if self._clipped(facts) is None:
            return "neither the share of clipped updates is logged, nor gradient norms beside a configured threshold"
        return None

    def check(self, facts: Facts) -> Findings:
        share, usual, threshold = self._clipped(facts) or (0.0, 0.0, 0.0)
        if 2 * share <= 1:
            return
        far = 0 < self.far * threshold < usual
        looser = float(f"{usual:.2g}")
        edit = Edit("grad_clip_norm", Operation.SET, looser, f"half of the logged norms are below {looser:g}")
        cure = Prescription("Clip outliers only", "nearly every update is cut to a fraction", (edit,))
        norms = f"; the usual norm is {usual:.3g}, the threshold {threshold:g}" if threshold else ""
        yield self.finding(
            Severity.WARNING if far else Severity.INFO,
            Confidence.MEDIUM,
            Role.GRAD_NORM.value,
            f"{share:.0%} of the logged updates are clipped{norms}.",
            evidence=(
                Evidence("clipped_share", share, 1 / 2, "", f"{share:.0%} of the updates are clipped"),
                Evidence("usual_norm", usual, self.far * threshold or None),
            ),
            prescriptions=(cure,) if far and not any(LearningRateTooHigh().check(facts)) else (),
            advice=self.what_to_do(),
        )

    def _clipped(self, facts: Facts) -> tuple[float, float, float] | None:
        """Share of clipped updates, usual norm and threshold (0 where not known)."""
        logged, norms = facts.curve(Role.CLIPPED_SHARE), facts.curve(Role.GRAD_NORM)
        threshold = number(facts, "grad_clip_norm")
        if logged is not None and len(logged.finite) >= self.fewest:
            return float(np.mean(logged.finite.values)), 0.0, 0.0
        if norms is None or threshold is None or len(norms.finite) < self.fewest:
            return None
        values = settled(norms)
        return float(np.mean(values > threshold)), float(np.median(values)), threshold
