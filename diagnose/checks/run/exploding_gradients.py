import numpy as np

from diagnose import remedies
from diagnose.checks.base import Check, Evidence, Facts, Findings, Role, Severity
from diagnose.checks.run._loss import MANY
from diagnose.remedies.evidence import clipped, nothing_clips, struck_at
from diagnose.signals import Trend


class ExplodingGradients(Check):
    """The gradient norm leaves its own usual range by a large factor.

    ## Why it matters
    One huge gradient throws the weights out of the valley in which they were: the loss jumps or turns NaN.

    ## How it is detected
    The norm is `ratio` times above its running median at `times` points or more, or its trend has grown to `ratio`
    times its usual level at the end. Single outliers are a warning where nothing clipped them. One is enough where the
    loss stayed up after it.

    ## What to do
    Clip at the 90th percentile of the logged norm. If it grows steadily, lower the learning rate too.

    ## Blind spots
    A norm that is logged after clipping can never exceed the threshold. Where the loss goes on falling, clipping has
    done its work: it is for information then.
    """

    code = "GRD001"
    needs = (Role.GRAD_NORM,)
    min_points = MANY
    explained_by = ("non-finite-loss", "learning-rate-too-high", "divergence", "oscillation")
    part_of = ("loss-spike",)

    ratio: float = 10.0
    """Times the running median. Source: the quietest rival's gate."""
    times: int = 3
    """Source: as above: single outliers are what clipping is for."""

    def check(self, facts: Facts) -> Findings:
        norms = self.curve(facts, Role.GRAD_NORM).finite
        course, usual = Trend.of(norms), float(np.median(norms.values))
        if course is None or course.signed:
            return
        high, grown = norms.where(course.residuals > np.log(self.ratio)), False
        struck = len(high) > 0 and struck_at(facts) is not None
        if len(high) < self.times and not struck:
            grown = course.loss(course.end) >= self.ratio * usual
            high = norms.where(grown & (norms.values > self.ratio * usual))
        factor = float(high.values.max(initial=0.0)) / usual
        if factor < self.ratio:
            return
        what = f"has grown to {course.loss(course.end):.3g}, {factor:.3g} times its median"
        if not grown:
            what = f"reaches {factor:.0f} times its median, at {len(high)} point{'s' * (len(high) > 1)}"
            what += "; the loss stayed up after it" if struck else ""
        harmful = not clipped(facts, high.steps) if grown else struck or nothing_clips(facts, high.steps)
        yield self.report(
            high,
            f"The gradient norm {what}.",
            Evidence("median", usual),
            Evidence("factor", factor, self.ratio, "", f"{factor:.3g} times its median"),
            Evidence("points", len(high), self.times),
            severity=Severity.WARNING if harmful else Severity.INFO,
            prescriptions=(remedies.clip if grown else remedies.clip_outliers)(facts, int(high.steps[0])),
        )
