"""OPT002: the learning rate is too low to learn in the time given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.checks.base import Check
from diagnose.checks.run._cures import peak_rate, raise_rate
from diagnose.checks.run._evaluations import levels_off
from diagnose.checks.run._learning import Learning, just_begun, learning, reached, slow
from diagnose.checks.run._rate import TINY
from diagnose.facts import Facts
from diagnose.finding import Confidence, Finding, Severity
from diagnose.run import Role


@dataclass(frozen=True)
class LearningRateTooLow(Check):
    """The steps are too small: the loss creeps down in a straight line although the learning rate has not decayed.

    ## Why it matters
    The same model would be there in a tenth of the time, or would get further in the time that is paid for.

    ## How it is detected
    The loss falls slowly and evenly along the learning rate spent (by the measures of slow-learning); where no rate is
    logged, only if the configured rate is below `low`. Or the highest logged rate is below 4e-7, at which nothing is
    trained, and the loss fell by less than `moved`.

    ## What to do
    Raise the learning rate: four times at once, ten times if it is below 1e-6. Watch the first hundreds of steps.

    ## Blind spots
    Frozen layers, a wrong loss scale or a warm-up that outlasts the run show the same course.
    """

    code = "OPT002"
    name = "learning-rate-too-low"
    needs = (Role.TRAIN_LOSS,)
    min_points = 12
    part_of = ("divergence", "oscillation", "overfitting", "memorisation", "dead-schedule")

    low: float = 1e-5
    """Rate below which Adam learns a new voice slowly. Source: MOSS-TTS-Nano#57 (5e-6 flat, 1e-5 to 5e-5 advised);
    pocket-tts#254 (2e-5 slower throughout than 2e-4)."""
    moved: float = 0.42
    """Fall of the loss that even such a rate can be content with. Source: as for slow learning."""

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Name the rate where the loss creeps along the rate spent, or where it hardly moves at a tiny rate."""
        run = facts.run
        curve = self.curve(facts, Role.TRAIN_LOSS).finite
        seen, rate = learning(run, curve), peak_rate(run)
        creeps = slow(seen) and not just_begun(run, curve) and not levels_off(run)
        if rate is None or reached(run, seen.end) or not (creeps or self._idle(seen)):
            return
        if seen.peak_rate is None and rate > self.low:
            return
        yield self.finding(
            Severity.WARNING,
            Confidence.MEDIUM,
            Role.TRAIN_LOSS.value,
            f"At a learning rate of {rate:g} the loss creeps from {seen.start:.4g} to {seen.end:.4g}"
            + (" in a straight line: the steps are too small." if slow(seen) else ": the steps are too small."),
            steps=(curve.steps[0], curve.steps[-1]),
            evidence={"learning_rate": rate, "fall": seen.fall, "second_half": seen.second_half},
            prescriptions=raise_rate(run, f"the loss fell by {max(seen.fall, 0):.0%} only"),
        )

    def _idle(self, seen: Learning) -> bool:
        """Whether a rate that trains nothing was logged, and the loss hardly moved."""
        return seen.peak_rate is not None and 0 < seen.peak_rate < TINY and abs(seen.fall) < self.moved
