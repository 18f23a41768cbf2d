"""OPT003: training starts at the peak learning rate and pays for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose import remedies
from diagnose.checks.base import Check
from diagnose.checks.run._say import at
from diagnose.facts import Facts
from diagnose.finding import Confidence, Evidence, Finding, Severity
from diagnose.run import Role
from diagnose.signals import Episode, signals


@dataclass(frozen=True)
class MissingWarmup(Check):
    """The first updates use the full learning rate and throw the loss up.

    ## Why it matters
    The statistics of Adam and the norms of the layers are not settled in the first updates: full steps then throw the
    weights to where it takes long to come back from, if at all.

    ## How it is detected
    An excursion of the trend begins in the first tenth of the run, stands above the first level by `height` and its
    noise, and the logged rate starts at `peak` of its peak, or, where none is logged, the config asks for no warm-up.

    ## What to do
    Warm up over a twentieth of the run; if the loss is still thrown up, lower the learning rate.

    ## Blind spots
    A log that averages over the first hundreds of steps hides the throw.
    """

    code = "OPT003"
    name = "missing-warmup"
    needs = (Role.TRAIN_LOSS,)
    min_points = 16
    explained_by = ("learning-rate-too-high",)
    part_of = ("non-finite-loss",)

    height: float = 0.4
    """Rise above the first level in ln: 1.5 times. Source: warm-up humps of healthy runs reach 1.4 (Applio#113)."""
    z: float = 8.0
    """Standard errors. Source: operators' rule on log loss."""
    peak: float = 0.9
    """First rate over the highest. Source: a rival's rule for a missing warm-up."""

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for a throw at a rate that starts at its peak."""
        measured = signals(facts)
        course = measured.train
        if course is None or course is not measured.main or not self._at_peak(facts):
            return
        for one in measured.episodes:
            if self._is_throw(one, len(course)):
                top = int(course.curve.steps[one.peak])
                yield self.finding(
                    Severity.WARNING,
                    Confidence.MEDIUM,
                    Role.TRAIN_LOSS.value,
                    f"The run starts at its full learning rate, and the loss is thrown from "
                    f"{course.loss(course.start):.4g} to {course.loss(float(course.trend[one.peak])):.4g} by {at(course.curve, top)}.",
                    steps=(course.curve.steps[0], top),
                    evidence=(Evidence("rise", one.over_start, self.height), Evidence("z", one.z, self.z)),
                    prescriptions=remedies.warm_up(facts),
                )
                return

    def _is_throw(self, one: Episode, count: int) -> bool:
        return one.first <= count / 10 and one.over_start >= self.height and one.z >= self.z and one.points > 1

    def _at_peak(self, facts: Facts) -> bool:
        rate = signals(facts).rate
        if rate is not None:
            return bool(rate.curve.values[0] >= self.peak * rate.peak)
        return facts.settings.get("warmup_steps") == 0
