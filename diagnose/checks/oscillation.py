"""STB003: the loss bounces with little or no net progress."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.checks._base import Check
from diagnose.checks._batches import steadier_batches
from diagnose.checks._cures import tighter_clipping
from diagnose.checks._stability import Bounces, bounces
from diagnose.finding import Confidence, Finding, Prescription, Severity
from diagnose.run import Role, Run


@dataclass(frozen=True)
class Oscillation(Check):
    """The loss bounces up and down with little or no net progress.

    ## Why it matters
    Each step overshoots: the run burns time without getting closer, and may diverge at any moment.

    ## How it is detected
    After the first quarter of the run, the spread of the single points about their course must exceed `amplitude` times the
    level, or the course itself must turn `turns` times, while the level falls by less than `progress` over
    that part and by less than `total` over the whole run.

    ## What to do
    Halve the learning rate, average each update over more clips, clip the gradients.

    ## Blind spots
    Batches of very different length or difficulty bounce in a healthy run too; then the validation loss is smooth. A loss that can be
    negative is not judged.
    """

    code = "STB003"
    name = "oscillation"
    needs = (Role.TRAIN_LOSS,)
    min_points = 8
    explained_by = ("learning-rate-too-high",)
    part_of = ("divergence",)

    amplitude: float = 0.9
    """Spread (10th to 90th percentile) over level. Source: healthy noise of 20 % gives 0.51; measured on tests/curves.py."""
    turns: int = 5
    """Turns of the course by more than its noise. Source: as above: none in healthy runs."""
    progress: float = 0.15
    """Fall of the level over the judged part. Source: a healthy power law falls by more; our choice."""
    total: float = 0.8
    """Fall over the whole run. Source: our choice: whoever gained more than this does not mind the bounces."""

    def check(self, run: Run) -> Iterator[Finding]:
        """Compare the swings with the progress."""
        swing = bounces(self.curve(run, Role.TRAIN_LOSS))
        if swing is None or not self._bounces(swing):
            return
        yield self.finding(
            Severity.WARNING,
            Confidence.MEDIUM,
            Role.TRAIN_LOSS.value,
            f"The loss swings by {swing.amplitude:.0%} of its level while the level itself fell by {swing.progress:.0%} "
            "in the last three quarters of the run.",
            steps=(swing.first_step, swing.last_step),
            evidence={"amplitude": swing.amplitude, "progress": swing.progress, "turns": swing.turns},
            prescriptions=self._cures(run, swing),
        )

    def _bounces(self, swing: Bounces) -> bool:
        unrest = swing.amplitude >= self.amplitude or swing.turns >= self.turns
        return unrest and swing.progress < self.progress and swing.total < self.total

    def _cures(self, run: Run, swing: Bounces) -> tuple[Prescription, ...]:
        batches = steadier_batches(run)
        why = f"the loss swings by {swing.amplitude:.0%} of its level"
        return (*tighter_clipping(run, why), *(() if batches is None else (batches,)))
