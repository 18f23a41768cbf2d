"""SPD001: steps have become slower."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose.checks.base import Check
from diagnose.facts import Facts
from diagnose.finding import Confidence, Finding, Severity
from diagnose.run import Curve, FloatArray, IntArray, Role, Run
from diagnose.signals.smooth import block_medians


@dataclass(frozen=True)
class StalledRun(Check):
    """The steps take much longer than they did.

    ## Why it matters
    A rented GPU is paid by the hour. Steps slow down when memory leaks, data loading starves, or the card is throttled.

    ## How it is detected
    The time between logged points, for each step, over the last quarter of the run (its median) is above `slower`
    times that of the first half. Single pauses (a restart, an evaluation) do not move a median. It is a warning once
    the slow-down has cost `costly_seconds`, information before: a shared machine is busy for a minute now and then.

    ## What to do
    Watch GPU use, host memory and the data loader; more workers, or a restart from the last checkpoint.

    ## Blind spots
    Longer clips late in an epoch (sorted data) take longer by intention. A process that hangs leaves no line in the
    log. Text logs are dated by lines that begin with a date and a time.
    """

    code = "SPD001"
    name = "stalled-run"

    slower: float = 2.0
    """Times the pace of the first half. Source: operators alarm at 1.25 to 1.4; at twice the time one acts."""
    costly_seconds: float = 600.0
    """Time lost, in seconds, that is worth an alarm. Source: our choice: ten minutes of a rented GPU; a healthy run of
    the bundled trainer of one minute slowed down four times beside other jobs."""
    fewest: int = 40
    """Logged points. Source: our choice: ten in the quarter that is judged."""

    def skip_reason(self, facts: Facts) -> str | None:
        """Neither wall times nor step times are logged."""
        run = facts.run
        return None if self._paces(run) is not None else "neither wall times nor step times are logged"

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare the pace of the last quarter with that of the first half."""
        run = facts.run
        paced = self._paces(run)
        if paced is None:
            return
        steps, paces = paced
        usual, last = float(np.median(paces[: len(paces) // 2])), float(np.median(paces[-len(paces) // 4 :]))
        if usual <= 0 or last < self.slower * usual:
            return
        began = np.flatnonzero(block_medians(paces, 40) < self.slower * usual / 1.5)
        first = min((int(began[-1]) + 1) * -(-len(paces) // 40), len(steps) - 1) if len(began) else 0
        lost = (last - usual) * float(steps[-1] - steps[first])
        yield self.finding(
            Severity.WARNING if lost >= self.costly_seconds else Severity.INFO,
            Confidence.MEDIUM,
            Role.STEP_TIME.value,
            f"Steps take {last / usual:.3g} times as long as in the first half of the run.",
            steps=(steps[first], steps[-1]),
            evidence={
                "first_half": usual,
                "last_quarter": last,
                "slower_threshold": self.slower,
                "lost_seconds": lost,
            },
            advice=(
                "Watch GPU use, host memory and the data loader; restart from the last checkpoint if it does not ease."
            ),
        )

    def _paces(self, run: Run) -> tuple[IntArray, FloatArray] | None:
        """Steps and seconds per step, each of shape (n,), from the step times, else from the wall times of the loss."""
        logged, train = run.curve(Role.STEP_TIME), run.curve(Role.TRAIN_LOSS)
        if logged is not None and len(logged.finite) >= self.fewest:
            return logged.finite.steps, logged.finite.values
        if train is None or train.wall_times is None or len(train) < self.fewest:
            return None
        return _from_wall_times(train, self.fewest)


def _from_wall_times(curve: Curve, fewest: int) -> tuple[IntArray, FloatArray] | None:
    """From one change of the wall time to the next: stamps in whole seconds stand still for several fast steps."""
    assert curve.wall_times is not None
    ticks = np.flatnonzero(np.diff(curve.wall_times, prepend=np.nan) != 0)
    seconds, steps = np.diff(curve.wall_times[ticks]), np.diff(curve.steps[ticks])
    known = (steps > 0) & np.isfinite(seconds) & (seconds > 0)
    if np.count_nonzero(known) < max(fewest, len(ticks) // 2):
        return None
    return curve.steps[ticks][1:][known], seconds[known] / steps[known]
