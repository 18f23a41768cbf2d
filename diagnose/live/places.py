"""Where a trainer's log may appear: several places, the surest first, of which the first that has one counts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from diagnose.errors import LogError
from diagnose.facts import Hints
from diagnose.finding import Diagnosis, Finding
from diagnose.live.watch import Watch
from diagnose.run import Role


class Places:
    """The places of one run, looked at in turn."""

    def __init__(self, places: Sequence[Path], hints: Hints) -> None:
        self.places = tuple(places)
        self.latest: Diagnosis | None = None
        """The newest diagnosis of the place that counts."""
        self._watches = [Watch(place, hints) for place in places]
        self._counts: Watch | None = None

    def look(self) -> Diagnosis | None:
        """The run as it is now, judged; None if nothing is new."""
        for watch in self._watches:
            found = _look(watch)
            if found is not None and found.run.curve(Role.TRAIN_LOSS) is not None:
                self.latest, self._counts = found, watch
                return found
            if watch is self._counts:  # nothing new where the log is: the places behind it do not matter
                return None
        return None

    def sure(self, diagnosis: Diagnosis) -> list[Finding]:
        """What is confirmed: news, and what was news before and is still found."""
        if self._counts is None:
            return []
        self._counts.news(diagnosis)
        return self._counts.reported(diagnosis)


def _look(watch: Watch) -> Diagnosis | None:
    try:
        return watch.look()
    except LogError:
        return None
