"""The loop around a trainer: run it, watch it, stop it at a confirmed fault, change what the evidence asks for, repeat.

A change is kept only where the run is better than before by more than noise; else the original config is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from diagnose.config import read_config
from diagnose.errors import TrainerError
from diagnose.files import write_whole
from diagnose.finding import Diagnosis
from diagnose.interrupt import interruptible
from diagnose.live.child import alive
from diagnose.live.command import filled, parameters_in
from diagnose.live.lead import begun
from diagnose.live.order import Order
from diagnose.live.record import Attempt, Change, Record, read_record
from diagnose.live.stops import alarms, died, last_good, only_memorised
from diagnose.live.trainings import RECORD, Trainings
from diagnose.live.trials import RateTrials, Tried
from diagnose.live.verdict import compare
from diagnose.plan import Plan, plan
from diagnose.remedies.rate import HALF

SHORTER = frozenset({"max_epochs", "max_steps", "early_stopping", "early_stopping_patience"})
"""Changes that only end a run sooner: its best loss is then what it was."""
CURED = "cured"
"""Name of the cured config; it ends as the given one does."""


def heal(order: Order, say: Callable[[str], None]) -> Record:
    """Until the run is healthy, cured, or nothing more can be done. `say` gets what a person should read.

    Goes on with a healing in the same folder that was cut off. Raises ConfigError, TrainerError, LogError.
    """
    if not (order.out / RECORD).exists():
        read_config(order.config)  # before anything is written: what cannot begin leaves no folder behind
        filled(order.command, order.config, order.out, None)
    order.out.mkdir(parents=True, exist_ok=True)
    with interruptible() as asked:
        return _Healing(Trainings(order, say, asked)).run()


@dataclass(eq=False)
class _Healing:
    """The state of one loop."""

    runs: Trainings
    base: Diagnosis | None = None
    """The run to be better than."""
    kept: Attempt | None = None
    """The attempt that this run is."""
    unsure: Tried | None = None
    """A trial that was ahead, but not so clearly that it decides: it follows the config's own rate to the end."""

    @property
    def order(self) -> Order:
        """What is to be healed."""
        return self.runs.order

    @property
    def record(self) -> Record:
        """What was done so far."""
        return self.runs.record

    def run(self) -> Record:
        attempt: Attempt | None = self._first()
        while attempt is not None:
            attempt, diagnosis = self.runs.trained(attempt, begun if self._may_try_rates(attempt) else None)
            if self.runs.asked.signal is not None:
                return self._end("interrupted")
            if self.runs.out_of_time:
                return self._out_of_time(attempt, diagnosis)
            if attempt.trial and diagnosis is not None:
                attempt = self._at_the_best_rate(attempt, diagnosis)
                continue
            if diagnosis is None or (attempt.stopped_by is None and died(attempt.status, diagnosis)):
                return self._failed(attempt)
            attempt = self._judged(attempt, diagnosis)
            if not alarms(diagnosis) and self._may_try_rates(attempt):
                attempt = self._at_the_best_rate(attempt, diagnosis)
                continue
            if attempt.accepted is False and self.base is not None and not alarms(self.base):
                break  # another rate was no better than one under which nothing is wrong
            if not alarms(diagnosis):
                attempt = self._still_unsure() or self._halved(attempt)
                continue
            made = self._plan(attempt, diagnosis)
            if only_memorised(diagnosis):
                return self._kept(attempt, made)
            attempt = self._following(attempt, diagnosis, made)
        return self._finished()

    def _first(self) -> Attempt | None:
        """The attempt to begin with; of a healing that was cut off, its last one again, from where it came to.

        None after the trials of other rates, where they were all that was left to do.
        """
        path = self.order.out / RECORD
        if not path.exists():
            self.runs.record = Record(str(self.order.config), self.order.command)
            return self.runs.attempt(1, self.order.config, (), None)
        self.runs.record = read_record(path)
        last = self.record.attempts[-1] if self.record.attempts else None
        cut_off = self.record.verdict in ("unfinished", "interrupted", "failed")
        untried = self.record.verdict == "healthy" and self.order.try_rates and self._untried
        if last is None or not (cut_off or untried):
            raise TrainerError(f"{self.order.out}: holds a finished healing; choose another --out")
        if last.pid is not None and last.status is None and alive(last.pid):
            raise TrainerError(f"attempt {last.number} still runs as process {last.pid}: stop it, then go on")
        if untried or last.trial:
            return self._with_trials_made_anew()
        earlier = [one for one in self.record.attempts[:-1] if (one.number == 1 and not one.trial) or one.accepted]
        self.kept = earlier[-1] if earlier else None
        self.base = None if self.kept is None else self.runs.recalled(self.kept)
        found = self.runs.recalled(last)
        states = [] if found is None else [one.file for one in found.facts.checkpoints]
        started = last.pid is not None or last.status is not None
        how = "was never started" if not started else "was cut off" if last.status is None else "has ended"
        self.runs.say(f"going on after attempt {last.number}, which {how}")
        return self.runs.attempt(last.number + 1, Path(last.config), last.edits, states[-1] if states else last.resume)

    def _with_trials_made_anew(self) -> Attempt | None:
        """The attempt that follows the trials of other rates beside the run at the config's own."""
        own = next(one for one in reversed(self.record.attempts) if not one.edits)
        found = self.runs.recalled(own)
        if not own.trial:
            self.base, self.kept = found, own
        return None if found is None or not self.order.try_rates else self._at_the_best_rate(own, found)

    def _may_try_rates(self, attempt: Attempt) -> bool:
        """Whether other rates are to be tried, and have not been."""
        wanted = self.order.try_rates and self._untried and not attempt.edits and self.runs.more_allowed
        return wanted and self.runs.rate_of(attempt) is not None

    @property
    def _untried(self) -> bool:
        return not any(one.trial or one.edits for one in self.record.attempts)

    def _at_the_best_rate(self, own: Attempt, diagnosis: Diagnosis) -> Attempt | None:
        """A whole training at the best rate of the trials; None where the config's own has been trained to its end."""
        best = RateTrials(self.runs, own, diagnosis.facts).run()
        if not self.runs.may_go_on or (best is None and not own.trial):
            return None
        if best is None or (own.trial and not best.sure):
            self.unsure = best
            return self.runs.to_its_end(own)
        unknown = "; where that would have ended is not known" if own.trial else ""
        return replace(self.runs.to_its_end(best.attempt), reason=f"{best.said}{unknown}")

    def _still_unsure(self) -> Attempt | None:
        """The rate of trials that were not clear, to its end; None where there is none, or no attempt is left."""
        best, self.unsure = self.unsure, None
        return self.runs.to_its_end(best.attempt) if best is not None and self.runs.may_go_on else None

    def _judged(self, attempt: Attempt, diagnosis: Diagnosis) -> Attempt:
        """With whether it is better than the one before; if so, it is what the next must be better than."""
        if self.base is None or self.kept is None:
            self.base, self.kept = diagnosis, attempt
            return attempt
        found = compare(self.base.facts, diagnosis.facts, noise=self.order.noise, stopped=bool(self.kept.stopped_by))
        before, after = self.kept.held_out_loss, attempt.held_out_loss
        lucky = found.improved and before is not None and after is not None and after >= before
        reason = f"{found.sentence}; but not on the held-out clips" if lucky else found.sentence
        self.runs.say(f"attempt {attempt.number}: {reason}")
        self.runs.put_down(replace(self.record, noise={"value": found.noise.value, "how": found.noise.how}))
        attempt = replace(attempt, accepted=found.improved and not lucky, reason=reason)
        self.runs.keep(attempt)
        if attempt.accepted:
            self.base, self.kept = diagnosis, attempt
        return attempt

    def _plan(self, attempt: Attempt, diagnosis: Diagnosis) -> Plan:
        """What the evidence asks for, without what rests on the guide alone."""
        config = self.runs.config_of(attempt)
        settings = {name: setting.value for name, setting in config.values.items()}
        facts = replace(diagnosis.facts, config=config, settings=settings)
        # What is unsafe is tried, and kept only if better.
        passed = parameters_in(self.order.command, config)
        return plan(replace(diagnosis, facts=facts), only=passed, minimal=True, unsafe=True)

    def _following(self, attempt: Attempt, diagnosis: Diagnosis, made: Plan) -> Attempt | None:
        """The attempt that follows; None where nothing may or can be tried."""
        if not made.applied or made.after == made.before:
            for left in made.deferred:
                self.runs.say(f"  not changed: {left.parameter} (would be {left.value}): {left.reason}")
            if not made.deferred:
                self.runs.say("nothing more to change: no measured or cited cure is left")
            return None
        if not self._may_go_on(attempt):
            return None
        edits = tuple(Change.of(edit) for edit in made.applied)
        if {edit.parameter for edit in edits} <= SHORTER:
            for edit in edits:
                self.runs.say(f"advised, and not trained: {edit.path}: {edit.was} -> {edit.now}  ({edit.why})")
            return None
        return self.runs.changed(made.after, edits, last_good(diagnosis))

    def _halved(self, attempt: Attempt) -> Attempt | None:
        """After a lower rate that is healthy and no better: half of it, once more. None where nothing was lowered."""
        lowered = next(
            (edit for edit in attempt.edits if edit.parameter == "learning_rate" and edit.now < edit.was), None
        )
        if attempt.accepted is not False or lowered is None or not self._may_go_on(attempt):
            return None
        why = "half: no better than before, and nothing is wrong"
        return self.runs.at_rate(attempt, HALF * lowered.now, why, attempt.resume)

    def _may_go_on(self, attempt: Attempt) -> bool:
        if attempt.accepted is False and self.base is not None and alarms(self.base) == {"plateau"}:
            self.runs.say("the trial changed nothing: it may be all that the model can do")
            return False
        if self.runs.more_allowed:
            return True
        self.runs.say(f"no attempt is left after {attempt.number}")
        return False

    def _kept(self, attempt: Attempt, made: Plan) -> Record:
        """Overfitting: the best checkpoint is the cure, and the config is made to stop there."""
        self.runs.say(f"kept: the checkpoint of step {attempt.best_step}; what came after it only memorised")
        if made.applied:
            self._write(made.after)
        self.runs.keep(replace(attempt, accepted=True, reason="the best checkpoint is kept"))
        return self._end("cured", attempt)

    def _finished(self) -> Record:
        accepted = [one for one in self.record.attempts if one.accepted]
        if accepted:
            best = accepted[-1]
            self._write(self._cured_text(best))
            if self.order.one_at_a_time and not self.runs.spent:
                self._alone(best)
            return self._end("improved" if best.stopped_by else "cured", best)
        if self.base is None or self.kept is None:
            return self._end("unfinished" if self.runs.asked.signal is None else "interrupted")
        if self.kept.edits and self.kept.stopped_by is None:
            return self._ahead(self.kept)
        if not alarms(self.base):
            return self._end("healthy", self.kept)
        self.runs.say("no improvement: the original config is kept")
        return self._end("not cured")

    def _ahead(self, best: Attempt) -> Record:
        """Another rate was better at the beginning, and trained to its end; the config's own was not."""
        tried = sum(one.seconds for one in self.record.attempts if one.trial)
        self.runs.say(f"the trials took {tried:,.0f} s, the training {best.seconds:,.0f} s")
        self._write(self._cured_text(best))
        return self._end("ahead", best)

    def _cured_text(self, best: Attempt) -> str:
        """The user's own text with the changes, where it can take them all; else the config that was trained."""
        trained = [one for one in self.record.attempts[: best.number] if not one.trial]
        changes = {edit.parameter: edit.now for one in trained for edit in one.edits}
        rewrite = read_config(self.order.config).rewrite(changes)
        return Path(best.config).read_text("utf-8") if rewrite.refused else rewrite.text

    def _write(self, text: str) -> None:
        path = self.order.out / f"{CURED}{self.order.config.suffix}"
        write_whole(path, text.encode("utf-8"))
        self.runs.say(f"the cured config: {path}")

    def _alone(self, best: Attempt) -> None:
        """Train with each edit alone, against the first run, and say what it did."""
        began = next(one for one in self.record.attempts if not one.trial)
        first = self.runs.recalled(began)
        for edit in best.edits if len(best.edits) > 1 and first is not None else ():
            number = 1 + self.record.attempts[-1].number
            config = self.order.out / f"only-{edit.parameter}.yaml"
            source = self.runs.config_of(began)
            write_whole(config, source.rewrite({edit.parameter: edit.now}).text.encode("utf-8"))
            _, diagnosis = self.runs.trained(self.runs.attempt(number, config, (edit,), best.resume))
            if self.runs.asked.signal is not None or diagnosis is None or first is None:
                return
            stopped = bool(began.stopped_by)
            found = compare(first.facts, diagnosis.facts, noise=self.order.noise, stopped=stopped)
            self.runs.say(f"{edit.parameter} = {edit.now} alone: {found.sentence}")
            alone = {
                "parameter": edit.parameter,
                "now": edit.now,
                "improved": found.improved,
                "sentence": found.sentence,
            }
            self.runs.put_down(replace(self.record, helped=(*self.record.helped, alone)))

    def _out_of_time(self, attempt: Attempt, diagnosis: Diagnosis | None) -> Record:
        """The budget ended this training: a change that is better by then is kept, anything else is not known yet."""
        said = f"the time of --budget is over: attempt {attempt.number} was stopped"
        self.runs.say(f"{said} at step {attempt.last_step:,}" if attempt.last_step is not None else said)
        if diagnosis is not None and self.base is not None and self._judged(attempt, diagnosis).accepted:
            return self._finished()
        self.runs.keep(replace(attempt, reason="stopped at the end of --budget"))
        self.runs.say("nothing is concluded; the same command with more time goes on from here")
        return self._end("unfinished")

    def _failed(self, attempt: Attempt) -> Record:
        """The trainer died by itself, or logged nothing."""
        if self.base is None:
            if attempt.status == 0:
                self.runs.say(f"no loss was found in {self.runs.places(attempt)}; give --logs")
            return self._end("failed")
        self.runs.keep(replace(attempt, accepted=False, reason="the trainer ended with an error, or logged nothing"))
        return self._finished()

    def _end(self, verdict: str, chosen: Attempt | None = None) -> Record:
        number = None if chosen is None else chosen.number
        return self.runs.put_down(replace(self.record, verdict=verdict, chosen=number))
