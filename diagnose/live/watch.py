"""A run that is still being written, diagnosed again and again: typed events for whoever listens.

Only what is new in the logs is read. Between two looks it waits at least a hundred times as long as the last one took
of the processor, so that watching costs a training less than one percent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np

from diagnose.config import Config
from diagnose.engine import examine
from diagnose.errors import LogError
from diagnose.facts import Facts, Hints
from diagnose.finding import Diagnosis, Finding, Severity
from diagnose.gather import configs_near, facts_of, read_settings
from diagnose.live.news import News, last_step
from diagnose.readers import follow
from diagnose.remedies.evidence import planned_end
from diagnose.run import Role, Run

COST = 0.01
"""Share of one processor that watching may take. Source: the promise to users."""
RECENT = 20
"""Points from which the speed is taken. Source: our choice: a pause for evaluation weighs little among as many."""
SILENT = 20.0
"""Times the usual wait between two points after which a log counts as silent. Source: our choice, with a floor."""
LEAST_SILENCE = 600.0
"""Seconds; evaluations and checkpoints of large models take minutes."""


class End(str, Enum):
    """Why watching ended."""

    DONE = "done"
    """The planned end was reached, the trainer's process is gone, or the log fell silent."""
    ERROR = "error"
    """An error was confirmed."""
    ONCE = "once"
    """One look was asked for."""


@dataclass(frozen=True, slots=True)
class NewFinding:
    """A finding that was not there before, and has been said at two points in a row."""

    finding: Finding
    step: int
    """Of the training loss, when it was confirmed."""
    diagnosis: Diagnosis


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the run is, after each look that brought something new."""

    step: int
    diagnosis: Diagnosis
    steps_per_second: float | None = None
    planned: int | None = None
    """The last step, as the config asks for it."""
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The last event."""

    end: End
    diagnosis: Diagnosis | None
    """None where nothing was ever logged."""


Event = NewFinding | Progress | Ended


@dataclass(eq=False)
class Watch:
    """One watched place. `look` reads what is new and gives the diagnosis, or None where nothing is."""

    place: str | Path
    hints: Hints = Hints()
    _looks: Iterator[Run | None] | None = None
    _config: Config | None = None
    _config_of: str = ""

    def look(self) -> Diagnosis | None:
        """The run as it is now, judged; None if nothing is new. Raises LogError while the place is not there."""
        if self._looks is None:
            self._looks = follow(self.place)
        try:
            run = next(self._looks)
        except LogError:
            self._looks = None  # a generator that has raised is spent
            raise
        return None if run is None else examine(self._facts(run))

    def _facts(self, run: Run) -> Facts:
        """The run with its config, which is looked for once a run."""
        if self._config_of != run.source:
            near = [read_settings(self.hints.config)] if self.hints.config is not None else configs_near(run)
            self._config = near[0] if len(near) == 1 else None
            self._config_of = run.source
        return facts_of(run, self.hints, self._config)


def watch(
    place: str | Path,
    hints: Hints = Hints(),
    *,
    interval: float = 5.0,
    once: bool = False,
    until: End = End.DONE,
    alive: Callable[[], bool] = lambda: True,
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[Event]:
    """Follow the run at `place` (of several the one written to last) and report what changes.

    `until`: ERROR ends at the first confirmed error too. `alive`: whether the trainer still lives; after its end one
    more look is taken. Raises LogError where the place is not there with `once`; else it is waited for.
    """
    watched, news = Watch(place, hints), News()
    diagnosis: Diagnosis | None = None
    last_news, looked = time.monotonic(), False
    while True:
        over, cost = not alive(), time.process_time()
        found = _look(watched, must=once)
        if found is not None:
            diagnosis, last_news = found, time.monotonic()
            fresh = news.take(found)
            yield progress(found)
            yield from (NewFinding(finding, last_step(found.facts), found) for finding in fresh)
            if until is End.ERROR and any(finding.severity is Severity.ERROR for finding in fresh):
                yield Ended(End.ERROR, diagnosis)
                return
        if once or over or _finished(diagnosis, time.monotonic() - last_news):
            yield Ended(End.ONCE if once else End.DONE, diagnosis)
            return
        wait(max(interval, (time.process_time() - cost) / COST if looked else 0.0))
        looked = True  # what the first look loads is paid for once


def _look(watched: Watch, *, must: bool) -> Diagnosis | None:
    try:
        return watched.look()
    except LogError:
        if must:
            raise
        return None


def progress(diagnosis: Diagnosis) -> Progress:
    """How far the run is, how fast, and how long it will take."""
    facts = diagnosis.facts
    step, speed, planned = last_step(facts), speed_of(facts), planned_end(facts)
    left = None if speed is None or planned is None or planned < step else (planned - step) / speed
    return Progress(step, diagnosis, speed, planned, left)


def speed_of(facts: Facts) -> float | None:
    """Steps (or epochs) a second over the last points; None where the log has no times."""
    train = facts.curve(Role.TRAIN_LOSS)
    if train is None or train.wall_times is None or len(train) < 2:
        return None
    seconds = float(train.wall_times[-1] - train.wall_times[-RECENT:][0])
    steps = int(train.steps[-1] - train.steps[-RECENT:][0])
    return steps / seconds if np.isfinite(seconds) and seconds > 0 and steps > 0 else None


def _finished(diagnosis: Diagnosis | None, silence: float) -> bool:
    """Whether the planned end is reached, or the log has been silent for far longer than it ever was."""
    if diagnosis is None:
        return False
    facts = diagnosis.facts
    planned = planned_end(facts)
    if planned is not None and last_step(facts) >= planned:
        return True
    train = facts.curve(Role.TRAIN_LOSS)
    if train is None or train.wall_times is None or len(train) < 2:
        return silence > LEAST_SILENCE
    usual = float(np.median(np.diff(train.wall_times[-RECENT:])))
    return silence > max(LEAST_SILENCE, SILENT * usual)
