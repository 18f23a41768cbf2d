"""FIT003: the loss falls steadily, but far too slowly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.checks.base import Check
from diagnose.checks.run._evaluations import levels_off
from diagnose.checks.run._learning import STRAIGHT, just_begun, learning, reached, slow
from diagnose.facts import Facts
from diagnose.finding import Confidence, Finding, Severity
from diagnose.run import Role


@dataclass(frozen=True)
class SlowLearning(Check):
    """The loss still falls steadily at the end and has come a short way only: the steps are too small or too few.

    ## Why it matters
    The run ends long before the model has learned what it could.

    ## How it is detected
    The fall is steady (many standard errors) and nearly a straight line along the learning rate spent: a third of it
    or more comes in the second half (a healthy loss does half of its fall in the first tenth). The loss still stands
    at three quarters of its start; a little lower if the line is nearly perfect and the rate is known to stay up. A
    run that has only begun, by the steps that the config plans or by its schedule, is left alone, and so is one whose
    evaluations level off while no rate is logged: it may have been taken away.

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
    part_of = ("divergence", "oscillation", "overfitting", "memorisation", "dead-schedule")

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for a short, straight fall."""
        run = facts.run
        curve = self.curve(facts, Role.TRAIN_LOSS).finite
        seen = learning(run, curve)
        if not slow(seen) or reached(run, seen.end) or just_begun(run, curve) or levels_off(run):
            return
        yield self.finding(
            Severity.WARNING,
            Confidence.MEDIUM,
            Role.TRAIN_LOSS.value,
            f"The loss went from {seen.start:.4g} to {seen.end:.4g} in a nearly straight line and is still falling: "
            "the steps are too small or too few.",
            steps=(curve.steps[0], curve.steps[-1]),
            evidence={"fall": seen.fall, "second_half": seen.second_half, "straight": STRAIGHT},
            advice="Raise the learning rate if it is low for the optimiser, else train longer.",
        )
