from typing import ClassVar

from diagnose.checks.base import Check, Confidence, Evidence, Facts, Findings, Role, Severity
from diagnose.run import EndingKind

HOW = {
    EndingKind.DIED: "ended with an error",
    EndingKind.KILLED: "was stopped from outside",
    EndingKind.OUT_OF_MEMORY: "ran out of memory",
}


class RunDied(Check):
    """The training did not end by itself: a traceback, a signal or a scheduler stopped it.

    ## Why it matters
    A curve that looks healthy up to its last point says nothing of a run that is no longer there: nobody is training.

    ## How it is detected
    Behind the last metric of the log is an error, a signal, or the word of a scheduler (`Killed`, `CANCELLED`,
    `DUE TO TIME LIMIT`). Tracebacks after which training goes on are passed over.

    ## What to do
    Repair what the line names, and resume from the last checkpoint; with fewer loader workers where the memory of the
    machine ran out, with more time where the time did.

    ## Blind spots
    A process that was killed often leaves no line. An interrupt by hand (Ctrl-C) is information, not an error.
    Only text logs say how they ended.
    """

    code = "RUN001"
    explained_by: ClassVar[tuple[str, ...]] = ("non-finite-loss",)
    kinds: ClassVar[tuple[EndingKind, ...]] = (EndingKind.DIED, EndingKind.KILLED)

    def skip_reason(self, facts: Facts) -> str | None:
        return "the log does not say how the training ended" if facts.run.ending is None else None

    def check(self, facts: Facts) -> Findings:
        ending = facts.run.ending
        if ending is None or ending.kind not in self.kinds:
            return
        by_hand = "KeyboardInterrupt" in ending.line or "SIGINT" in ending.line
        where = "" if ending.step is None else f" after step {ending.step:,}"
        yield self.finding(
            Severity.INFO if by_hand else Severity.ERROR,
            Confidence.HIGH,
            Role.TRAIN_LOSS.value,
            f"The training {HOW[ending.kind]}{where}: {ending.line.removesuffix('.')}.",
            steps=None if ending.step is None else (ending.step, ending.step),
            evidence=() if ending.step is None else (Evidence("last_step", ending.step, None, "steps"),),
            advice=self.what_to_do(),
        )
