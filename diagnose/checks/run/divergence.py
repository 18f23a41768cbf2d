"""STB002: the loss gave back what it had gained, and stays up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from diagnose import remedies
from diagnose.checks.base import Check
from diagnose.checks.run._onset import onset
from diagnose.checks.run._say import at, beyond_noise, change, contested, improves
from diagnose.checks.run.oscillation import Oscillation
from diagnose.facts import Facts
from diagnose.finding import Confidence, Evidence, Finding, Severity
from diagnose.run import Role
from diagnose.signals import Course, signals


@dataclass(frozen=True)
class Divergence(Check):
    """The loss gave back a good part of what it had gained and stays up.

    ## Why it matters
    A run that has diverged rarely comes back by itself: what follows is paid for and thrown away. The best checkpoint
    lies before the turn.

    ## How it is detected
    The level at the end is compared with the best level of the trend before it: the rise, the share of all progress
    that it undoes, and how many standard errors it is. Rise and share make up for each other. A component that ends
    far above its own start counts too, whatever the total does; so does a validation loss that rose while training
    did not fall.

    ## What to do
    Stop, go back to the best checkpoint, lower the learning rate, clip.

    ## Blind spots
    A loss term that is switched on (a discriminator, a stage) lifts the total just so. A late rise by harder data too.
    """

    code = "STB002"
    name = "divergence"
    part_of = ("non-finite-loss",)
    explained_by = ("learning-rate-too-high", "broken-resume")

    effect: float = 0.08
    """Rise in ln times the share of progress lost (at most 1). Source: the guide's story has 0.095; measured on
    real runs, where doubling it costs nothing."""
    rise: float = 0.1
    """Rise of the level in ln at least: 10 %. Source: the drift of healthy losses over harder data."""
    share: float = 0.25
    """Share of the progress lost at least. Source: a quarter, below which experts say noise or spike."""
    z: float = 8.0
    """Standard errors. Source: operators' rule for spikes on log loss; healthy runs reach 4.5."""
    part: float = 1.5
    """What a component ends above its own start, in ln: 4.5 times. Source: KL of a VAE that grew; healthy weights of
    components drift by a factor of two or three."""
    val_rise: float = 0.1
    """Rise of validation that training does not explain, in ln: 10 %. Source: a fine-tune in its warm-up."""

    def skip_reason(self, facts: Facts) -> str | None:
        """No loss with three finite points."""
        return None if signals(facts).main else "no loss is logged"

    def check(self, facts: Facts) -> Iterator[Finding]:
        """The judged loss, else a component, else validation."""
        if contested(signals(facts)):
            return
        found = chain(self.of_training(facts), self._parts(facts), self._validation(facts))
        yield from list(found)[:1]

    def of_training(self, facts: Facts) -> Iterator[Finding]:
        """The judged loss stands far above its best."""
        course = signals(facts).main
        if course is None or len(course) < 4 or not np.isfinite(course.curve.values[-1]) or improves(signals(facts)):
            return
        if Oscillation().bounces(course) and course.end - course.first < self.val_rise:
            return  # one swing of many
        lost = course.lost(course.end, course.best)
        rise = course.up
        if rise < self.rise or lost < self.share or rise * min(lost, 1) < self.effect:
            return
        fell = course.first - course.best > self.z / 4 * course.noise  # else noise fell, and noise climbs back
        if course.up_z < self.z and not (fell and course.climbs and course.up_z > 1):
            return
        yield self._told(facts, course, lost, Severity.ERROR if lost >= 1 / 2 else Severity.WARNING)

    def _told(self, facts: Facts, course: Course, lost: float, severity: Severity) -> Finding:
        curve = course.curve
        best, end = curve.steps[course.best_index], course.loss(course.end)
        told = "higher than where it began" if lost > 1 else f"{lost:.0%} of the progress is lost"
        role = curve.role.value if curve.role else curve.tag
        return self.finding(
            severity,
            Confidence.MEDIUM,
            role,
            f"The loss fell to {course.loss(course.best):.4g} ({at(curve, best)}) and stands at {end:.4g}: {told}.",
            steps=(best, curve.steps[-1]),
            evidence=(
                Evidence("share_lost", lost, self.share, "", f"lost {lost:.0%} of its progress"),
                *beyond_noise(course.up_z, len(course), self.z),
                *onset(facts, int(best)),
            ),
            prescriptions=remedies.calm(facts, int(best)),
            advice=f"Stop, and go back to the checkpoint nearest to {at(curve, best)}.",
        )

    def _parts(self, facts: Facts) -> Iterator[Finding]:
        for tag, course in signals(facts).parts.items():
            if len(course) < 20 or course.signed or course.end - course.start < self.part or course.up_z < 2 * self.z:
                continue
            first = course.curve.steps[course.best_index]
            yield self.finding(
                Severity.WARNING,
                Confidence.MEDIUM,
                tag,
                f"The component {tag} grew from {course.loss(course.start):.4g} to {course.loss(course.end):.4g}.",
                steps=(first, course.curve.steps[-1]),
                evidence=(
                    Evidence(
                        "growth",
                        course.end - course.start,
                        self.part,
                        "",
                        f"{change(course.end - course.start)} its first level",
                    ),
                    *onset(facts, int(first)),
                ),
                prescriptions=remedies.calm(facts, int(first)),
                advice="Lower its weight, or look at what it measures; the total hides it.",
            )

    def _validation(self, facts: Facts) -> Iterator[Finding]:
        measured = signals(facts)
        gap, val = measured.gap, measured.val
        if gap is None or val is None or measured.train is None or gap.train_fall > self.val_rise / 4:
            return
        if gap.rise < self.val_rise or gap.rise_z < 3 or gap.since < 3:
            return
        first = val.curve.steps[gap.best]
        yield self.finding(
            Severity.WARNING,
            Confidence.MEDIUM,
            Role.VAL_LOSS.value,
            f"The validation loss rose from {val.loss(float(gap.smooth[gap.best])):.4g} ({at(val.curve, first)}) to "
            f"{val.loss(val.end):.4g}, and the training loss did not fall for it.",
            steps=(first, val.curve.steps[-1]),
            evidence=(
                Evidence("rise", gap.rise, self.val_rise, "", f"rose by {change(gap.rise)} since its best"),
                *beyond_noise(gap.rise_z, gap.evaluations),
            ),
            prescriptions=remedies.calm(facts, int(first)),
            advice=f"Go back to the checkpoint nearest to {at(val.curve, first)}.",
        )
