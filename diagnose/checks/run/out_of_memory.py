from dataclasses import replace

from diagnose.checks.base import Facts, Findings, Prescription
from diagnose.checks.run.run_died import RunDied
from diagnose.finding import Edit, Operation
from diagnose.run import EndingKind

ACCUMULATION = "grad_accumulation_steps"


class OutOfMemory(RunDied):
    """The training ended because the memory of the GPU or of the machine was used up.

    ## Why it matters
    Everything since the last checkpoint is lost, and a restart with the same config ends in the same place.

    ## How it is detected
    Behind the last metric of the log is an out-of-memory error of CUDA, of the framework, or of the system.

    ## What to do
    Halve the batch and average over twice as many of them: the update sees the same examples. Where the memory grew
    before, a leak is likelier (`growing-memory`): a loss summed without `.item()`, outputs kept in a list.

    ## Blind spots
    A kernel that kills the process without a line in the log is not seen. One very long clip can use up what all the
    others left free: cap the length of the examples then.
    """

    code = "RUN002"
    explained_by = ()
    kinds = (EndingKind.OUT_OF_MEMORY,)

    def check(self, facts: Facts) -> Findings:
        for found in super().check(facts):
            yield replace(found, prescriptions=self._smaller(facts))

    def _smaller(self, facts: Facts) -> tuple[Prescription, ...]:
        """Half the batch, twice the accumulation; none where the batch is 1 or not known."""
        batch = facts.settings.get("batch_size")
        if not isinstance(batch, int) or batch < 2:
            return ()
        why = f"a batch of {batch} did not fit"
        edits = (
            Edit("batch_size", Operation.SET, batch // 2, why, needs=(ACCUMULATION,)),
            Edit(ACCUMULATION, Operation.SCALE, 2, "the update sees as many examples as before"),
        )
        return (Prescription("Halve the batch, average over twice as many", why, edits),)
