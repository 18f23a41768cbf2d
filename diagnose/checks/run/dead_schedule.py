"""OPT005: the learning-rate schedule gives the run nothing to learn with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose import remedies
from diagnose.checks.base import Check
from diagnose.checks.run._say import at
from diagnose.config.effective import effective
from diagnose.facts import Facts
from diagnose.finding import Confidence, Edit, Finding, Operation, Prescription, Safety, Severity, Support
from diagnose.numbers import round_count
from diagnose.remedies.evidence import number
from diagnose.run import Curve, Role


@dataclass(frozen=True)
class DeadSchedule(Check):
    """The learning rate is zero, or next to nothing, for much of the run; or its warm-up outlasts the run.

    ## Why it matters
    Without a learning rate nothing is learned, and the loss curve looks like one that has converged.

    ## How it is detected
    The logged rate is zero throughout; or it is below `dead` of its peak for more than `most` of the run, after the
    peak; or the configured warm-up takes more than `longest` of the
    configured run.

    ## What to do
    A decay that was meant for epochs is often applied at every update: use the step scheduler once an epoch, or a
    decay factor closer to one. Make the warm-up a tenth of the run or less.

    ## Blind spots
    A schedule that is meant to end early, with the rest of the run for averaging weights, looks dead too.
    """

    code = "OPT005"
    name = "dead-schedule"
    needs = (Role.LEARNING_RATE,)
    min_points = 4

    dead: float = 1e-3
    """Share of the peak. Source: coqui-ai/TTS#1003 (7e-111 in the posted log); a decay of more than 1000 times is
    never meant."""
    fewest: int = 20
    """Logged rates. Source: our choice: a text log prints the first rates of a warm-up as 0.00000."""
    longest: float = 0.5
    """Share of the run that may be warm-up. Source: the tuning playbook of Google Research advises a tenth at most."""
    most: float = 0.4
    """Share of the run. Source: our choice: a cosine spends 2 % of the run below a thousandth of its peak."""

    def applies(self, facts: Facts) -> bool:
        """A config can be judged without a log."""
        return facts.config is not None or super().applies(facts)

    def skip_reason(self, facts: Facts) -> str | None:
        """A config that contradicts itself can be judged without a log."""
        return None if _endless_warmup(facts, self.longest) else super().skip_reason(facts)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look at the rate over the run, then at the plan."""
        run = facts.run
        curve = run.curve(Role.LEARNING_RATE)
        if curve is not None and len(curve.finite) >= self.fewest:
            yield from self._rate(facts, curve.finite)
        planned = _endless_warmup(facts, self.longest)
        if planned:
            yield self._warmup(*planned)

    def _rate(self, facts: Facts, rates: Curve) -> Iterator[Finding]:
        peak = float(rates.values.max())
        if peak <= 0:
            yield self._told(
                rates, 0, "The learning rate is zero at every logged step: nothing is learned.", {"peak": 0.0}, facts
            )
            return
        dead = rates.values < self.dead * peak
        dead[: int(np.argmax(rates.values))] = False
        if np.mean(dead) > self.most:
            first = int(np.argmax(dead))
            message = (
                f"The learning rate has decayed from {peak:.3g} to below {self.dead * peak:.3g} "
                f"by {at(rates, rates.steps[first])}: "
                f"{np.mean(dead):.0%} of the run learns nothing."
            )
            yield self._told(
                rates,
                first,
                message,
                {"peak": peak, "last": float(rates.values[-1]), "dead_share": float(np.mean(dead))},
                facts,
            )

    def _told(self, rates: Curve, first: int, message: str, evidence: dict[str, float], facts: Facts) -> Finding:
        return self.finding(
            Severity.ERROR,
            Confidence.HIGH,
            Role.LEARNING_RATE.value,
            message,
            steps=(rates.steps[first], rates.steps[-1]),
            evidence=evidence,
            prescriptions=remedies.gentler_decay(facts),
            advice="Check whether a decay that was meant for epochs is applied at every update.",
        )

    def _warmup(self, warmup: float, steps: float) -> Finding:
        never = warmup >= steps
        why = f"the warm-up of {warmup:,.0f} steps " + (
            f"would not end within the {steps:,.0f} steps of the run"
            if never
            else f"is {warmup / steps:.0%} of the {steps:,.0f} steps of the run"
        )
        edit = Edit("warmup_steps", Operation.SET, round_count(steps / 10), "a tenth of the run or less")
        return self.finding(
            Severity.ERROR if never else Severity.WARNING,
            Confidence.HIGH,
            "config",
            f"The configured {why[4:]}.",
            evidence={"warmup_steps": warmup, "max_steps": steps},
            prescriptions=(Prescription("Shorten the warm-up", why, (edit,), Safety.SAFE, support=Support.CITED),),
            advice="Warm up for 1 to 10 % of the run.",
        )


def _endless_warmup(facts: Facts, longest: float) -> tuple[float, float] | None:
    """The configured warm-up and the configured steps, if the one is too long for the other."""
    if facts.config is None:
        warmup, steps = number(facts, "warmup_steps"), number(facts, "max_steps")
    else:
        amounts = effective(facts.config, facts.train_samples)
        warmup, steps = amounts.warmup_steps, amounts.total_steps
    return (warmup, steps) if warmup is not None and steps is not None and warmup > longest * steps else None
