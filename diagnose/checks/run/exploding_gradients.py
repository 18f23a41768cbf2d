"""GRD001: the gradient norm leaves its own range."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose import remedies
from diagnose.checks.base import Check
from diagnose.checks.run._loss import change
from diagnose.facts import Facts
from diagnose.finding import Confidence, Evidence, Finding, Severity
from diagnose.remedies.evidence import nothing_clips
from diagnose.run import Curve, Role
from diagnose.signals import Trend, signals


@dataclass(frozen=True)
class ExplodingGradients(Check):
    """The gradient norm leaves its own usual range by a large factor.

    ## Why it matters
    One huge gradient throws the weights out of the valley in which they were: the loss jumps at the next step, or
    turns NaN.

    ## How it is detected
    The norm is `ratio` times above its running median at `times` points or more (in the first twentieth of the run:
    where it jumped there), or its trend has grown to `ratio` times its usual level at the end. Single outliers are a
    warning where nothing clipped them, or where the loss was higher afterwards, by `setback` in the middle of them.
    One is enough where nothing clipped it and the loss was higher by `thrown` afterwards.

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
    """Rise of the loss to the median of the next points, in ln. Source: outlier batches in the bundled trainer cost 3
    to 6 %, clipped ones nothing."""
    thrown: float = 0.1
    """Such a rise after which a single outlier is enough. Source: outlier batches in the bundled trainer, 3 seeds."""

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for norms far above their course, and for a course that has left its level."""
        norms = self.curve(facts, Role.GRAD_NORM).finite
        course = Trend.of(norms)
        if course is None or course.signed:
            return
        usual = course.loss(float(np.median(course.level)))
        high = self._outliers(course)
        rises = self._rises_after(facts, high)
        unclipped = len(high) > 0 and nothing_clips(facts, high.steps)
        thrown = unclipped and max(rises, default=0.0) >= self.thrown
        grown, harmful = len(high) < self.times and not thrown, False
        if not grown:
            factor = float(high.values.max()) / usual
            rise = max(rises) if thrown else float(np.median(rises)) if len(rises) >= self.times else 0.0
            harmful = rise >= self.setback or unclipped
            what = f"reaches {factor:.0f} times its median, at {len(high)} point{'s' * (len(high) > 1)}"
            what += f"; the loss is {change(rise)} higher after it" if rise >= self.setback else ""
        else:
            factor = course.loss(course.end) / usual
            high = course.curve.where(
                (course.curve.values > self.ratio * usual) & (np.arange(len(norms)) >= len(norms) // 20)
            )
            what = f"has grown to {course.loss(course.end):.3g}, {factor:.0f} times its median"
        if factor < self.ratio or not len(high):
            return
        yield self.finding(
            Severity.WARNING if grown or harmful else Severity.INFO,
            Confidence.MEDIUM,
            Role.GRAD_NORM.value,
            f"The gradient norm {what}.",
            steps=(high.steps[0], high.steps[-1]),
            evidence=(
                Evidence("median", usual),
                Evidence("factor", factor, self.ratio, "", f"{factor:.0f} times its median"),
                Evidence("points", len(high), self.times),
            ),
            prescriptions=remedies.clip(facts, int(high.steps[0]))
            if grown
            else remedies.clip_outliers(facts, int(high.steps[0])),
        )

    def thrown_at(self, facts: Facts) -> int | None:
        """The step of the last outlier that nothing clipped and that threw the loss up; None where there is none."""
        norms = facts.curve(Role.GRAD_NORM)
        course = None if norms is None else Trend.of(norms.finite)
        high = None if course is None or course.signed else self._outliers(course)
        if high is None or not len(high) or not nothing_clips(facts, high.steps):
            return None
        rises = self._rises_after(facts, high)
        steps = [int(step) for step, rise in zip(high.steps, rises, strict=False) if rise >= self.thrown]
        return steps[-1] if steps else None

    def _outliers(self, course: Trend) -> Curve:
        """The points far above the course; at the start, where norms fall from far above, only those that jump up."""
        values, places = course.curve.values, np.arange(len(course))
        jumps = np.append(False, values[1:] > self.ratio * values[:-1])
        return course.curve.where((course.residuals > np.log(self.ratio)) & ((places >= len(course) // 20) | jumps))

    def _rises_after(self, facts: Facts, high: Curve) -> list[float]:
        """By how much the loss rose after each outlier, in ln: that of its own point is from before it acted.

        In the order of the outliers; without those after which too little is logged.
        """
        course = signals(facts).train
        if course is None or course.signed or course.curve.axis is not high.axis:
            return []
        places = np.searchsorted(course.curve.steps, high.steps)
        spans = [course.level[place : place + 1 + 2 * self.times] for place in places]
        return [float(np.median(span[1:]) - span[0]) for span in spans if len(span) > self.times]
