import numpy as np

from diagnose.checks.base import Check, Confidence, Evidence, Facts, Findings, Role, Severity
from diagnose.checks.run._loss import MANY
from diagnose.signals import SETTLED, paces
from diagnose.signals.robust import running_median


class StalledRun(Check):
    """The steps take much longer than they did.

    ## Why it matters
    A rented GPU is paid by the hour. Steps slow down when memory leaks, data loading starves, or the card is throttled.

    ## How it is detected
    The time for each step over the last quarter of the run (its median) is twice that of the first half, or more.
    Single pauses (a restart, an evaluation) do not move a median. It is a warning once the slow-down has cost `costly`
    seconds, information before: a shared machine is busy for a minute now and then.

    ## What to do
    Watch GPU use, host memory and the data loader; restart from the last checkpoint if it lasts.

    ## Blind spots
    Longer clips late in an epoch (sorted data) take longer by intention. A process that hangs leaves no line in the
    log. Text logs are dated by lines that begin with a date and a time.
    """

    code = "SPD001"

    slower: float = 2.0
    """Times the pace of the first half. Source: operators alarm at 1.25 to 1.4; at twice the time one acts."""
    costly: float = 600.0
    """Seconds lost that are worth an alarm. Source: ten minutes of a rented GPU."""
    fewest: int = 2 * MANY
    """Logged times. Source: ten in the quarter that is judged."""

    def skip_reason(self, facts: Facts) -> str | None:
        paced = paces(facts.run)
        if paced is None:
            return "neither wall times nor step times are logged"
        count = len(paced[0])
        return None if count >= self.fewest else f"{count} of the {self.fewest} step times needed"

    def check(self, facts: Facts) -> Findings:
        paced = paces(facts.run)
        if paced is None:
            return
        steps, seconds = paced
        half = len(seconds) // 2
        usual, last = float(np.median(seconds[:half])), float(np.median(seconds[-(half // 2) :]))
        if usual <= 0 or last < self.slower * usual:
            return
        fast = np.flatnonzero(running_median(seconds, half // SETTLED | 1) < self.slower * usual)
        first = min(int(fast[-1]) + 1, len(steps) - 1) if len(fast) else 0
        lost = (last - usual) * float(steps[-1] - steps[first])
        yield self.finding(
            Severity.WARNING if lost >= self.costly else Severity.INFO,
            Confidence.MEDIUM,
            Role.STEP_TIME.value,
            f"Steps take {last / usual:.3g} times as long as in the first half of the run.",
            steps=(steps[first], steps[-1]),
            evidence=(
                Evidence("times_slower", last / usual, self.slower, "", f"{last / usual:.3g} times as long"),
                Evidence("lost_seconds", lost, self.costly, "s", f"{lost:,.0f} s lost"),
            ),
            advice=self.what_to_do(),
        )
