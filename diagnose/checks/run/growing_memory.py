from diagnose.checks.base import Check, Evidence, Facts, Findings, Role
from diagnose.signals import EDGE, SETTLED, order, settled
from diagnose.signals.robust import block_medians


class GrowingMemory(Check):
    """The memory that the run uses grows on and on.

    ## Why it matters
    It ends in an out-of-memory error, hours later, with everything since the last checkpoint lost.

    ## How it is detected
    The logged memory after the first tenth of the run rises in nearly every part of it (`order`), by `growth` in all.

    ## What to do
    Look for tensors kept with their graph (a loss summed without .item()), caches, lists of outputs.

    ## Blind spots
    Batches sorted by length grow within an epoch by intention.
    """

    code = "SPD004"
    needs = (Role.MEMORY,)
    min_points = SETTLED

    growth: float = 1.3
    """Last over first. Source: allocators settle within a tenth after the longest batch was seen."""
    order: float = 1 - EDGE
    """Kendall's tau. Source: nineteen of twenty pairs in order: a steady climb."""

    def check(self, facts: Facts) -> Findings:
        curve = self.curve(facts, Role.MEMORY).finite
        parts = block_medians(settled(curve), 2 * SETTLED)
        times = float(parts[-1] / parts[0]) if parts[0] > 0 else 0.0
        if times >= self.growth and order(parts) >= self.order:
            yield self.report(
                curve,
                f"The memory in use grows throughout the run, from {parts[0]:.3g} to {parts[-1]:.3g}: it will run out.",
                Evidence("growth", times, self.growth, "", f"{times:.3g} times"),
            )
