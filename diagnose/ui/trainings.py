"""Trainings that a page has started: written down, so that a closed browser or a restarted server loses nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

from diagnose.errors import TrainerError
from diagnose.files import write_whole
from diagnose.live.child import Child, start
from diagnose.live.command import filled

BUNDLED = (sys.executable, "-m", "diagnose", "train", "{config}", "--out", "{log_dir}", "--resume-from", "{resume}")
"""How the bundled trainer is started."""
LATEST = "latest"
"""What the bundled trainer takes for its newest checkpoint."""
BOOK = "trainings.json"
OWN = ".ttsdoc"
"""Folder below the root for what the page writes down; hidden, so that nobody takes it for logs."""
LAST_BYTES = 16_384
"""Of a trainer's output that are shown."""


@dataclass(frozen=True, slots=True)
class Training:
    """One process that was started from a page."""

    name: str
    config: str
    folder: str
    """Where it logs."""
    console: str
    """The file that holds what it printed."""
    pid: int
    born: str
    """When the process began, as the system reports it: a later process may get the same number."""


class Trainings:
    """The trainings below one root. Safe to use from several threads."""

    def __init__(self, root: Path, command: Sequence[str] | None = None) -> None:
        self.root = root.resolve()
        self.command = tuple(command or BUNDLED)
        self._bundled = command is None
        self._children: dict[int, Child] = {}
        self._lock = threading.Lock()

    def every(self) -> list[Training]:
        """All that were ever started, the newest first; empty where the book is damaged."""
        try:
            entries = json.loads((self.root / OWN / BOOK).read_bytes())
            return [Training(**entry) for entry in entries]
        except (OSError, ValueError, TypeError):
            return []

    def named(self, name: str | None) -> Training | None:
        """The training of this name; the newest where none is given."""
        known = self.every()
        return next((one for one in known if one.name == name), known[0] if known and not name else None)

    def start(self, config: Path, name: str | None = None) -> Training:
        """Train with `config` in a new folder below `runs/`. Raises TrainerError where it cannot be started."""
        with self._lock:
            folder = free(self.root / "runs" / (name or config.stem))
            folder.mkdir(parents=True)
            return self._begin(config, folder, None)

    def resume(self, training: Training, checkpoint: str | None) -> Training:
        """Go on in the same folder. `checkpoint`: the newest known; raises TrainerError where there is none."""
        with self._lock:
            if self.running(training):
                raise TrainerError(f"{training.name} is running")
            wanted = LATEST if self._bundled else checkpoint
            if wanted is None:
                raise TrainerError(f"{training.name}: no checkpoint to continue from was found")
            return self._begin(Path(training.config), Path(training.folder), wanted)

    def stop(self, training: Training) -> None:
        """Ask it, as Ctrl-C does, to save and leave."""
        if self.running(training):
            with suppress(ProcessLookupError):
                os.kill(training.pid, signal.SIGINT)

    def running(self, training: Training) -> bool:
        """Whether its process lives, also where an earlier server started it."""
        child = self._children.get(training.pid)
        if child is not None:
            return child.running
        return _born(training.pid) == training.born != ""

    def status(self, training: Training) -> int | None:
        """Its exit status, where this server started it and it has ended."""
        child = self._children.get(training.pid)
        return None if child is None else child.process.poll()

    def _begin(self, config: Path, folder: Path, resume: str | None) -> Training:
        own = self.root / OWN
        own.mkdir(exist_ok=True)
        console = own / f"{folder.name}.console"
        console.unlink(missing_ok=True)
        child = start(filled(self.command, config, folder, resume), console)
        pid = child.process.pid
        self._children[pid] = child
        training = Training(folder.name, str(config), str(folder), str(console), pid, _born(pid))
        others = [one for one in self.every() if one.name != training.name]
        book = json.dumps([asdict(one) for one in (training, *others)], indent=1)
        write_whole(own / BOOK, book.encode())
        return training


def free(path: Path) -> Path:
    """The path, with a number where something is there already."""
    numbered = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(2))
    return path if not path.exists() else next(one for one in numbered if not one.exists())


def last_words(training: Training) -> str:
    """The end of what the trainer printed."""
    try:
        with Path(training.console).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - LAST_BYTES))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def _born(pid: int) -> str:
    """When a living process began; empty where there is none, or only what is left of a dead one."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        if Path("/proc/self/stat").exists():
            return ""
        shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S607 - the system's own ps
        return shown.stdout.strip()
    return "" if stat[0] == "Z" else stat[19]
