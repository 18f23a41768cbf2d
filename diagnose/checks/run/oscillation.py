"""STB003: the loss bounces with little or no net progress."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose import remedies
from diagnose.checks.base import Check
from diagnose.checks.run._onset import onset
from diagnose.checks.run._say import at, change, silent
from diagnose.facts import Facts
from diagnose.finding import Confidence, Evidence, Finding, Severity
from diagnose.signals import Course, signals
from diagnose.signals.episodes import episodes


@dataclass(frozen=True)
class Oscillation(Check):
    """The loss bounces up and down with little or no net progress.

    ## Why it matters
    Each step overshoots: the run burns time without getting closer, and may diverge at any moment.

    ## How it is detected
    Forty medians of the run: they turn again and again beyond their error, or leave the best level so far again and
    again; they span a good part of the level, more than noise without memory does; and there is no strong trend.
    Judged is the run while the logged rate is above half of its peak.

    ## What to do
    Halve the learning rate, average each update over more clips, clip the gradients.

    ## Blind spots
    Batches of very different length or difficulty bounce in a healthy run too; then the validation loss is smooth.
    """

    code = "STB003"
    name = "oscillation"
    explained_by = ("learning-rate-too-high",)
    part_of = ("non-finite-loss",)

    times: int = 3
    """Excursions, or pairs of turns. Source: two may be one event and its echo."""
    spread: float = 0.25
    """What the middle four fifths of the medians span in ln: 28 %. Source: real runs; generated loud noise stays below."""
    against_noise: float = 2.0
    """The same over that of white noise. Source: loud healthy runs alarm in a fifth of the cases without it."""
    trend: float = 0.5
    """Kendall's tau from which a run falls, whatever it bounces. Source: half of all pairs in order."""

    def skip_reason(self, facts: Facts) -> str | None:
        """No loss, or too few points to bounce."""
        return silent(signals(facts))

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare the swings with the noise and with the progress."""
        course = signals(facts).at_high_rate
        if course is not None and self.bounces(course):
            yield self._told(facts, course)

    def bounces(self, course: Course) -> bool:
        """Whether it turns again and again, beyond noise and trend."""
        high = [one for one in episodes(course) if min(one.height, one.share) > self.spread / 2]
        times = max(len(high), course.turns / 2)
        noise = 2.5 * course.block_error
        loud = course.spread >= self.against_noise * noise or len(course) <= len(course.blocks)
        return times >= self.times and course.spread >= self.spread and course.order > -self.trend and loud

    def _told(self, facts: Facts, course: Course) -> Finding:
        curve = course.curve
        return self.finding(
            Severity.WARNING,
            Confidence.MEDIUM,
            curve.role.value if curve.role else curve.tag,
            f"The loss swings between {course.loss(float(np.quantile(course.blocks, 0.1))):.4g} and "
            f"{course.loss(float(np.quantile(course.blocks, 0.9))):.4g}, again and again, and makes little net progress.",
            steps=(curve.steps[0], curve.steps[-1]),
            evidence=(
                Evidence("spread", course.spread, self.spread, "", f"swings by {change(course.spread)}"),
                Evidence("turns", course.turns, 2 * self.times),
                Evidence("order", course.order, -self.trend),
                *onset(facts, int(curve.steps[course.best_index])),
            ),
            prescriptions=remedies.calm(facts, int(curve.steps[course.best_index])),
            advice=f"Lower the learning rate or average over more clips; the lowest level was at "
            f"{at(curve, curve.steps[course.best_index])}.",
        )
