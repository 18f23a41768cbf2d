"""GRD004: a share of the gradient norms is NaN or infinite."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose.checks.base import Check
from diagnose.checks.run._say import at
from diagnose.facts import Facts
from diagnose.finding import Confidence, Evidence, Finding, Severity
from diagnose.run import Role


@dataclass(frozen=True)
class NonFiniteGradients(Check):
    """A share of the gradient norms is NaN or infinite while the loss goes on.

    ## Why it matters
    A loss scaler skips such updates: a quarter of them skipped is a quarter of the training paid for and thrown away.

    ## How it is detected
    The logged gradient norm is not finite at `share` of its points. A few at the start are a scaler finding its scale.

    ## What to do
    Train in bf16, or lower the initial loss scale; look for clips that overflow.

    ## Blind spots
    A trainer that logs the norm only of the updates that were made hides it.
    """

    code = "GRD004"
    name = "non-finite-gradients"
    needs = (Role.GRAD_NORM,)
    part_of = ("non-finite-loss",)

    share: float = 0.02
    """Of the norms. Source: a scaler that doubles its scale every 2000 steps skips one in 2000."""

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Count them, after the first twentieth of the run."""
        norms = self.curve(facts, Role.GRAD_NORM)
        bad = np.flatnonzero(~np.isfinite(norms.values))
        late = bad[bad >= len(norms) // 20]
        if len(late) < 2 or len(late) < self.share * len(norms):
            return
        first = int(norms.steps[bad[0]])
        harmful = len(late) > 5 * self.share * len(norms)
        yield self.finding(
            Severity.WARNING if harmful else Severity.INFO,
            Confidence.MEDIUM,
            Role.GRAD_NORM.value,
            f"The gradient norm is NaN or infinite at {len(bad):,} of {len(norms):,} points, first at "
            f"{at(norms, first)}: half precision overflows, and these updates are skipped or lost.",
            steps=(first, norms.steps[bad[-1]]),
            evidence=(
                Evidence("share", len(bad) / len(norms), self.share, "", f"{len(bad) / len(norms):.0%} of the norms"),
            ),
            advice="Train in bf16 or full precision, or start from a lower loss scale.",
        )
