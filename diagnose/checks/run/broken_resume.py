"""OPT006: a resumed run started its learning rate or optimiser anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose.checks.base import Check
from diagnose.checks.run._say import at, change
from diagnose.facts import Facts
from diagnose.finding import Confidence, Evidence, Finding, Severity
from diagnose.run import Role
from diagnose.signals import signals


@dataclass(frozen=True)
class BrokenResume(Check):
    """The run was resumed without the state of its optimiser or schedule: the rate starts again, and the loss jumps.

    ## Why it matters
    Warm-up and momentum are paid for twice, and the schedule ends elsewhere than planned.

    ## How it is detected
    The logged learning rate falls at once to less than `drop` of what it was and then climbs again, and at the same
    step the loss jumps by `jump` and `z` standard errors. Not where it happens again and again: that is a schedule of
    warm restarts.

    ## What to do
    Resume with optimiser, scheduler and step from the checkpoint, not from the weights alone.

    ## Blind spots
    Where no rate is logged, a jump at a restart looks like a spike.
    """

    code = "OPT006"
    name = "broken-resume"
    needs = (Role.TRAIN_LOSS, Role.LEARNING_RATE)
    min_points = 20
    part_of = ("non-finite-loss",)

    drop: float = 0.5
    """New rate over old. Source: decays by steps go to a tenth, but do not climb again."""
    jump: float = 0.2
    """Rise of the loss in ln: 20 %. Source: the jump of a healthy second stage is smaller or takes longer."""
    z: float = 8.0
    """Noise of a point. Source: operators' rule on log loss."""

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for the one place where rate and loss break together."""
        measured = signals(facts)
        course, rate = measured.train, measured.rate
        if course is None or rate is None or len(rate.curve) < self.min_points:
            return
        values, steps = rate.curve.values, rate.curve.steps
        fell = np.flatnonzero(values[1:] < self.drop * values[:-1]) + 1
        again = [i for i in fell if values[i:].max() > values[i] / self.drop]
        if len(again) != 1:
            return
        step = int(steps[again[0]])
        before, after = course.level[course.curve.steps < step][-5:], course.level[course.curve.steps >= step][:5]
        if len(before) < 3 or len(after) < 3:
            return
        jump = float(np.median(after) - np.median(before))
        if jump < self.jump or jump < self.z * course.noise:
            return
        before_rate = float(values[again[0] - 1])
        yield self.finding(
            Severity.WARNING,
            Confidence.MEDIUM,
            Role.TRAIN_LOSS.value,
            f"At {at(course.curve, step)} the learning rate falls from {before_rate:.3g} to "
            f"{values[again[0]]:.3g} and climbs again, and the loss jumps by {change(jump)}: it was resumed without "
            "the state of its optimiser and schedule.",
            steps=(step, course.curve.steps[-1]),
            evidence=(
                Evidence("jump", jump, self.jump, "", f"the loss jumps by {change(jump)}"),
                Evidence("rate_before", before_rate, None, "", f"the learning rate was {before_rate:.3g} before"),
            ),
            advice="Resume from the checkpoint with optimiser, scheduler and step, not from the weights alone.",
        )
