"""GRD001: the gradient norm leaves its own range."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose.checks.base import Check
from diagnose.checks.run._cures import tighter_clipping
from diagnose.facts import Facts
from diagnose.finding import Confidence, Finding, Severity
from diagnose.run import Curve, Role, Run


@dataclass(frozen=True)
class ExplodingGradients(Check):
    """The gradient norm leaves its own usual range by a large factor.

    ## Why it matters
    One huge gradient throws the weights out of the valley in which they were: the loss jumps at the next step, or
    turns NaN.

    ## How it is detected
    After the first `warmup` of the run a norm stands `ratio` times above its running median, at least `times` times;
    or the norm has grown to `ratio` times its usual level at the end; or it is not finite at the end.

    ## What to do
    Clip at the 90th percentile of the logged norm. If it grows steadily, lower the learning rate too.

    ## Blind spots
    A norm that is logged after clipping can never exceed the threshold.
    """

    code = "GRD001"
    name = "exploding-gradients"
    needs = (Role.GRAD_NORM,)
    min_points = 20
    explained_by = ("non-finite-loss", "learning-rate-too-high")
    part_of = ("loss-spike",)

    ratio: float = 10.0
    """Times the running median. Source: the quietest rival's gate."""
    times: int = 3
    """Source: as above: single outliers are what clipping is for."""
    warmup: float = 0.05
    """Share of the run that is left out: norms are large at the start. Source: as above."""

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for norms far above their course, and for a course that has left its level."""
        run = facts.run
        curve = self.curve(facts, Role.GRAD_NORM)
        judged = curve.where(np.arange(len(curve)) >= self.warmup * len(curve))
        finite = judged.finite
        if not len(finite) or not finite.trend.logarithmic:
            return
        usual = float(np.median(finite.values))
        outliers = np.flatnonzero(finite.trend.residuals > np.log(self.ratio))
        if not np.isfinite(judged.values[-1]):
            yield self._told(run, judged.where(~np.isfinite(judged.values)), "is not finite at the end", usual)
        elif len(outliers) >= self.times:
            many = f"reaches {finite.values[outliers].max() / usual:.0f} times its median, at {len(outliers)} points"
            yield self._told(run, finite.where(finite.trend.residuals > np.log(self.ratio)), many, usual)
        elif finite.trend.end > self.ratio * usual:
            grown = f"has grown to {finite.trend.end:.3g}, {finite.trend.end / usual:.0f} times its median"
            yield self._told(run, finite.where(finite.values > self.ratio * usual), grown, usual)

    def _told(self, run: Run, high: Curve, what: str, usual: float) -> Finding:
        return self.finding(
            Severity.WARNING,
            Confidence.MEDIUM,
            Role.GRAD_NORM.value,
            f"The gradient norm {what}.",
            steps=(high.steps[0], high.steps[-1]),
            evidence={"median": usual, "points": len(high), "ratio_threshold": self.ratio},
            prescriptions=tighter_clipping(run, f"the gradient norm {what}"),
        )
