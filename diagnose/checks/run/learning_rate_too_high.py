"""OPT001: the learning rate is the cause of the instability."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose import remedies
from diagnose.checks.base import Check
from diagnose.checks.run._onset import onset
from diagnose.checks.run._say import at, tail_only
from diagnose.checks.run.divergence import Divergence
from diagnose.checks.run.oscillation import Oscillation
from diagnose.facts import Facts
from diagnose.finding import Confidence, Evidence, Finding, Severity
from diagnose.remedies.evidence import high_still, peak_rate
from diagnose.remedies.rate import HIGH
from diagnose.run import Role
from diagnose.signals import Course, Rate, signals


@dataclass(frozen=True)
class LearningRateTooHigh(Check):
    """The steps are too large: the loss turns up again, or bounces, because of the learning rate.

    ## Why it matters
    It is the commonest cause of a bad loss curve and the cheapest to cure.

    ## How it is detected
    The training loss diverges or oscillates (by the measures of those two checks); or it was thrown back while the
    rate still rose and has not come back; or it never got going at a high rate, after a shock. A logged rate had not
    yet decayed to a tenth of its peak when that began, nor is it tiny.

    ## What to do
    Go back to the best checkpoint and continue at a quarter of the learning rate.

    ## Blind spots
    Bad data, a stage switch or a wrong resume diverge too. Where a new language is added to a pretrained model a lower
    rate learns too slowly: lower it only if the loss really rises.
    """

    code = "OPT001"
    name = "learning-rate-too-high"
    needs = (Role.TRAIN_LOSS,)
    min_points = 4
    explained_by = ("broken-resume",)
    part_of = ("non-finite-loss",)

    decayed: float = 0.1
    """Share of its peak below which a rate is not to blame any more. Source: lr/10 cured every diverging run of the
    bundled trainer."""
    tiny: float = 1e-6
    """Rate at or below which it is not to blame. Source: as for a rate that is too low."""
    thrown: float = 0.1
    """Height of a throw in ln: 10 %. Source: as for a divergence."""
    share: float = 0.25
    """Of the progress that is still lost. Source: as for a divergence."""
    points: int = 8
    """After the best before it. Source: collapsed runs of the bundled trainer, which are sure after ten."""
    fewest: int = 20
    """Points of a run that never got going. Source: a healthy run of as many has fallen."""
    still: float = 0.05
    """Fall of the second half, in ln, that is none. Source: collapsed runs of the bundled trainer creep by 0.03."""
    shock: float = 5.0
    """Highest gradient norm of the first half over the usual one later. Source: 10 to 50 in collapsed runs of the
    bundled trainer, below 2 in its healthy ones."""

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Name the rate as the cause where the loss is unstable and nothing speaks for another cause."""
        effects = [
            *Divergence().check(facts),
            *Oscillation().check(facts),
            *self.thrown_back(facts),
            *self._never_began(facts),
        ]
        rate = peak_rate(facts)
        if not effects or (rate is not None and rate <= self.tiny):
            return
        effect, logged = effects[0], signals(facts).rate
        step = effect.first_step or 0
        if logged is not None and logged.past_peak(step) and logged.share(step) < self.decayed:
            return
        known = "looks" if rate is None else f"of {rate:g} is"
        yield self.finding(
            effect.severity,
            Confidence.MEDIUM,
            Role.TRAIN_LOSS.value,
            f"The learning rate {known} too high: {effect.message[0].lower()}{effect.message[1:]}",
            steps=(step, effect.last_step or step),
            evidence=(*effect.evidence, *([] if rate is None else [Evidence("learning_rate", rate)])),
            prescriptions=effect.prescriptions or remedies.calm(facts, step),
        )

    def thrown_back(self, facts: Facts) -> Iterator[Finding]:
        """The loss was thrown back while the rate still rose, and has not come back since."""
        measured = signals(facts)
        course, rate, throw = measured.main, measured.rate, measured.throw
        if course is None or rate is None or throw is None or course.signed or throw.regained or not throw.slows:
            return
        best, top = course.curve.steps[throw.best], course.curve.steps[throw.top]
        since = len(course) - 1 - throw.best
        high = throw.height >= max(self.thrown, 4 * course.noise)
        if rate.past_peak(float(best)) or not high or since < max(self.points, throw.best // 2):
            return
        lowest = float(course.level[throw.best])
        lost = course.lost(lowest + throw.left, lowest)
        if lost < self.share:
            return
        yield self.finding(
            Severity.ERROR if lost >= 1 / 2 else Severity.WARNING,
            Confidence.MEDIUM,
            Role.TRAIN_LOSS.value,
            f"The loss was thrown from {course.loss(lowest):.4g} ({at(course.curve, best)}) to "
            f"{course.loss(lowest + throw.height):.4g} ({at(course.curve, top)}) while the rate still rose, and is at "
            f"{course.loss(lowest + throw.left):.4g} now.",
            steps=(best, course.curve.steps[-1]),
            evidence=(
                Evidence("share_lost", lost, self.share, "", f"lost {lost:.0%} of its progress"),
                *onset(facts, int(best)),
            ),
            prescriptions=remedies.calm(facts, int(best)),
        )

    def _never_began(self, facts: Facts) -> Iterator[Finding]:
        """The loss is high and does not move at a high rate, after a shock of loss or gradients."""
        measured = signals(facts)
        course, rate = measured.train, measured.rate
        if course is None or rate is None or course.signed or len(course) < self.fewest or tail_only(measured):
            return
        last = float(course.curve.steps[-1])
        at_rate = rate.peak >= HIGH and rate.share(last) >= 1 / 2
        if not at_rate or not high_still(facts) or course.at(1 / 2) - course.end >= self.still:
            return
        if not self._shocked(facts, course) and not self._fell_below_the_peak(course, rate):
            return
        yield self.finding(
            Severity.WARNING,
            Confidence.MEDIUM,
            Role.TRAIN_LOSS.value,
            f"The loss began at {course.loss(course.first):.4g}, was thrown about, and does not leave "
            f"{course.loss(course.end):.4g}.",
            steps=(course.curve.steps[0], course.curve.steps[-1]),
            evidence=(Evidence("second_half", course.at(1 / 2) - course.end, self.still),),
            prescriptions=remedies.trial_lower_rate(facts),
        )

    def _fell_below_the_peak(self, course: Course, rate: Rate) -> bool:
        """Whether the loss fell only while the rate was still on its way up."""
        peak = int(np.searchsorted(course.curve.steps, rate.curve.steps[int(np.argmax(rate.curve.values))]))
        since = len(course) - peak
        return peak > 0 and since >= self.fewest and float(course.trend[peak]) - course.end < 2 * self.still

    def _shocked(self, facts: Facts, course: Course) -> bool:
        """Whether the loss rose above its beginning, or the norms far above what they are now."""
        if float(course.level[: len(course) // 2].max()) - float(course.level[0]) >= self.thrown:
            return True
        norms = facts.curve(Role.GRAD_NORM)
        if norms is None or len(norms.finite) < self.fewest:
            return False
        early, late = np.array_split(norms.finite.values, 2)
        return float(early.max()) >= self.shock * float(np.median(late)) > 0
