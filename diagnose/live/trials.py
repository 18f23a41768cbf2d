"""Trials of other learning rates, each for the beginning of a run: no log can show whether a rate is right."""

from __future__ import annotations

from dataclasses import dataclass, replace

from diagnose.facts import Facts
from diagnose.finding import Diagnosis
from diagnose.live.lead import judged_at, lead
from diagnose.live.news import last_step
from diagnose.live.record import Attempt
from diagnose.live.trainings import Trainings
from diagnose.remedies.evidence import planned_end
from diagnose.remedies.rate import LOWEST_RATE, TENFOLD, TENTH

WHY = "a trial: no log can show whether a rate is right"


@dataclass(frozen=True, slots=True)
class Tried:
    """One trial, and what it logged."""

    attempt: Attempt
    facts: Facts
    said: str
    sure: bool
    """Whether it is so clearly ahead that the config's own rate need not be trained to its end."""


@dataclass(eq=False)
class RateTrials:
    """The trials beside one run."""

    runs: Trainings
    first: Attempt
    """The run at the rate of the config: its beginning, or all of it."""
    facts: Facts
    """What it logged."""

    def run(self) -> Tried | None:
        """The trial of the rate that was best; None where that is the config's own, or nothing was compared.

        Ten times the rate, as often as that is better than before; if it never is, a tenth in the same way.
        """
        at, rate = self._judged_at(), self.runs.rate_of(self.first)
        if at is None or rate is None:
            why = "it has logged too few points" if at is None else "the config has none that can be changed"
            self.runs.say(f"no fault in the log; no other rate was tried: {why}")
            return None
        self.runs.say(f"no fault in the log; other rates are tried, each up to step {at:,.0f}")
        best = self._climbed(TENFOLD, rate, at) or self._climbed(TENTH, rate, at)
        if best is None and self.runs.may_go_on:
            self._put_down(self.first, f"ten times the rate and a tenth of it, up to step {at:,.0f}: neither is better")
        return best if self.runs.may_go_on else None

    def _judged_at(self) -> float | None:
        """The step up to which the rates are compared."""
        end = planned_end(self.facts) if self.first.trial else self.first.last_step
        return None if end is None else judged_at(self.facts, end)

    def _climbed(self, factor: float, rate: float, at: float) -> Tried | None:
        """The best of the trials at `factor` times the rate, as often as that is better; None where none is."""
        best: Tried | None = None
        while self.runs.may_go_on:
            rate *= factor
            found = None if rate < LOWEST_RATE else self._trial(rate, at)
            if found is None or not self._is_better(found.facts, best):
                break
            best = found
        return best

    def _is_better(self, facts: Facts, best: Tried | None) -> bool:
        ahead = lead(facts, self.facts)
        further = None if best is None else lead(facts, best.facts)
        return ahead is not None and ahead.clear and (best is None or (further is not None and further.positive))

    def _trial(self, rate: float, at: float) -> Tried | None:
        """Train at this rate until it can be compared; None where it came to nothing."""
        attempt = self.runs.at_rate(self.first, rate, WHY, None)
        if attempt is None:
            return None
        attempt = replace(attempt, trial=True)
        attempt, diagnosis = self.runs.trained(attempt, lambda facts: last_step(facts) >= at)
        said = self._outcome(attempt, diagnosis)
        self._put_down(replace(attempt, trial=True, accepted=False), said)
        if diagnosis is None or attempt.stopped_by:
            return None
        ahead = lead(diagnosis.facts, self.facts)
        return Tried(attempt, diagnosis.facts, said, ahead is not None and ahead.sure)

    def _put_down(self, attempt: Attempt, reason: str) -> None:
        self.runs.say(f"attempt {attempt.number}: {reason}")
        self.runs.keep(replace(attempt, reason=reason))

    def _outcome(self, attempt: Attempt, diagnosis: Diagnosis | None) -> str:
        """What a trial has shown."""
        found = None if diagnosis is None else lead(diagnosis.facts, self.facts)
        ended = f", stopped for {attempt.stopped_by}" if attempt.stopped_by else ""
        if found is None:
            return f"tried{ended or ', ended before it could be compared'}"
        where = "ahead of" if found.share > 0 else "behind"
        return f"tried until step {found.step:,}{ended}: {abs(found.share):.1%} {where} the first run there"
