"""GRD001: the gradient norm leaves its own range."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from diagnose import remedies
from diagnose.checks.base import Check, Confidence, Curve, Evidence, Facts, Finding, Role, Severity
from diagnose.checks.run._loss import change
from diagnose.remedies.evidence import clipped, nothing_clips, struck_at, unclipped_outliers
from diagnose.signals import Trend, signals


class ExplodingGradients(Check):
    """The gradient norm leaves its own usual range by a large factor.

    ## Why it matters
    One huge gradient throws the weights out of the valley in which they were: the loss jumps at the next step, or
    turns NaN.

    ## How it is detected
    The norm is `ratio` times above its running median at `times` points or more (in the first twentieth of the run:
    where it jumped there), or its trend has grown to `ratio` times its usual level at the end. Single outliers are a
    warning where nothing clipped them, or where the loss was higher afterwards, by `setback` in the middle of them.
    One is enough where nothing clipped it and the loss stayed up after it.

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
    setback: float = 0.02
    """Median rise of the loss over the next points, in ln. Source: outlier batches in the bundled trainer cost 3 to
    6 %, clipped ones nothing."""

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for norms far above their course, and for a course that has left its level."""
        norms = self.curve(facts, Role.GRAD_NORM).finite
        course = Trend.of(norms)
        if course is None or course.signed:
            return
        usual = course.loss(float(np.median(course.level)))
        late = np.arange(len(norms)) >= len(norms) // 20
        jumps = np.append(False, np.diff(course.level) > np.log(self.ratio))
        high = course.curve.where((course.residuals > np.log(self.ratio)) & (late | jumps))
        struck = len(high) > 0 and struck_at(facts) is not None
        several = len(high) >= self.times or (len(high) > 0 and unclipped_outliers(facts) is not None)
        grown, harmful = not several and not struck, False
        if not grown:
            factor = float(high.values.max()) / usual
            rise = self._rise_after(facts, high)
            harmful = struck or rise >= self.setback or nothing_clips(facts, high.steps)
            what = f"reaches {factor:.0f} times its median, at {len(high)} point{'s' * (len(high) > 1)}"
            what += f"; the loss is {change(rise)} higher after them" if rise >= self.setback else ""
            what += "; the loss stayed up after it" if struck and rise < self.setback else ""
        else:
            factor = course.loss(course.end) / usual
            high = course.curve.where(late & (course.curve.values > self.ratio * usual))
            what = f"has grown to {course.loss(course.end):.3g}, {factor:.3g} times its median"
        if factor < self.ratio or not len(high):
            return
        yield self.finding(
            Severity.WARNING if harmful or (grown and not clipped(facts, high.steps)) else Severity.INFO,
            Confidence.MEDIUM,
            Role.GRAD_NORM.value,
            f"The gradient norm {what}.",
            steps=(high.steps[0], high.steps[-1]),
            evidence=(
                Evidence("median", usual),
                Evidence("factor", factor, self.ratio, "", f"{factor:.3g} times its median"),
                Evidence("points", len(high), self.times),
            ),
            prescriptions=(remedies.clip if grown else remedies.clip_outliers)(facts, int(high.steps[0])),
        )

    def _rise_after(self, facts: Facts, high: Curve) -> float:
        """By how much the loss rose after the outliers, in ln: that of their own points is from before they acted."""
        course = signals(facts).train
        if course is None or course.signed or course.curve.axis is not high.axis:
            return 0.0
        places = np.searchsorted(course.curve.steps, high.steps)
        spans = [course.level[place : place + 1 + self.times] for place in places]
        rises = [float(np.median(span[1:]) - span[0]) for span in spans if len(span) > 2]
        return float(np.median(rises)) if len(rises) >= self.times else 0.0
