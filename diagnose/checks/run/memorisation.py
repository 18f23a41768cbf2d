"""FIT004: a small set memorised, seen without any validation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp

from diagnose import remedies
from diagnose.checks.base import Check
from diagnose.checks.run._say import at, beyond_noise
from diagnose.facts import Facts
from diagnose.finding import Confidence, Evidence, Finding, Severity
from diagnose.run import Role
from diagnose.signals import Stairs, signals

ADVICE = "Keep 25 clips or more out of training, log their loss, and stop when it turns up."


@dataclass(frozen=True)
class Memorisation(Check):
    """The training loss falls in steps at each new epoch: the clips are memorised.

    ## Why it matters
    A model that learns what its clips have in common gets better within the epoch, on clips that it has not seen
    yet. One that memorises them gets better only when they come round again.

    ## How it is detected
    Only where no validation loss is logged. The jump of the loss at the epoch boundaries, beyond the slope within the
    epochs, reaches `drop` on average, stands out by `z` standard errors, happens at nearly all boundaries and makes
    `coverage` of the fall. Where the log has no epochs a period is looked for, and more is asked. A loss that came
    down to `left` of its start without such steps is only suspected: without validation nobody can tell.

    ## What to do
    Keep clips out of training and log their loss; train fewer epochs with early stopping; add clips, dropout,
    augmentation.

    ## Blind spots
    A log of epoch means, or of fewer than six points an epoch, shows no steps. Fine-tuned language models show them
    from the second epoch on and may still be useful after it.
    """

    code = "FIT004"
    name = "memorisation"
    needs = (Role.TRAIN_LOSS,)
    min_points = 24
    part_of = ("divergence", "impossible-loss", "oscillation", "non-finite-loss")

    drop: float = 0.05
    """Mean jump at a boundary in ln: 5 %. Source: several passes over enough data jump by 1 to 3 %."""
    z: float = 4.0
    """Standard errors. Source: one in 30,000 for normal noise; a period that is looked for needs more."""
    coverage: float = 0.5
    """Share of the fall that happens at the boundaries. Source: half of it."""
    falling: float = 0.7
    """Share of the boundaries at which the loss jumps down. Source: half of them would by chance."""
    left: float = 0.05
    """Loss that is left of its start, from which on one may suspect. Source: information only."""

    def skip_reason(self, facts: Facts) -> str | None:
        """A validation loss is there to judge by."""
        val = facts.curve(Role.VAL_LOSS)
        if val is not None and len(val.finite) > 2:
            return "a validation loss is logged: overfitting is judged by it"
        return super().skip_reason(facts)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for the steps, else for what is left."""
        measured = signals(facts)
        course, seen = measured.train, measured.stairs
        if course is None or course.signed:
            return
        left = exp(-max(course.net, 0))
        first, last = course.curve.steps[0], course.curve.steps[-1]
        if seen is not None and self._is_clear(seen, course.net):
            first = course.curve.steps[seen.first]
            yield self.finding(
                Severity.WARNING,
                Confidence.MEDIUM,
                Role.TRAIN_LOSS.value,
                f"The loss falls by {1 - exp(-seen.drop):.0%} at each new epoch and hardly between, from "
                f"{at(course.curve, first)} on, and no validation loss is logged: the clips are memorised.",
                steps=(first, last),
                evidence=(
                    Evidence("drop", seen.drop, self.drop, "", f"{1 - exp(-seen.drop):.0%} at each boundary"),
                    *beyond_noise(seen.z, len(course), self.z),
                    Evidence("coverage", seen.coverage, self.coverage, "", f"{seen.coverage:.0%} of the fall at them"),
                    Evidence("boundaries", seen.boundaries, None, "", f"{seen.boundaries} boundaries"),
                ),
                prescriptions=remedies.regularise(facts, None),
                advice=ADVICE,
            )
        elif left < self.left:
            yield self.finding(
                Severity.INFO,
                Confidence.MEDIUM,
                Role.TRAIN_LOSS.value,
                f"The loss came down to {left:.1%} of its start; whether the clips were memorised cannot be "
                "told without a validation loss.",
                steps=(first, last),
                evidence=(Evidence("left", left, self.left, "", f"{left:.1%} of its start is left"),),
                advice=ADVICE,
            )

    def _is_clear(self, seen: Stairs, net: float) -> bool:
        sure = (
            seen.z >= self.z * (1 if seen.known else 1.25)
            and seen.falling >= self.falling
            and self.coverage <= seen.coverage <= 1.2  # above: it climbs within epochs, as clips sorted by length do
        )
        # A period that was looked for could be chance: the set must be nearly used up as well.
        return sure and seen.drop >= self.drop * (1 if seen.known else 2) and (seen.known or net > 1)
