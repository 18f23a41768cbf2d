"""STB003: the loss bounces with little or no net progress."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose import remedies
from diagnose.checks.base import Check
from diagnose.checks.run._onset import onset
from diagnose.checks.run._say import at, change, contested, improves, silent
from diagnose.facts import Facts
from diagnose.finding import Confidence, Evidence, Finding, Severity
from diagnose.signals import Course, signals


@dataclass(frozen=True)
class Oscillation(Check):
    """The loss bounces up and down with little or no net progress.

    ## Why it matters
    Each step overshoots: the run burns time without getting closer, and may diverge at any moment.

    ## How it is detected
    The means of 40 and of 160 parts of the run turn back again and again, by half of what they span; they span a
    good part of the level, more than noise without memory does; and there is no strong trend. Judged is the run while
    the logged rate is above half of its peak. Where validation stands at its best the swings are only the batches.

    ## What to do
    Halve the learning rate, average each update over more clips, clip the gradients.

    ## Blind spots
    Batches of very different length or difficulty bounce in a healthy run too; then the validation loss is smooth.
    """

    code = "STB003"
    name = "oscillation"
    explained_by = ("learning-rate-too-high",)
    part_of = ("non-finite-loss",)

    turns: int = 5
    """By half of the spread or more: three peaks. Source: two may be one event and its echo."""
    spread: float = 0.25
    """What the middle four fifths of the medians span in ln: 28 %. Source: real runs; loud noise stays below."""
    against_noise: float = 3.5
    """The same in standard errors of a part; white noise spans 2.6. Source: a third more."""
    trend: float = 0.5
    """Kendall's tau from which a run falls, whatever it bounces. Source: half of all pairs in order."""

    def skip_reason(self, facts: Facts) -> str | None:
        """No loss, or too few points to bounce."""
        return silent(signals(facts))

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare the swings with the noise and with the progress."""
        course = signals(facts).at_high_rate
        if course is None or course.signed or contested(signals(facts)):
            return
        if self.bounces(course) and not improves(signals(facts)):
            yield self._told(facts, course)

    def bounces(self, course: Course) -> bool:
        """Whether it turns again and again, beyond noise and trend."""
        if course.order <= -self.trend:
            return False
        least = [(self.spread, self.against_noise * one.error) for one in course.unrest]
        found = zip(course.unrest, least, strict=True)
        return any(one.spread >= max(bars) and one.turns >= self.turns for one, bars in found)

    def _told(self, facts: Facts, course: Course) -> Finding:
        curve, unrest = course.curve, max(course.unrest, key=lambda one: one.spread)
        return self.finding(
            Severity.WARNING,
            Confidence.MEDIUM,
            curve.role.value if curve.role else curve.tag,
            f"The loss swings between {course.loss(unrest.low):.4g} and "
            f"{course.loss(unrest.high):.4g}, again and again, with little net progress.",
            steps=(curve.steps[0], curve.steps[-1]),
            evidence=(
                Evidence("spread", unrest.spread, self.spread, "", f"swings by {change(unrest.spread)}"),
                Evidence("turns", unrest.turns, self.turns),
                Evidence("order", course.order, -self.trend),
                *onset(facts, int(curve.steps[course.best_index])),
            ),
            prescriptions=remedies.calm(facts, int(curve.steps[course.best_index])),
            advice=f"Lower the learning rate or average over more clips; the lowest level was at "
            f"{at(curve, curve.steps[course.best_index])}.",
        )
