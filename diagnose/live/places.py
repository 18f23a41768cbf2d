"""Where a trainer's log may appear: several places, the surest first, of which the one that says enough counts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from diagnose.errors import LogError
from diagnose.facts import Hints
from diagnose.finding import Diagnosis, Finding
from diagnose.live.news import News
from diagnose.live.watch import Watch
from diagnose.run import Curve, Role

ENOUGH = 20
"""Points of the training loss with which a place says enough: no place behind it is read any more. Source: our choice:
some trainers write events once per evaluation, and print every tenth step."""
RICHER = 4
"""Times as many points for which a later place counts instead. Source: our choice."""


class Places:
    """The places of one run, looked at in turn."""

    def __init__(self, places: Sequence[Path], hints: Hints) -> None:
        self.places = tuple(places)
        self.latest: Diagnosis | None = None
        """The newest diagnosis of the place that counts."""
        self._watches = [Watch(place, hints) for place in places]
        self._seen: dict[int, Diagnosis] = {}
        """Place -> its newest diagnosis."""
        self._counts = 0
        self._news = News()
        self._old: dict[int, Diagnosis] = {}
        """Place -> what lay there before the run, until anything else is there."""

    def __str__(self) -> str:
        return ", ".join(map(str, self.places))

    def pass_over(self) -> None:
        """Take what is there already for another run's: the log of the last attempt, in the same folder."""
        found = ((number, _look(watch)) for number, watch in enumerate(self._watches))
        self._old = {number: old for number, old in found if old is not None}

    def look(self) -> Diagnosis | None:
        """The run as it is now, judged; None if nothing is new."""
        news = set()
        for number, watch in enumerate(self._watches):
            found = _look(watch)
            if found is not None and _points(found) and not self._is_old(number, found):
                self._seen[number] = found
                news.add(number)
            if number in self._seen and _points(self._seen[number]) >= ENOUGH:
                break
        if not news:
            return None
        most = max(map(_points, self._seen.values()))
        self._counts = next(place for place in sorted(self._seen) if RICHER * _points(self._seen[place]) >= most)
        self.latest = self._seen[self._counts]
        return self.latest if self._counts in news else None

    def _is_old(self, number: int, found: Diagnosis) -> bool:
        old = self._old.get(number)
        if old is not None and _same(old.run.curve(Role.TRAIN_LOSS), found.run.curve(Role.TRAIN_LOSS)):
            return True
        self._old.pop(number, None)  # a run that repeats the last one comes to equal it again
        return False

    def sure(self, diagnosis: Diagnosis) -> list[Finding]:
        """What is confirmed: news, and what was news before and is still found."""
        self._news.take(diagnosis)
        return self._news.sure(diagnosis)


def _points(diagnosis: Diagnosis) -> int:
    train = diagnosis.run.curve(Role.TRAIN_LOSS)
    return 0 if train is None else len(train)


def _same(one: Curve | None, other: Curve | None) -> bool:
    if one is None or other is None:
        return one is other
    equal = np.array_equal(one.values, other.values, equal_nan=True)
    return bool(equal and np.array_equal(one.steps, other.steps))


def _look(watch: Watch) -> Diagnosis | None:
    try:
        return watch.look()
    except LogError:
        return None
