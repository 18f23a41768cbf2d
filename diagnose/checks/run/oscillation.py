"""STB003: the loss bounces with little or no net progress."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.checks.base import Check
from diagnose.checks.run._batches import steadier_batches
from diagnose.checks.run._cures import tighter_clipping
from diagnose.checks.run._instability import climb, oscillating
from diagnose.checks.run._kinds import of_one_kind
from diagnose.checks.run._swings import contested
from diagnose.facts import Facts
from diagnose.finding import Confidence, Finding, Number, Severity
from diagnose.run import Role, Run


@dataclass(frozen=True)
class Oscillation(Check):
    """The loss bounces up and down with little or no net progress.

    ## Why it matters
    Each step overshoots: the run burns time without getting closer, and may diverge at any moment.

    ## How it is detected
    Judged is the stretch after the first tenth of the run while the logged learning rate is above half of its peak.
    The course must turn at least five times, by a third of its level in the middle, and neighbouring points must swing
    together (the noise of single batches does not); or the points must spread over more than 1.2 times the level. In a
    long log a bounce lasts a few points only: there the differences of neighbours are compared with those of points up
    to sixteen apart. Scatter of 22 % counts if neighbours share a part of it beyond chance, of 28 % if it dies down
    with the logged rate or is large against all that the run gained.
    Meanwhile the troughs hardly come down, and the loss stands above a quarter of its first value. A loss that the
    first updates throw up, or that climbs high above its best for long, counts too. Where validation comes down to
    the end, the swings are only the batches; where they come by the clock while the level falls, the order of the
    clips.

    ## What to do
    Halve the learning rate, average each update over more clips, clip the gradients.

    ## Blind spots
    Batches of very different length or difficulty bounce in a healthy run too; then the validation loss is smooth.
    Wide noise without memory is told from hard batches only by its size. A loss that can be negative is not judged,
    nor what a generator loses to its discriminator.
    """

    code = "STB003"
    name = "oscillation"
    needs = (Role.TRAIN_LOSS,)
    min_points = 16
    explained_by = ("learning-rate-too-high",)
    part_of = ("divergence", "loss-spike", "non-finite-loss")

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare the swings with the progress; else look for a throw or a climb that never healed."""
        run = facts.run
        curve = of_one_kind(self.curve(facts, Role.TRAIN_LOSS))
        swing = oscillating(run, curve)
        if swing is not None:
            yield self._told(
                run,
                f"{swing.told[0].upper()}{swing.told[1:]}.",
                (swing.first_step, swing.last_step),
                swing.evidence,
            )
            return
        seen = None if contested(run, curve) else climb(run, curve)
        if seen is not None and not seen.healed:
            told = f"{seen.told[0].upper()}{seen.told[1:]}."
            yield self._told(run, told, (seen.first_step, seen.last_step), seen.evidence)

    def _told(self, run: Run, message: str, steps: tuple[int, int], evidence: dict[str, Number]) -> Finding:
        batches = steadier_batches(run)
        cures = (*tighter_clipping(run, "the loss is unstable"), *(() if batches is None else (batches,)))
        return self.finding(
            Severity.WARNING,
            Confidence.MEDIUM,
            Role.TRAIN_LOSS.value,
            message,
            steps=steps,
            evidence=evidence,
            prescriptions=cures,
        )
