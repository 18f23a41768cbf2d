"""GRD001: the gradient norm leaves its own range."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose import remedies
from diagnose.checks.base import Check
from diagnose.facts import Facts
from diagnose.finding import Confidence, Evidence, Finding, Severity
from diagnose.run import Role
from diagnose.signals import Trend


@dataclass(frozen=True)
class ExplodingGradients(Check):
    """The gradient norm leaves its own usual range by a large factor.

    ## Why it matters
    One huge gradient throws the weights out of the valley in which they were: the loss jumps at the next step, or
    turns NaN.

    ## How it is detected
    After the first twentieth of the run the norm stands `ratio` times above its running median at `times` points or
    more, or its trend has grown to `ratio` times its usual level at the end.

    ## What to do
    Clip at the 90th percentile of the logged norm. If it grows steadily, lower the learning rate too.

    ## Blind spots
    A norm that is logged after clipping can never exceed the threshold. Where the loss goes on falling, clipping has
    done its work: it is for information then.
    """

    code = "GRD001"
    name = "exploding-gradients"
    needs = (Role.GRAD_NORM,)
    min_points = 20
    explained_by = ("non-finite-loss", "learning-rate-too-high", "divergence", "oscillation")
    part_of = ("loss-spike",)

    ratio: float = 10.0
    """Times the running median. Source: the quietest rival's gate."""
    times: int = 3
    """Source: as above: single outliers are what clipping is for."""

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for norms far above their course, and for a course that has left its level."""
        norms = self.curve(facts, Role.GRAD_NORM).finite
        course = Trend.of(norms.where(np.arange(len(norms)) >= len(norms) // 20))
        if course is None or course.signed:
            return
        usual = course.loss(float(np.median(course.level)))
        high = course.curve.where(course.residuals > np.log(self.ratio))
        if len(high) >= self.times:
            factor, grown = float(high.values.max()) / usual, False
            what = f"reaches {factor:.0f} times its median, at {len(high)} points"
        else:
            factor, grown = course.loss(course.end) / usual, True
            high = course.curve.where(course.curve.values > self.ratio * usual)
            what = f"has grown to {course.loss(course.end):.3g}, {factor:.0f} times its median"
        if factor < self.ratio or not len(high):
            return
        yield self.finding(
            Severity.WARNING if grown else Severity.INFO,
            Confidence.MEDIUM,
            Role.GRAD_NORM.value,
            f"The gradient norm {what}.",
            steps=(high.steps[0], high.steps[-1]),
            evidence=(
                Evidence("median", usual),
                Evidence("factor", factor, self.ratio, "", f"{factor:.0f} times its median"),
                Evidence("points", len(high), self.times),
            ),
            prescriptions=remedies.clip(facts, int(high.steps[0])),
        )
