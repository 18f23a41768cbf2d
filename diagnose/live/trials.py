"""Trials of other learning rates after a run in whose log nothing is wrong: its beginning at ten times and a tenth."""

from __future__ import annotations

from dataclasses import dataclass, replace

from diagnose.facts import Facts
from diagnose.finding import Diagnosis
from diagnose.live.command import parameters_in
from diagnose.live.lead import fell_in_proportion, judged_at, lead
from diagnose.live.record import Attempt, Change
from diagnose.live.stops import KEPT
from diagnose.live.trainings import Trainings
from diagnose.numbers import is_number
from diagnose.remedies.rate import LOWEST_RATE, TENFOLD, TENTH

RATE = "learning_rate"
WHY = "a trial: no log can show whether a rate is right"


@dataclass(eq=False)
class RateTrials:
    """The trials after one run."""

    runs: Trainings
    first: Attempt
    """The run that has ended."""
    facts: Facts
    """What it logged."""

    def run(self) -> tuple[Attempt, Diagnosis] | None:
        """The trial that stayed ahead and was trained to its end; None where there is none."""
        at, rate = judged_at(self.facts), self._rate()
        if at is None or rate is None:
            why = "it has logged too few points" if at is None else "the config has none that can be changed"
            self.runs.say(f"no fault in the log; no other rate was tried: {why}")
            return None
        tried = f"ten times the rate and a tenth of it {{}} tried for the first {at / (self.first.last_step or at):.0%}"
        self.runs.say(f"no fault in the log; {tried.format('are')} of the run each")
        found = self._raised(rate, at)
        if not self._is_whole(found) and self._may_go_on:
            found = self._trial(TENTH * rate, at)
        if self._is_whole(found):
            return found
        if self._may_go_on:
            reason = f"no fault in the log; {tried.format('were')} of the run: neither is better"
            self.runs.say(reason)
            self.runs.keep(replace(self.first, reason=reason))
        return None

    def _raised(self, rate: float, at: float) -> tuple[Attempt, Diagnosis] | None:
        """Ten times the rate; a hundred times, where the loss falls in proportion to it and that is better still."""
        tenfold = self._trial(TENFOLD * rate, at, climbing=True)
        if tenfold is None or not self._may_go_on or not self._is_far_ahead(tenfold[1].facts):
            return tenfold
        higher = self._trial(TENFOLD**2 * rate, at, rival=tenfold[1].facts)
        if self._is_whole(higher) or not self._may_go_on:
            return higher
        return self._trial(TENFOLD * rate, at)

    def _is_far_ahead(self, trial: Facts) -> bool:
        ahead = lead(trial, self.facts)
        return ahead is not None and ahead.clear and fell_in_proportion(trial, self.facts)

    def _is_whole(self, found: tuple[Attempt, Diagnosis] | None) -> bool:
        return found is not None and not found[0].trial

    @property
    def _may_go_on(self) -> bool:
        return self.runs.more_allowed and self.runs.asked.signal is None

    def _trial(
        self, rate: float, at: float, *, rival: Facts | None = None, climbing: bool = False
    ) -> tuple[Attempt, Diagnosis] | None:
        """Train at this rate, to the end if it stays ahead of the first run, and of a `rival` at the beginning."""

        def enough(trial: Facts) -> bool:
            ahead = lead(trial, self.facts)
            if ahead is None or ahead.step < at:
                return False
            other = None if rival is None or ahead.step > 2 * at else lead(trial, rival)
            beaten = not ahead.clear or (other is not None and other.share <= 0)
            return beaten or (climbing and fell_in_proportion(trial, self.facts))

        config, rate = self.runs.config_of(self.first), float(f"{rate:.3g}")
        values = {RATE: rate, **{name: value for _, name, value in config.companions({RATE: rate})}}
        passed = parameters_in(self.runs.order.command, config)
        values = {name: value for name, value in values.items() if passed is None or name in passed}
        rewrite = config.rewrite(values)
        if rewrite.refused or rate < LOWEST_RATE:
            return None
        edits = tuple(
            Change(name, config.values[name].path, config.values[name].value, values[name], WHY) for name in values
        )
        attempt = replace(self.runs.changed(rewrite.text, edits, None), trial=True)
        attempt, diagnosis = self.runs.trained(attempt, enough)
        faulty = attempt.stopped_by is not None and attempt.stopped_by not in KEPT
        died = attempt.stopped_by is None and attempt.status
        cut_off = self.runs.spent or self.runs.asked.signal is not None
        if attempt.trial or faulty or died or cut_off or diagnosis is None:
            attempt = replace(attempt, trial=True, accepted=False, reason=self._outcome(attempt, diagnosis))
            self.runs.say(f"attempt {attempt.number}: {attempt.reason}")
            self.runs.keep(attempt)
        return None if diagnosis is None else (attempt, diagnosis)

    def _outcome(self, attempt: Attempt, diagnosis: Diagnosis | None) -> str:
        """What a trial has shown that was not trained to its end."""
        found = None if diagnosis is None else lead(diagnosis.facts, self.facts)
        ended = f", stopped for {attempt.stopped_by}" if attempt.stopped_by else ""
        if found is None:
            return f"tried{ended or ', ended before it could be compared'}"
        where = "ahead of" if found.share > 0 else "behind"
        return f"tried until step {found.step:,}{ended}: {abs(found.share):.1%} {where} the first run there"

    def _rate(self) -> float | None:
        """The rate of the first run, where the command passes it on."""
        config = self.runs.config_of(self.first)
        setting, passed = config.values.get(RATE), parameters_in(self.runs.order.command, config)
        if setting is None or not is_number(setting.value) or (passed is not None and RATE not in passed):
            return None
        return float(setting.value)
