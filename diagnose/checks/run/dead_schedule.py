from math import exp

import numpy as np

from diagnose import remedies
from diagnose.checks.base import Check, Confidence, Curve, Evidence, Facts, Finding, Findings, Role, Severity
from diagnose.finding import Edit, Operation, Prescription, Safety, Support
from diagnose.numbers import round_count
from diagnose.remedies.evidence import length_of, number
from diagnose.signals import EDGE


class DeadSchedule(Check):
    """The learning rate is zero, or next to nothing, for much of the run.

    ## Why it matters
    Without a learning rate nothing is learned, and the loss curve looks like one that has converged.

    ## How it is detected
    The logged rate is zero throughout; or it is below `dead` of its peak for more than `most` of the run, after the
    peak. An exponential decay is foreseen: the logged rate falls evenly, and at that pace it is below a hundredth of
    its peak for more than `tail` of the planned run. Or the warm-up takes more than `longest` of it.

    ## What to do
    A decay that was meant for epochs is often applied at every update: step it once an epoch, or decay less.

    ## Blind spots
    A schedule that is meant to end early, with the rest of the run for averaging weights, looks dead too.
    """

    code = "OPT005"
    needs = (Role.LEARNING_RATE,)
    min_points = 10

    dead: float = 1e-3
    """Share of the peak. Source: coqui-ai/TTS#1003 (7e-111 in the posted log); a decay of more than 1000 times is
    never meant."""
    most: float = 1 / 2
    """Share of the run. Source: a cosine is below a hundredth of its peak for 6 % of the run."""
    tail: float = 0.2
    """Share of the planned run that may be below it. Source: a cosine is there for 6 % of the run."""
    longest: float = 1 / 2
    """Share of the run that may be warm-up. Source: the tuning playbook of Google Research advises a tenth at most."""

    def applies(self, facts: Facts) -> bool:
        return facts.config is not None or super().applies(facts)

    def skip_reason(self, facts: Facts) -> str | None:
        return None if self._endless_warmup(facts) else super().skip_reason(facts)

    def check(self, facts: Facts) -> Findings:
        planned = self._endless_warmup(facts)
        if planned:
            yield self._warmup(facts, *planned)
        if super().skip_reason(facts) is None:
            rates = self.curve(facts, Role.LEARNING_RATE).finite
            past = list(self._died(facts, rates)) if len(rates) >= 2 * self.min_points else []
            yield from past or self._foreseen(facts, rates)

    def _foreseen(self, facts: Facts, rates: Curve) -> Findings:
        """An exponential decay that leaves next to nothing long before the planned end."""
        decay, end, now = remedies.even_fall(rates), length_of(facts, rates), float(rates.values[-1])
        if decay is None or end is None or now >= decay.peak:
            return
        over = decay.reaches(EDGE**2)
        share = (end - over) / max(1, end - int(rates.steps[0]))
        if share < self.tail:
            return
        message = f"The learning rate loses {1 - exp(decay.slope):.1%} a {rates.unit}, from {decay.peak:.3g} to "
        message += f"{now:.3g} by {rates.place(int(rates.steps[-1]))}: it is below a hundredth of its peak from "
        message += f"{rates.place(int(over))} on, for {share:.0%} of the run."
        yield self._low_rate(facts, rates, int(np.searchsorted(rates.steps, decay.since)), message, share)

    def _died(self, facts: Facts, rates: Curve) -> Findings:
        peak = float(rates.values.max())
        low = rates.values <= self.dead * peak
        low[: int(np.argmax(rates.values))] = False
        share, first = float(np.mean(low)), int(np.argmax(low))
        if share >= self.most:
            message = f"The learning rate has decayed from {peak:.3g} to below {self.dead * peak:.3g} by "
            message += f"{rates.place(int(rates.steps[first]))}: {share:.0%} of the run learns nothing."
            never = "The learning rate is zero at every logged step."
            yield self._low_rate(facts, rates, first, message if peak > 0 else never, share)

    def _low_rate(self, facts: Facts, rates: Curve, first: int, message: str, share: float) -> Finding:
        return self.report(
            rates,
            message,
            Evidence("dead_share", share, sentence=f"{share:.0%} of the run"),
            first=first,
            severity=Severity.ERROR,
            confidence=Confidence.HIGH,
            prescriptions=remedies.slower_decay(facts),
            advice="Check whether a decay that was meant for epochs is applied at every update.",
        )

    def _warmup(self, facts: Facts, warmup: float, length: float, unit: str) -> Finding:
        never = f"would not end within the {length:,.0f} {unit} of the run"
        long = f"is {warmup / length:.0%} of the {length:,.0f} {unit} of the run"
        why = f"warm-up of {warmup:,.0f} {unit} {never if warmup >= length else long}"
        edit = Edit(f"warmup_{unit}", Operation.SET, round_count(EDGE * length), "a tenth of the run or less")
        cure = Prescription("Shorten the warm-up", f"the {why}", (edit,), Safety.SAFE, support=Support.CITED)
        from diagnose.config.effective import peak_follows_warmup  # here, as below

        bound = facts.config is not None and peak_follows_warmup(facts.config)
        return self.finding(
            Severity.INFO if bound else Severity.ERROR if warmup >= length else Severity.WARNING,
            Confidence.HIGH,
            "config",
            f"The configured {why}.",
            evidence=(Evidence("warmup_share", warmup / length, self.longest),),
            prescriptions=() if bound else (cure,),
            advice="Lower the rate before you shorten it: this schedule's peak follows from the warm-up."
            if bound
            else "Warm up for 1 to 10 % of the run.",
        )

    def _endless_warmup(self, facts: Facts) -> tuple[float, float, str] | None:
        """The configured warm-up, the configured run and their unit, if the one is too long for the other."""
        warmup, steps = number(facts, "warmup_steps"), number(facts, "max_steps")
        planned = (warmup, steps, "steps") if warmup is not None and steps is not None else None
        if facts.config is not None:
            from diagnose.config.effective import warmup_and_run  # here: reading a config is slow, most runs have none

            planned = warmup_and_run(facts.config, facts.train_samples)
        return planned if planned is not None and planned[0] > self.longest * planned[1] else None
