import numpy as np

from diagnose.checks.base import Check, Evidence, Facts, Findings, Role, Severity
from diagnose.signals import EDGE, SETTLED


class NonFiniteGradients(Check):
    """A share of the gradient norms is NaN or infinite while the loss goes on.

    ## Why it matters
    A loss scaler skips such updates: a quarter of them skipped is a quarter of the training paid for and thrown away.

    ## How it is detected
    The logged gradient norm is not finite at `share` of its points; it is a warning at `harmful`. A few in the first
    tenth of the run are a scaler finding its scale.

    ## What to do
    Train in bf16 or full precision, or start from a lower loss scale; look for examples that overflow.

    ## Blind spots
    A trainer that logs the norm only of the updates that were made hides it.
    """

    code = "GRD004"
    needs = (Role.GRAD_NORM,)
    part_of = ("non-finite-loss",)
    min_points = 0  # none of them need be finite

    share: float = 0.02
    """Of the norms. Source: a scaler that doubles its scale every 2000 steps skips one in 2000."""
    harmful: float = EDGE
    """Of the norms. Source: a tenth of the training is thrown away."""

    def check(self, facts: Facts) -> Findings:
        norms = self.curve(facts, Role.GRAD_NORM)
        bad = np.flatnonzero(~np.isfinite(norms.values))
        late = np.count_nonzero(bad >= len(norms) // SETTLED)
        if late < max(2, self.share * len(norms)):
            return
        share = len(bad) / len(norms)
        yield self.report(
            norms,
            f"The gradient norm is NaN or infinite at {len(bad):,} of {len(norms):,} points, first at "
            f"{norms.place(norms.steps[bad[0]])}: half precision overflows, and these updates are skipped or lost.",
            Evidence("share", share, self.share, "", f"{share:.0%} of the norms"),
            first=bad[0],
            last=bad[-1],
            severity=Severity.WARNING if late > self.harmful * len(norms) else Severity.INFO,
        )
