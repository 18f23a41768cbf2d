"""FIT003: the loss falls steadily, but far too slowly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose import remedies
from diagnose.checks.base import Check
from diagnose.checks.run._say import change, silent, tail_only
from diagnose.facts import Facts
from diagnose.finding import Confidence, Evidence, Finding, Severity
from diagnose.remedies.evidence import number
from diagnose.run import Axis, Role
from diagnose.signals import signals


@dataclass(frozen=True)
class SlowLearning(Check):
    """The loss still falls steadily at the end and has come a short way only: the steps are too small or too few.

    ## Why it matters
    The run ends long before the model has learned what it could.

    ## How it is detected
    The fall is certain (`z`), small (`little`), and nearly a straight line along the learning rate spent: the second
    half brings `line` of it or more; a healthy loss does half of its fall in the first tenth. A run that has only
    begun, by its plan, is left alone, and so is one whose log begins in the middle.

    ## What to do
    Raise the learning rate if it is low for the optimiser, else train longer.

    ## Blind spots
    The first hours of a very long run whose length is not known look the same. A long warm-up too.
    """

    code = "FIT003"
    name = "slow-learning"
    needs = (Role.TRAIN_LOSS,)
    min_points = 12
    explained_by = ("learning-rate-too-low",)
    part_of = ("divergence", "oscillation", "overfitting", "memorisation", "dead-schedule", "plateau", "past-best")

    line: float = 0.4
    """Share of the fall in the second half. Source: 0.5 for a line; a logarithm that bends after a third of the run,
    the straightest healthy course, has 0.37 (arXiv 2503.12811)."""
    little: float = 0.25
    """Fall in ln: 22 %. Source: a healthy run wins that in its first hundredth."""
    z: float = 8.0
    """Standard errors of the fall. Source: operators' rule, as for spikes."""
    begun: float = 0.2
    """Share of the planned run up to which it has only begun. Source: nobody should stop a run for its first fifth."""

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for a short, straight fall."""
        measured = signals(facts)
        course = measured.train
        if course is None or not self.creeps(facts):
            return
        yield self.finding(
            Severity.WARNING,
            Confidence.MEDIUM,
            Role.TRAIN_LOSS.value,
            f"The loss went from {course.loss(course.start):.4g} to {course.loss(course.end):.4g} in a nearly straight "
            "line and is still falling: the steps are too small or too few.",
            steps=(course.curve.steps[0], course.curve.steps[-1]),
            evidence=(
                Evidence("fall", course.net, self.little, "", f"fell by {change(course.net)} in all"),
                Evidence("second_half", measured.straightness, self.line),
            ),
            prescriptions=remedies.speed_up(facts) if facts.run.peak_logged_rate else (),
            advice="Raise the learning rate if it is low for the optimiser, else train longer.",
        )

    def creeps(self, facts: Facts) -> bool:
        """Whether the loss falls beyond doubt, in a straight line, and has come a short way only."""
        measured, course = signals(facts), signals(facts).train
        if (
            course is None
            or course.signed
            or silent(measured)
            or not 0 < course.net < self.little
            or course.fell_z < self.z
        ):
            return False
        planned = number(facts, "max_epochs" if course.curve.axis is Axis.EPOCH else "max_steps")
        begun = planned is not None and course.curve.steps[-1] < self.begun * planned
        straight = self.line <= measured.straightness <= 1 - self.line / 2 and 2 * course.late_share >= self.line
        burst = course.first - course.start > course.net * self.begun + 2 * course.noise
        rate = measured.rate
        begun |= rate is not None and 1 - self.begun / 2 < rate.share(float(course.curve.steps[-1])) < 1
        return straight and course.late_order < -self.begun and not burst and not begun and not tail_only(measured)
