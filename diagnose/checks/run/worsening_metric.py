"""FIT007: an error rate or a score of validation gets worse while the loss falls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.checks.base import Check
from diagnose.checks.run._say import at, change
from diagnose.facts import Facts
from diagnose.finding import Confidence, Evidence, Finding, Severity
from diagnose.run import Role
from diagnose.signals import Course, signals


@dataclass(frozen=True)
class WorseningMetric(Check):
    """An error rate on held-out data goes up while the loss goes on falling.

    ## Why it matters
    The loss is a stand-in: what is wanted is fewer errors. A run whose word error rate rises gets worse.

    ## How it is detected
    The last level of a logged error rate stands above its best by `rise`, by `lost` of what it had gained, and by `z`
    standard errors, at `fewest` evaluations or more.

    ## What to do
    Keep the checkpoint of the best error rate; look at decoding, lengths and learning rate.

    ## Blind spots
    Rates of a few clips scatter.
    """

    code = "FIT007"
    name = "worsening-metric"
    part_of = ("overfitting", "divergence", "non-finite-loss")

    rise: float = 0.15
    """Rise in ln: 16 %. Source: error rates scatter more than losses."""
    lost: float = 0.3
    """Of what was gained. Source: as for spikes: nobody acts on less."""
    z: float = 5.0
    """Standard errors. Source: one in two million for normal noise."""
    fewest: int = 8
    """Evaluations. Source: below, no trend is known."""

    def skip_reason(self, facts: Facts) -> str | None:
        """No error rate is logged."""
        return None if facts.run.played_by(Role.ERROR_RATE) else "no error rate is logged"

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look at each error rate of held-out data."""
        loss = signals(facts).main
        for curve in facts.run.played_by(Role.ERROR_RATE):
            course = Course.of(curve) if curve.held_out else None
            if course is None or course.signed or len(course) < self.fewest or (loss is not None and loss.net < 0):
                continue
            lost = course.lost(course.end, course.best)
            if course.up >= self.rise and lost >= self.lost and course.up_z >= self.z:
                yield self._told(curve.tag, course, lost)
                return

    def _told(self, tag: str, course: Course, lost: float) -> Finding:
        best = int(course.curve.steps[course.best_index])
        return self.finding(
            Severity.WARNING,
            Confidence.MEDIUM,
            tag,
            f"{tag} was best near {at(course.curve, best)} (about {course.loss(course.best):.3g}) and stands at "
            f"{course.loss(course.end):.3g}, while the loss fell.",
            steps=(best, course.curve.steps[-1]),
            evidence=(
                Evidence("rise", course.up, self.rise, "", f"{change(course.up)} above its best"),
                Evidence("share_lost", lost, self.lost, "", f"lost {lost:.0%} of what it had gained"),
            ),
            advice="Keep the checkpoint of the best error rate; look at decoding, lengths and learning rate.",
        )
