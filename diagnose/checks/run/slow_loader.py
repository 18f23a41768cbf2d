import numpy as np

from diagnose.checks.base import Check, Evidence, Facts, Findings, Role
from diagnose.signals import SETTLED, settled


class SlowLoader(Check):
    """Loading the data takes a good part of each step.

    ## Why it matters
    The GPU waits while the host reads, decodes and pads.

    ## How it is detected
    The usual time for loading over that of loading and computing together, after the first tenth of the run, is above
    `share`.

    ## What to do
    More workers for the data loader (num_loader_workers), cached features, faster storage.

    ## Blind spots
    A step time that holds the loading as well, other than `batch_time`, makes the share look smaller than it is.
    """

    code = "SPD003"
    needs = (Role.LOADER_TIME, Role.STEP_TIME)
    min_points = SETTLED  # the first batches always wait

    share: float = 1 / 2
    """Of the time. Source: half of the bill; below a third nobody acts."""

    def check(self, facts: Facts) -> Findings:
        wait, work = (float(np.median(settled(self.curve(facts, role)))) for role in self.needs)
        tag = self.curve(facts, Role.STEP_TIME).tag.casefold()
        holds_both = "batch" in tag or tag == "time"  # `batch_time` of PyTorch's example, `time` of MMEngine
        share = wait / max(work if holds_both else wait + work, wait) if wait > 0 else 0.0
        if share >= self.share:
            yield self.report(
                self.curve(facts, Role.LOADER_TIME).finite,
                f"{share:.0%} of the time goes to loading data ({wait:.3g} s a step, beside {work:.3g} s of "
                f"{'loading and computing' if holds_both else 'computing'}).",
                Evidence("loading_share", share, self.share, "", f"{share:.0%} of the time"),
            )
