from math import exp

from diagnose import remedies
from diagnose.checks.base import Check, Evidence, Facts, Findings, Role
from diagnose.checks.run._loss import beyond_noise
from diagnose.signals import EDGE, Trend, signals
from diagnose.signals.epoch_steps import FEWEST, POINTS, EpochSteps, epoch_steps


class Memorisation(Check):
    """The training loss falls in steps at each new epoch: the clips are memorised.

    ## Why it matters
    A model that learns what its clips have in common gets better within the epoch, on clips that it has not seen
    yet. One that memorises them gets better only when they come round again.

    ## How it is detected
    Only where no validation loss is logged. The jump of the loss at the epoch boundaries, beyond the slope within the
    epochs, reaches `drop` on average, stands out by `z` standard errors and makes `coverage` of the fall. Where the log
    has no epochs a period is looked for, and more is asked. Without such steps nobody can tell without validation.

    ## What to do
    Keep 25 clips or more out of training, log their loss, and stop when it turns up.

    ## Blind spots
    A log of epoch means, or of fewer than six points an epoch, shows no steps. Fine-tuned language models show them
    from the second epoch on and may still be useful after it.
    """

    code = "FIT004"
    needs = (Role.TRAIN_LOSS,)
    min_points = FEWEST * POINTS
    part_of = ("divergence", "impossible-loss", "oscillation", "non-finite-loss")

    drop: float = 0.05
    """Mean jump at a boundary in ln: 5 %. Source: several passes over enough data jump by 1 to 3 %."""
    z: float = 4.0
    """Standard errors. Source: one in 30,000 for normal noise."""
    coverage: float = 1 / 2
    """Share of the fall that happens at the boundaries. Source: half of it; more than all of it is won back within
    the epochs, as by clips sorted by length."""

    def skip_reason(self, facts: Facts) -> str | None:
        val = facts.curve(Role.VAL_LOSS)
        if val is not None and len(val.finite) > 2:
            return "a validation loss is logged: overfitting is judged by it"
        return super().skip_reason(facts)

    def check(self, facts: Facts) -> Findings:
        trend = signals(facts).train
        seen = None if trend is None else epoch_steps(facts.run, trend)
        if trend is not None and seen is not None and self._is_clear(seen, trend):
            fallen = 1 - exp(-seen.drop)
            yield self.report(
                trend.curve,
                f"The loss falls by {fallen:.0%} at each new epoch and hardly between, from "
                f"{trend.curve.place(trend.curve.steps[seen.first])} on, and no validation loss is logged: the "
                "training data are memorised.",
                Evidence("drop", seen.drop, self.drop, "", f"{fallen:.0%} at each boundary"),
                *beyond_noise(seen.z, len(trend), self.z),
                Evidence("coverage", seen.coverage, self.coverage, "", f"{seen.coverage:.0%} of the fall at them"),
                first=seen.first,
                prescriptions=remedies.regularise(facts, None),
            )

    def _is_clear(self, seen: EpochSteps, trend: Trend) -> bool:
        covered = self.coverage <= seen.coverage <= 1 + 2 * EDGE
        # A period that was looked for could be chance: its steps must be seen by eye, and the set be nearly used up.
        by_eye = seen.drop >= 2 * max(self.drop, trend.noise) and trend.net > 1
        return seen.drop >= self.drop and seen.z >= self.z and covered and (seen.known or by_eye)
