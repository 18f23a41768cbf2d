import numpy as np

from diagnose.checks.base import Check, Evidence, Facts, Findings, Role
from diagnose.signals import SETTLED, as_share, settled


class IdleGpu(Check):
    """The GPU is hardly used.

    ## Why it matters
    The rented card is paid for whether it computes or waits for data.

    ## How it is detected
    The usual logged use of the GPU, after the first tenth of the run, is below `busy`.

    ## What to do
    More workers for the data loader, cached features, larger batches.

    ## Blind spots
    A logger that samples between two steps sees an idle card. Small models never fill a large one.
    """

    code = "SPD002"
    needs = (Role.GPU_UTIL,)
    min_points = SETTLED

    busy: float = 0.3
    """Share of the time. Source: a card that computes a third of the time could do three such runs."""

    def check(self, facts: Facts) -> Findings:
        curve = self.curve(facts, Role.GPU_UTIL).finite
        used = float(np.median(as_share(settled(curve))))
        if used < self.busy:
            yield self.report(
                curve,
                f"The GPU is used {used:.0%} of the time: it waits for data or for the host.",
                Evidence("gpu_use", used, self.busy, "", f"used {used:.0%} of the time"),
            )
