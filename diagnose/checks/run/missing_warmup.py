"""OPT003: training starts at the peak learning rate and pays for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.checks.base import Check
from diagnose.checks.run._cures import number
from diagnose.checks.run._instability import by_the_clock
from diagnose.checks.run._kinds import of_one_kind
from diagnose.checks.run._rate import logged_rate
from diagnose.checks.run._swings import Throw, throw
from diagnose.checks.run._wording import at
from diagnose.facts import Facts
from diagnose.finding import Confidence, Edit, Finding, Operation, Prescription, Safety, Severity
from diagnose.run import Role, Run
from diagnose.signals.trend import SHORT


@dataclass(frozen=True)
class MissingWarmup(Check):
    """The first updates use the full learning rate and throw the loss up.

    ## Why it matters
    The statistics of Adam and the norms of the layers are not settled in the first updates: full steps then throw the
    weights to where it takes long to come back from, if at all.

    ## How it is detected
    The loss rises in the first fifth of the run by `factor` and beyond its noise, and the logged rate starts at `peak`
    of its peak, or, where none is logged, the config asks for no warm-up.

    ## What to do
    Warm up over a twentieth of the run; if the loss is still thrown up, lower the learning rate.

    ## Blind spots
    A log that averages over the first hundreds of steps hides the throw.
    """

    code = "OPT003"
    name = "missing-warmup"
    needs = (Role.TRAIN_LOSS,)
    min_points = SHORT
    explained_by = ("learning-rate-too-high",)
    part_of = ("non-finite-loss",)

    factor: float = 1.5
    """Top over first loss. Source: warm-up humps of healthy runs reach 1.4 (Applio#113)."""
    peak: float = 0.9
    """First rate over the highest. Source: a rival's rule for a missing warm-up."""
    share: float = 0.05
    """Share of the run to warm up over. Source: the tuning playbook of Google Research: at most a tenth."""

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for a throw at a rate that starts at its peak."""
        run = facts.run
        curve = of_one_kind(self.curve(facts, Role.TRAIN_LOSS))
        up = throw(curve)
        if up is None or up.factor < self.factor or not up.beyond_noise or not self._at_peak(run):
            return
        if by_the_clock(run, curve):
            return
        yield self.finding(
            Severity.WARNING,
            Confidence.MEDIUM,
            Role.TRAIN_LOSS.value,
            f"The run starts at its full learning rate, and the loss is thrown from {up.start:.4g} to {up.top:.4g} "
            f"by {at(curve, up.top_step)}.",
            steps=(curve.steps[0], up.top_step),
            evidence={"top_over_start": up.factor, "threshold": self.factor},
            prescriptions=self._warm_up(run, up),
        )

    def _at_peak(self, run: Run) -> bool:
        rates = logged_rate(run)
        if rates is not None:
            return bool(rates.values[0] >= self.peak * rates.values.max())
        return run.config.get("warmup_steps") == 0

    def _warm_up(self, run: Run, up: Throw) -> tuple[Prescription, ...]:
        steps = max(1, round(self.share * (number(run, "max_steps") or up.last_step)))
        if (number(run, "warmup_steps") or 0) >= steps:
            return ()
        edit = Edit("warmup_steps", Operation.SET, steps, "a twentieth of the run")
        why = f"the first full steps throw the loss to {up.factor:.3g} times its start"
        return (Prescription("Warm the learning rate up", why, (edit,), Safety.SAFE),)
