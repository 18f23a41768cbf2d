"""One training after the other, as child processes: started, watched, stopped, and put down in the record."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from diagnose.config import Config, read_config
from diagnose.facts import Facts
from diagnose.files import write_whole
from diagnose.finding import Diagnosis, Finding
from diagnose.interrupt import Asked
from diagnose.live.child import LAST_GRACE, Child, start
from diagnose.live.command import filled, parameters_in
from diagnose.live.history import remember
from diagnose.live.news import last_step
from diagnose.live.order import Order
from diagnose.live.places import Places
from diagnose.live.record import Attempt, Change, Record, Seen
from diagnose.live.stops import DEATHS, held_out, of_the_run, with_fault, worth_a_stop
from diagnose.live.verdict import score
from diagnose.numbers import is_number

RECORD = "heal.json"
CONSOLE = "console.log"
RATE = "learning_rate"
UNSEEN = 300.0
"""Seconds without a loss after which it is asked where the trainer logs. Source: our choice: data and a model are
loaded in less, and a training that nobody can watch costs hours."""

Enough = Callable[[Facts], bool]
"""Whether a training has shown what it was started for."""


@dataclass(eq=False)
class Trainings:
    """What was trained so far, and how the next is."""

    order: Order
    say: Callable[[str], None]
    asked: Asked
    record: Record = field(init=False)
    began: float = field(default_factory=time.monotonic)
    out_of_time: bool = False
    """Whether the end of the budget has stopped a training."""
    _judged: dict[int, Diagnosis] = field(default_factory=dict)
    """Of the attempts of this process, by their numbers."""

    def attempt(
        self, number: int, config: Path, edits: tuple[Change, ...], resume: str | None, logs: Path | None = None
    ) -> Attempt:
        """The next one, with its folder and its command. `logs`: the folder of the run that it goes on with."""
        wanted = resume if any("{resume}" in word for word in self.order.command) else None
        logs = logs if logs is not None and wanted else self.order.out / f"attempt-{number}" / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        command = filled(self.order.command, config, logs, wanted)
        return Attempt(number, str(config), str(logs), command, edits, wanted)

    def to_its_end(self, began: Attempt) -> Attempt:
        """The next one: what was begun, from its newest checkpoint and with its log, else from the beginning."""
        number = self.record.attempts[-1].number + 1
        return self.attempt(number, Path(began.config), began.edits, began.newest, Path(began.log_dir))

    def changed(self, text: str, edits: tuple[Change, ...], resume: str | None) -> Attempt:
        """The next one with a config of its own, which is put down."""
        for edit in edits:
            self.say(f"  {edit.path}: {edit.was} -> {edit.now}  ({edit.why})")
        number = self.record.attempts[-1].number + 1
        config = self.order.out / f"attempt-{number}" / Path(self.order.config).name
        config.parent.mkdir(parents=True, exist_ok=True)
        write_whole(config, text.encode("utf-8"))
        return self.attempt(number, config, edits, resume)

    def at_rate(self, like: Attempt, rate: float, why: str, resume: str | None) -> Attempt | None:
        """The next one: `like` at another rate, with the rates that follow it; None where the config refuses that."""
        config, rate = self.config_of(like), float(f"{rate:.3g}")
        values = {RATE: rate, **{name: value for _, name, value in config.companions({RATE: rate})}}
        passed = parameters_in(self.order.command, config)
        values = {name: value for name, value in values.items() if passed is None or name in passed}
        rewrite, known = config.rewrite(values), config.values
        if rewrite.refused:
            return None
        edits = tuple(Change(name, known[name].path, known[name].value, values[name], why) for name in values)
        return self.changed(rewrite.text, edits, resume)

    def rate_of(self, attempt: Attempt) -> float | None:
        """The rate of an attempt, where the command passes it on."""
        config = self.config_of(attempt)
        setting, passed = config.values.get(RATE), parameters_in(self.order.command, config)
        if setting is None or not is_number(setting.value) or (passed is not None and RATE not in passed):
            return None
        return float(setting.value)

    def trained(self, attempt: Attempt, enough: Enough | None = None) -> tuple[Attempt, Diagnosis | None]:
        """Run it to its end, or stop it for a confirmed fault, or once it has shown `enough`."""
        self.keep(attempt)
        self.say(f"attempt {attempt.number}: {shlex.join(attempt.command)}")
        places, console = self.places(attempt), _console(attempt)
        places.pass_over()
        child = start(attempt.command, console)
        self.keep(replace(attempt, pid=child.process.pid))
        fault, cut = None, False
        try:
            fault, cut = self._follow(child, places, enough)
        finally:
            child.stop(self.asked.signal or 2)
        places.look()
        self._echo(child)
        status = child.process.returncode
        if status and fault is None and not cut and self.asked.signal is None and not self.spent:
            for line in ("the trainer ended with an error; its last lines:", *child.last_lines()):
                self.say(line)
        diagnosis = None if places.latest is None else with_fault(remember(places.latest), fault)
        seconds = round(child.seconds, 1)
        stopped = fault.name if fault else None
        attempt = replace(attempt, trial=cut, stopped_by=stopped, status=status, seconds=seconds)
        attempt = _with_outcome(attempt, diagnosis)
        self.keep(attempt)
        if diagnosis is not None:
            self._judged[attempt.number] = of_the_run(diagnosis)
        return attempt, self._judged.get(attempt.number)

    def _follow(self, child: Child, places: Places, enough: Enough | None) -> tuple[Finding | None, bool]:
        """Look until the child ends, the user asks for it, the budget is spent, a fault is sure, or it is enough."""
        unseen = UNSEEN
        while child.running:
            child.wait(self.order.interval)
            self._echo(child)
            if self.asked.signal is not None or self.spent:
                self.out_of_time = child.running and self.asked.signal is None
                return None, False
            found = places.look()
            if found is None:
                if places.latest is None and child.seconds > unseen:
                    self.say(f"no loss yet in {places}: if the trainer logs elsewhere, press Ctrl-C and give --logs")
                    unseen = float("inf")
                continue
            last = not self.more_allowed
            fault = next((one for one in places.sure(found) if worth_a_stop(found, one, last=last)), None)
            if fault is not None and fault.name in DEATHS:
                child.wait(LAST_GRACE)
                return None, False
            if fault is not None and child.running:
                step = last_step(found.facts)
                self.say(f"stopped at step {step:,}: {fault.code} {fault.name}: {fault.message}")
                return fault, False
            if enough is not None and enough(found.facts) and child.running:
                return None, True
        return None, False

    @property
    def more_allowed(self) -> bool:
        """Whether another whole training may follow."""
        return sum(not one.trial for one in self.record.attempts) < self.order.attempts and not self.spent

    @property
    def may_go_on(self) -> bool:
        """Whether another training may follow, and the user has not asked for the end."""
        return self.more_allowed and self.asked.signal is None

    @property
    def spent(self) -> bool:
        """Whether the budget is."""
        return self.order.budget is not None and time.monotonic() - self.began > self.order.budget

    def config_of(self, attempt: Attempt) -> Config:
        """What the attempt was trained with: the config that the trainer wrote, else the one that it was given."""
        written = Path(attempt.log_dir) / (self.order.written_config or ".")
        return read_config(written if written.is_file() else Path(attempt.config))

    def recalled(self, attempt: Attempt) -> Diagnosis | None:
        """The diagnosis of an attempt that has ended; of one of an earlier process, from its logs."""
        if attempt.number in self._judged:
            return self._judged[attempt.number]
        found = self.places(attempt).look()
        return None if found is None else of_the_run(remember(found))

    def places(self, attempt: Attempt) -> Places:
        """Where its log may appear."""
        folder = Path(attempt.log_dir)
        named = [folder, folder.parent] if any("{log_dir}" in word for word in self.order.command) else []
        newest = attempt.number >= max((one.number for one in self.record.attempts), default=0)
        given = [self.order.logs] if self.order.logs and newest else []  # where one attempt logs after the other
        hints = self.order.hints
        if self.order.written_config is None:
            hints = replace(hints, config=Path(attempt.config))
        return Places((*given, *named, _console(attempt)), hints)

    def keep(self, attempt: Attempt) -> None:
        """Put it into the record, on disk too."""
        self.put_down(self.record.with_attempt(attempt))

    def put_down(self, record: Record) -> Record:
        """Take a new record, on disk too."""
        self.record = record
        record.write(self.order.out / RECORD)
        return record

    def _echo(self, child: Child) -> None:
        if self.order.echo:
            child.echo(sys.stderr.buffer)


def _with_outcome(attempt: Attempt, diagnosis: Diagnosis | None) -> Attempt:
    judged = replace(attempt, held_out_loss=held_out(Path(attempt.log_dir)))
    if diagnosis is None:
        return judged
    facts = diagnosis.facts
    found = tuple(Seen.of(one) for one in diagnosis.findings if one.alarming)
    states = tuple(one.file for one in facts.checkpoints)
    judged = replace(judged, findings=found, last_step=last_step(facts), checkpoints=states)
    return judged.scored(score(facts))


def _console(attempt: Attempt) -> Path:
    return Path(attempt.log_dir).parent / CONSOLE
