"""GRD003: more than half of the updates are clipped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose.checks.base import Check
from diagnose.checks.run._cures import number
from diagnose.facts import Facts
from diagnose.finding import Confidence, Edit, Finding, Operation, Prescription, Severity
from diagnose.run import Role, Run


@dataclass(frozen=True)
class OverClippedGradients(Check):
    """More than half of the updates are clipped: the threshold, not the gradient, sets the size of the steps.

    ## Why it matters
    With plain SGD the learning rate then means something else than intended. With Adam most of it cancels out, but
    outliers and usual gradients weigh the same.

    ## How it is detected
    The logged share of clipped updates, or the share of logged norms above the configured threshold, is above `most`
    after the first `warmup` of the run. It is a warning where the usual norm is `far` times the threshold, else
    information.

    ## What to do
    Lower the learning rate, or set the threshold to the 90th percentile of the logged norms.

    ## Blind spots
    A norm that is logged after clipping never exceeds the threshold. With Adam heavy clipping often does no harm.
    """

    code = "GRD003"
    name = "over-clipped-gradients"

    most: float = 0.5
    """Share of the updates. Source: the tuning playbook of Google Research: beyond it clipping is extremely
    aggressive."""
    far: float = 10.0
    """Usual norm over threshold. Source: our choice: a step that is a tenth of what was computed."""
    warmup: float = 0.05
    """Share of the run that is left out. Source: norms are large at the start."""
    fewest: int = 20
    """Logged values needed. Source: our choice."""

    def skip_reason(self, facts: Facts) -> str | None:
        """Neither a share of clipped updates is known nor a norm with its threshold."""
        run = facts.run
        if self._clipped(run) is None:
            return "neither the share of clipped updates is logged, nor gradient norms beside a configured threshold"
        return None

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Count the clipped updates."""
        run = facts.run
        clipped = self._clipped(run)
        if clipped is None or clipped[0] <= self.most:
            return
        share, usual, threshold = clipped
        far = threshold > 0 and usual > self.far * threshold
        yield self.finding(
            Severity.WARNING if far else Severity.INFO,
            Confidence.MEDIUM,
            Role.GRAD_NORM.value,
            f"{share:.0%} of the logged updates are clipped"
            + (f"; the usual norm is {usual:.3g}, the threshold {threshold:g}." if threshold else "."),
            evidence={"clipped_share": share, "most": self.most, "usual_norm": usual, "grad_clip_norm": threshold},
            prescriptions=self._looser(usual) if far else (),
            advice="Lower the learning rate, or raise the threshold to the 90th percentile of the logged norms.",
        )

    def _clipped(self, run: Run) -> tuple[float, float, float] | None:
        """Share of clipped updates, usual norm and threshold (0 where not known)."""
        logged, norms, threshold = (
            run.curve(Role.CLIPPED_SHARE),
            run.curve(Role.GRAD_NORM),
            number(run, "grad_clip_norm"),
        )
        if logged is not None and len(logged.finite) >= self.fewest:
            return float(np.mean(logged.finite.values)), 0.0, 0.0
        if norms is None or threshold is None or len(norms.finite) < self.fewest:
            return None
        values = norms.finite.values[int(self.warmup * len(norms.finite)) :]
        return float(np.mean(values > threshold)), float(np.median(values)), threshold

    def _looser(self, usual: float) -> tuple[Prescription, ...]:
        threshold = float(f"{usual:.2g}")
        edit = Edit("grad_clip_norm", Operation.SET, threshold, f"half of the logged norms are below {threshold:g}")
        return (Prescription("Clip outliers only", "nearly every update is cut to a fraction", (edit,)),)
