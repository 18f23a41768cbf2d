"""The loop around a trainer: run it, watch it, stop it at a confirmed fault, change what the evidence asks for, repeat.

A change is kept only where the run is better than before by more than noise; else the original config is kept.
"""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from diagnose.config import Config, read_config
from diagnose.errors import TrainerError
from diagnose.files import write_whole
from diagnose.finding import Diagnosis, Finding
from diagnose.interrupt import Asked, interruptible
from diagnose.live.child import Child, alive, start
from diagnose.live.command import filled, parameters_in
from diagnose.live.history import remember
from diagnose.live.news import last_step
from diagnose.live.order import Order
from diagnose.live.places import Places
from diagnose.live.record import Attempt, Change, Record, Seen, read_record
from diagnose.live.stops import (
    alarms,
    died,
    held_out,
    last_good,
    of_the_run,
    only_memorised,
    with_fault,
    worth_a_stop,
)
from diagnose.live.verdict import compare, score
from diagnose.plan import Plan, plan
from diagnose.remedies.rate import HALF

RECORD = "heal.json"
CURED = "cured"
"""Name of the cured config; it ends as the given one does."""
CONSOLE = "console.log"


def heal(order: Order, say: Callable[[str], None]) -> Record:
    """Until the run is healthy, cured, or nothing more can be done. `say` gets what a person should read.

    Goes on with a healing in the same folder that was cut off. Raises ConfigError, TrainerError, LogError.
    """
    if not (order.out / RECORD).exists():
        read_config(order.config)  # before anything is written: what cannot begin leaves no folder behind
        filled(order.command, order.config, order.out, None)
    order.out.mkdir(parents=True, exist_ok=True)
    with interruptible() as asked:
        return _Healing(order, say, asked).run()


@dataclass(eq=False)
class _Healing:
    """The state of one loop."""

    order: Order
    say: Callable[[str], None]
    asked: Asked
    record: Record = field(init=False)
    base: Diagnosis | None = None
    """The run to be better than."""
    began: float = field(default_factory=time.monotonic)

    def run(self) -> Record:
        attempt: Attempt | None = self._first()
        while attempt is not None:
            attempt, diagnosis = self._trained(attempt)
            if self.asked.signal is not None:
                return self._end("interrupted")
            if diagnosis is None or (attempt.stopped_by is None and died(attempt.status, diagnosis)):
                return self._failed(attempt)
            attempt = self._judged(attempt, diagnosis)
            if not alarms(diagnosis):
                attempt = self._halved(attempt)
                continue
            made = self._plan(attempt, diagnosis)
            if only_memorised(diagnosis):
                return self._kept(attempt, made)
            attempt = self._following(attempt, diagnosis, made)
        return self._finished()

    def _first(self) -> Attempt:
        """The attempt to begin with; of a healing that was cut off, its last one again, from where it came to."""
        path = self.order.out / RECORD
        if not path.exists():
            self.record = Record(str(self.order.config), self.order.command)
            return self._attempt(1, self.order.config, (), None)
        self.record = read_record(path)
        if self.record.verdict not in ("unfinished", "interrupted") or not self.record.attempts:
            raise TrainerError(f"{self.order.out}: holds a finished healing; choose another --out")
        last = self.record.attempts[-1]
        if last.pid is not None and alive(last.pid):
            raise TrainerError(f"attempt {last.number} still runs as process {last.pid}: stop it, then go on")
        earlier = [one for one in self.record.attempts[:-1] if one.number == 1 or one.accepted]
        self.base = self._recalled(earlier[-1]) if earlier else None
        found = self._recalled(last)
        states = [] if found is None else [one.file for one in found.facts.checkpoints]
        how = "was never started" if last.pid is None else "was cut off" if last.status is None else "has ended"
        self.say(f"going on after attempt {last.number}, which {how}")
        return self._attempt(last.number + 1, Path(last.config), last.edits, states[-1] if states else last.resume)

    def _attempt(self, number: int, config: Path, edits: tuple[Change, ...], resume: str | None) -> Attempt:
        logs = self.order.out / f"attempt-{number}" / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        wanted = resume if any("{resume}" in word for word in self.order.command) else None
        command = filled(self.order.command, config, logs, wanted)
        return Attempt(number, str(config), str(logs), command, edits, wanted)

    def _trained(self, attempt: Attempt) -> tuple[Attempt, Diagnosis | None]:
        """Run it to its end, or stop it for a confirmed fault."""
        self._keep(attempt)
        self.say(f"attempt {attempt.number}: {shlex.join(attempt.command)}")
        places, console = self._places(attempt), self._console(attempt)
        child = start(attempt.command, console)
        self._keep(replace(attempt, pid=child.process.pid))
        fault = None
        try:
            fault = self._follow(child, places, last=attempt.number >= self.order.attempts)
        finally:
            child.stop(self.asked.signal or 2)
        places.look()
        self._echo(child)
        status = child.process.returncode
        if status and fault is None and self.asked.signal is None and not self._spent():
            for line in ("the trainer ended with an error; its last lines:", *child.last_lines()):
                self.say(line)
        diagnosis = None if places.latest is None else with_fault(remember(places.latest), fault)
        seconds = round(child.seconds, 1)
        attempt = replace(attempt, stopped_by=fault.name if fault else None, status=status, seconds=seconds)
        attempt = self._with_outcome(attempt, diagnosis)
        self._keep(attempt)
        return attempt, None if diagnosis is None else of_the_run(diagnosis)

    def _follow(self, child: Child, places: Places, *, last: bool) -> Finding | None:
        """Look until the child ends, the user asks for it, the budget is spent, or a fault is sure."""
        while child.running:
            child.wait(self.order.interval)
            self._echo(child)
            if self.asked.signal is not None or self._spent():
                return None
            found = places.look()
            if found is None:
                continue
            fault = next((one for one in places.sure(found) if worth_a_stop(found, one, last=last)), None)
            if fault is not None and child.running:
                step = last_step(found.facts)
                self.say(f"stopped at step {step:,}: {fault.code} {fault.name}: {fault.message}")
                return fault
        return None

    def _with_outcome(self, attempt: Attempt, diagnosis: Diagnosis | None) -> Attempt:
        judged = replace(attempt, held_out_loss=held_out(Path(attempt.log_dir)))
        if diagnosis is None:
            return judged
        facts = diagnosis.facts
        found = tuple(Seen.of(one) for one in diagnosis.findings if one.alarming)
        states = tuple(one.file for one in facts.checkpoints)
        judged = replace(judged, findings=found, last_step=last_step(facts), checkpoints=states)
        return judged.scored(score(facts))

    def _judged(self, attempt: Attempt, diagnosis: Diagnosis) -> Attempt:
        """With whether it is better than the one before; if so, it is what the next must be better than."""
        if self.base is None:
            self.base = diagnosis
            return attempt
        kept = self._kept_so_far()
        found = compare(self.base.facts, diagnosis.facts, noise=self.order.noise, stopped=bool(kept.stopped_by))
        before, after = kept.held_out_loss, attempt.held_out_loss
        lucky = found.improved and before is not None and after is not None and after >= before
        reason = f"{found.sentence}; but not on the held-out clips" if lucky else found.sentence
        self.say(f"attempt {attempt.number}: {reason}")
        self.record = replace(self.record, noise={"value": found.noise.value, "how": found.noise.how})
        attempt = replace(attempt, accepted=found.improved and not lucky, reason=reason)
        self._keep(attempt)
        if attempt.accepted:
            self.base = diagnosis
        return attempt

    def _kept_so_far(self) -> Attempt:
        """The attempt whose run is the one to be better than."""
        accepted = [one for one in self.record.attempts if one.accepted]
        return accepted[-1] if accepted else self.record.attempts[0]

    def _plan(self, attempt: Attempt, diagnosis: Diagnosis) -> Plan:
        """What the evidence asks for, without what rests on the guide alone."""
        config = self._config(attempt)
        settings = {name: setting.value for name, setting in config.values.items()}
        facts = replace(diagnosis.facts, config=config, settings=settings)
        # What is unsafe is tried, and kept only if better.
        passed = parameters_in(self.order.command, config)
        return plan(replace(diagnosis, facts=facts), only=passed, minimal=True, unsafe=True)

    def _config(self, attempt: Attempt) -> Config:
        """What the attempt was trained with: the config that the trainer wrote, else the one that it was given."""
        written = Path(attempt.log_dir) / (self.order.written_config or ".")
        return read_config(written if written.is_file() else Path(attempt.config))

    def _following(self, attempt: Attempt, diagnosis: Diagnosis, made: Plan) -> Attempt | None:
        """The attempt that follows; None where nothing may or can be tried."""
        if not made.applied or made.after == made.before:
            self.say("nothing more to change: no measured or cited cure is left")
            return None
        if not self._may_go_on(attempt):
            return None
        edits = tuple(Change.of(edit) for edit in made.applied)
        return self._with_config(attempt, made.after, edits, last_good(diagnosis))

    def _halved(self, attempt: Attempt) -> Attempt | None:
        """After a lower rate that is healthy and no better: half of it, once more. None where nothing was lowered."""
        lowered = next(
            (edit for edit in attempt.edits if edit.parameter == "learning_rate" and edit.now < edit.was), None
        )
        if attempt.accepted or lowered is None or not self._may_go_on(attempt):
            return None
        rate = float(f"{HALF * lowered.now:.3g}")
        edit = replace(lowered, was=lowered.now, now=rate, why="half: no better than before, and nothing is wrong")
        text = self._config(attempt).rewrite({"learning_rate": rate}).text
        return self._with_config(attempt, text, (edit,), attempt.resume)

    def _may_go_on(self, attempt: Attempt) -> bool:
        if attempt.accepted is False and self.base is not None and alarms(self.base) == {"plateau"}:
            self.say("the trial changed nothing: it may be all that the model can do")
            return False
        if attempt.number < self.order.attempts and not self._spent():
            return True
        self.say(f"no attempt is left after {attempt.number}")
        return False

    def _with_config(self, attempt: Attempt, text: str, edits: tuple[Change, ...], resume: str | None) -> Attempt:
        """The attempt after this one, with its config on disk."""
        for edit in edits:
            self.say(f"  {edit.path}: {edit.was} -> {edit.now}  ({edit.why})")
        config = self.order.out / f"attempt-{attempt.number + 1}" / Path(self.order.config).name
        config.parent.mkdir(parents=True, exist_ok=True)
        write_whole(config, text.encode("utf-8"))
        return self._attempt(attempt.number + 1, config, edits, resume)

    def _kept(self, attempt: Attempt, made: Plan) -> Record:
        """Overfitting: the best checkpoint is the cure, and the config is made to stop there."""
        self.say(f"kept: the checkpoint of step {attempt.best_step}; what came after it only memorised")
        if made.applied:
            self._write(made.after)
        self._keep(replace(attempt, accepted=True, reason="the best checkpoint is kept"))
        return self._end("cured", attempt)

    def _finished(self) -> Record:
        accepted = [one for one in self.record.attempts if one.accepted]
        if accepted:
            best = accepted[-1]
            self._write(self._cured_text(best))
            if self.order.one_at_a_time:
                self._alone(best)
            return self._end("improved" if best.stopped_by else "cured", best)
        if self.base is not None and not alarms(self.base):
            return self._end("healthy", self.record.attempts[-1])
        self.say("no improvement: the original config is kept")
        return self._end("not cured")

    def _cured_text(self, best: Attempt) -> str:
        """The user's own text with the changes, where it can take them all; else the config that was trained."""
        changes = {edit.parameter: edit.now for one in self.record.attempts[: best.number] for edit in one.edits}
        rewrite = read_config(self.order.config).rewrite(changes)
        return Path(best.config).read_text("utf-8") if rewrite.refused else rewrite.text

    def _write(self, text: str) -> None:
        path = self.order.out / f"{CURED}{self.order.config.suffix}"
        write_whole(path, text.encode("utf-8"))
        self.say(f"the cured config: {path}")

    def _alone(self, best: Attempt) -> None:
        """Train with each edit alone, against the first run, and say what it did."""
        first = self._recalled(self.record.attempts[0])
        for edit in best.edits if len(best.edits) > 1 and first is not None else ():
            number = 1 + self.record.attempts[-1].number
            config = self.order.out / f"only-{edit.parameter}.yaml"
            source = self._config(self.record.attempts[0])
            write_whole(config, source.rewrite({edit.parameter: edit.now}).text.encode("utf-8"))
            attempt, diagnosis = self._trained(self._attempt(number, config, (edit,), best.resume))
            if self.asked.signal is not None or diagnosis is None or first is None:
                return
            stopped = bool(self.record.attempts[0].stopped_by)
            found = compare(first.facts, diagnosis.facts, noise=self.order.noise, stopped=stopped)
            self.say(f"{edit.parameter} = {edit.now} alone: {found.sentence}")
            alone = {
                "parameter": edit.parameter,
                "now": edit.now,
                "improved": found.improved,
                "sentence": found.sentence,
            }
            self.record = replace(self.record, helped=(*self.record.helped, alone))
            self._keep(attempt)

    def _failed(self, attempt: Attempt) -> Record:
        """The trainer died by itself, or logged nothing."""
        if self.base is None:
            if attempt.status == 0:
                self.say(f"no loss was found in {', '.join(map(str, self._places(attempt).places))}; give --logs")
            return self._end("failed")
        self._keep(replace(attempt, accepted=False, reason="the trainer ended with an error, or logged nothing"))
        return self._finished()

    def _recalled(self, attempt: Attempt) -> Diagnosis | None:
        """The diagnosis of an attempt that has ended, from its logs."""
        found = self._places(attempt).look()
        return None if found is None else of_the_run(remember(found))

    def _places(self, attempt: Attempt) -> Places:
        folder = Path(attempt.log_dir)
        named = [folder, folder.parent] if any("{log_dir}" in word for word in self.order.command) else []
        given = [self.order.logs] if self.order.logs else []
        hints = self.order.hints
        if self.order.written_config is None:
            hints = replace(hints, config=Path(attempt.config))
        return Places((*given, *named, self._console(attempt)), hints)

    def _console(self, attempt: Attempt) -> Path:
        return Path(attempt.log_dir).parent / CONSOLE

    def _end(self, verdict: str, chosen: Attempt | None = None) -> Record:
        self.record = replace(self.record, verdict=verdict, chosen=None if chosen is None else chosen.number)
        self.record.write(self.order.out / RECORD)
        return self.record

    def _keep(self, attempt: Attempt) -> None:
        self.record = self.record.with_attempt(attempt)
        self.record.write(self.order.out / RECORD)

    def _spent(self) -> bool:
        return self.order.budget is not None and time.monotonic() - self.began > self.order.budget

    def _echo(self, child: Child) -> None:
        if self.order.echo:
            child.echo(sys.stderr.buffer)
