from diagnose.checks.base import Check, Confidence, Evidence, Facts, Findings, Role, Severity
from diagnose.remedies.evidence import planned_end
from diagnose.signals import EDGE


class Unfinished(Check):
    """The log stops far before the end that the trainer or the config announced, and grows no more.

    ## Why it matters
    Someone who looks at the curve takes it for the whole training. Information only: many stop on purpose.

    ## How it is detected
    The log says `Epoch 3/50` or `step 400/2000`, or the config says how long to train; the last point is before
    `share` of it; nothing was written for `quiet` seconds; and the log does not say that it was done.

    ## What to do
    See whether the process still runs; resume from the last checkpoint, or stop on purpose.

    ## Blind spots
    A log that was copied while it was written looks finished by its time. So does unlogged early stopping.
    """

    code = "RUN003"
    needs = (Role.TRAIN_LOSS,)

    share: float = 1 - EDGE
    """Of the planned end. Source: the last log interval and the last evaluation are within a tenth of it."""
    quiet: float = 3600.0
    """Seconds without a new line. Source: longer than an epoch of evaluation and a checkpoint takes."""

    def skip_reason(self, facts: Facts) -> str | None:
        if facts.run.ending is not None:
            return "the log says how it ended"
        idle = facts.run.idle_seconds
        if idle is None or idle < self.quiet:
            return "the log may still be growing"
        known = facts.run.planned or planned_end(facts)
        return super().skip_reason(facts) if known else "no planned end is known"

    def check(self, facts: Facts) -> Findings:
        curve = self.curve(facts, Role.TRAIN_LOSS)
        planned, last = facts.run.planned or planned_end(facts) or 0, int(curve.steps[-1])
        if not curve.counted or last >= self.share * planned:
            return
        yield self.report(
            curve,
            f"The log stops at {curve.unit} {last:,} of {planned:,} and has not grown since.",
            Evidence("share_done", last / planned, self.share, "", f"{last / planned:.1%} done"),
            first=-1,
            severity=Severity.INFO,
            confidence=Confidence.HIGH,
            advice="See whether the process still runs; resume from the last checkpoint if it was to go on.",
        )
