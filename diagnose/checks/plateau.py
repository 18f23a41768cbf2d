"""FIT001: the loss stopped improving too early."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose.checks._base import Check
from diagnose.checks._learning import Learning, learning
from diagnose.finding import Confidence, Finding, Severity
from diagnose.run import Role, Run


@dataclass(frozen=True)
class Plateau(Check):
    """The loss stopped improving, while it is neither converged nor at the end of its learning-rate schedule.

    ## Why it matters
    A flat loss at full learning rate buys nothing: the rest of the night is better spent with another setting.

    ## How it is detected
    Over the last `tail` of the run the level falls by less than `gain` of what it fell before and by less than the noise can
    show. It is not reported when the loss has come down to less than `converged` of its start, or when the learning rate had
    decayed below `decayed` of its peak by the middle of that stretch.

    ## What to do
    If the loss never fell: check labels, tokenizer and frozen weights, then raise the learning rate. If it fell
    first: lower the learning rate (a decay, a halving) and see whether it falls again; else the model or the data is at its limit.

    ## Blind spots
    Some losses saturate while the audio still improves for days (Tacotron 2 at 0.2, flow matching at 0.6): listen before stopping.
    """

    code = "FIT001"
    name = "plateau"
    needs = (Role.TRAIN_LOSS,)
    min_points = 12
    part_of = ("divergence", "oscillation", "impossible-loss")

    tail: float = 0.5
    """Share of the run that must be flat. Source: our choice: half of the budget spent for nothing."""
    gain: float = 0.02
    """Share of the total fall. Source: no learning below 2 % is the quietest rival's rule; a power law with exponent 0.5 gains 4.6 %."""
    converged: float = 0.3
    """End over start. Source: measured on tests/curves.py."""
    decayed: float = 0.3
    """Share of the peak learning rate. Source: the gate of a rival that states its false-positive modes."""

    def check(self, run: Run) -> Iterator[Finding]:
        """Look for a flat second half above the converged level."""
        curve = self.curve(run, Role.TRAIN_LOSS).finite
        seen = learning(run, curve, self.tail)
        if not self._flat(seen) or self._excused(seen):
            return
        never = seen.fall < self.gain
        yield self.finding(
            Severity.WARNING,
            Confidence.HIGH if never or seen.rate_kept is not None else Confidence.MEDIUM,
            Role.TRAIN_LOSS.value,
            f"The loss never fell: {seen.start:.4g} at the start, {seen.end:.4g} at the end."
            if never
            else f"The loss has stood at {seen.end:.4g} since step {seen.tail_step:,}, the second half of the run.",
            steps=(curve.steps[0] if never else seen.tail_step, curve.steps[-1]),
            evidence={"tail_gain": seen.tail_gain, "gain_threshold": self.gain, "end_over_start": 1 - seen.fall},
            advice="Check labels, tokenizer and frozen weights; then try a higher learning rate."
            if never
            else "Decay or halve the learning rate; if the loss does not move, the model or the data is at its limit.",
        )

    def _flat(self, seen: Learning) -> bool:
        return seen.tail_gain < self.gain or (seen.tail_z < 2 and seen.tail_gain < 2 * self.gain)

    def _excused(self, seen: Learning) -> bool:
        converged = 1 - seen.fall < self.converged
        return converged or (seen.rate_kept is not None and seen.rate_kept < self.decayed)
