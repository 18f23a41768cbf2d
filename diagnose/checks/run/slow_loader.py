"""SPD003: loading the data takes longer than learning from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose.checks.base import Check
from diagnose.facts import Facts
from diagnose.finding import Confidence, Evidence, Finding, Severity
from diagnose.run import Role
from diagnose.signals import signals
from diagnose.signals.pace import settled


@dataclass(frozen=True)
class SlowLoader(Check):
    """Loading the data takes a good part of each step.

    ## Why it matters
    The GPU waits while the host reads, decodes and pads.

    ## How it is detected
    The usual time for loading over that of loading and computing together, after the first tenth of the run, is above
    `share`.

    ## What to do
    More workers, cached features, faster storage, shorter audio decoded once.

    ## Blind spots
    A step time that holds the loading as well makes the share look smaller than it is.
    """

    code = "SPD003"
    name = "slow-loader"
    needs = (
        Role.LOADER_TIME,
        Role.STEP_TIME,
    )
    min_points = 1

    share: float = 0.5
    """Of the time. Source: half of the bill; below a third nobody acts."""

    def skip_reason(self, facts: Facts) -> str | None:
        """No times are logged, or the run has only begun: the first batches always wait."""
        course = signals(facts).main
        if course is None or len(course) < 10:
            return "the run has only begun: ten points of the loss are needed"
        return super().skip_reason(facts)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare the two times."""
        loading, steps = (self.curve(facts, role).finite for role in self.needs)
        wait, work = float(np.median(settled(loading))), float(np.median(settled(steps)))
        share = wait / (wait + work) if wait + work > 0 else 0.0
        if share < self.share:
            return
        yield self.finding(
            Severity.WARNING,
            Confidence.MEDIUM,
            Role.LOADER_TIME.value,
            f"{share:.0%} of the time goes to loading data ({wait:.3g} s a step, against {work:.3g} s of computing).",
            steps=(loading.steps[0], loading.steps[-1]),
            evidence=(Evidence("loading_share", share, self.share, "", f"{share:.0%} of the time"),),
            advice="More workers for the data loader (num_loader_workers), cached features, faster storage.",
        )
