"""Runs that pages look at: one watch for each folder, however many browsers look, at a bounded cost."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from diagnose.errors import TtsdocError
from diagnose.finding import Diagnosis
from diagnose.live.watch import COST, Watch
from diagnose.run import Attachment

MOST_SOUNDS = 60
"""Samples to choose from, the newest."""


@dataclass(eq=False)
class Followed:
    """A run so far; looked at again only when that costs less than `COST` of a processor."""

    folder: Path
    diagnosis: Diagnosis | None = None
    version: int = 0
    """Counts the diagnoses: a page that has this one needs no other."""
    trouble: str = ""
    """Why there is none."""
    _watch: Watch = field(init=False)
    _next: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._watch = Watch(self.folder)

    def look(self) -> Diagnosis | None:
        """The newest diagnosis; None while nothing was logged."""
        with self._lock:
            if time.monotonic() >= self._next:
                began = time.process_time()
                self._read()
                self._next = time.monotonic() + (time.process_time() - began) / COST
        return self.diagnosis

    def _read(self) -> None:
        try:
            found = self._watch.look()
        except (TtsdocError, OSError) as error:
            self.trouble = str(error)
            return
        if found is not None:
            self.diagnosis, self.trouble = found, ""
            self.version += 1


class Gallery:
    """All runs that are followed, by folder."""

    def __init__(self) -> None:
        self._followed: dict[Path, Followed] = {}
        self._lock = threading.Lock()

    def of(self, folder: Path) -> Followed:
        """The one watch of this folder."""
        with self._lock:
            return self._followed.setdefault(folder, Followed(folder))

    def forget(self, folder: Path) -> None:
        """Begin anew: a run that is gone on with may drop what it has logged."""
        with self._lock:
            self._followed.pop(folder, None)


def sounds_of(diagnosis: Diagnosis | None) -> list[Attachment]:
    """The samples that a run logged, the newest first."""
    logged = [] if diagnosis is None else [one for one in diagnosis.run.attachments if one.kind == "audio"]
    return sorted(logged, key=lambda one: -one.step)[:MOST_SOUNDS]
