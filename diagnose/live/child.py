"""The trainer as a child process: started, listened to, asked once to stop, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from diagnose.errors import TrainerError

GRACE = 60.0
"""Seconds for a trainer to save and leave after it was asked to. Source: our choice: a checkpoint of gigabytes is
written in less."""
LAST_GRACE = 5.0
"""Seconds between asking the whole process group to end and killing it."""
LAST_LINES = 20
"""Lines of a trainer's output that are shown when it died by itself: a traceback, and what came before it."""
TAIL_BYTES = 16_384


@dataclass(eq=False)
class Child:
    """A running trainer. What it prints goes straight into a file, so that it outlives a crash of ours."""

    process: subprocess.Popen[bytes]
    console: Path
    began: float = field(default_factory=time.monotonic)
    _shown: int = 0

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.process.poll() is None

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self.began

    def wait(self, seconds: float) -> None:
        """Until it ends, so many seconds at most."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(max(seconds, 0.0))

    def echo(self, to: BinaryIO) -> None:
        """Copy what it has printed since the last time."""
        with self.console.open("rb") as file:
            file.seek(self._shown)
            new = file.read()
        self._shown += len(new)
        to.write(new)
        to.flush()

    def stop(self, number: int = signal.SIGINT) -> None:
        """Ask it once to save and leave; end its whole group only if it does not."""
        if not self.running:
            return
        try:
            self.process.send_signal(number)
            self.wait(GRACE)
            self._end_group(signal.SIGTERM)
        finally:  # a second Ctrl-C comes as an exception: nothing is left behind
            self._end_group(signal.SIGKILL)

    def _end_group(self, number: int) -> None:
        if self.running:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            self.wait(LAST_GRACE)

    def last_lines(self) -> list[str]:
        """The end of what it printed."""
        with self.console.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL_BYTES))
            text = file.read().decode(errors="replace")
        lines = text.replace("\r", "\n").splitlines()
        return [line for line in lines if line.strip()][-LAST_LINES:]


def alive(pid: int) -> bool:
    """Whether a process of that number runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def start(command: Sequence[str], console: Path, environment: Mapping[str, str] | None = None) -> Child:
    """Run `command` in a session of its own, so that a Ctrl-C reaches it through us alone, and once.

    Raises TrainerError where there is no such program.
    """
    variables = {**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})}
    with console.open("ab") as out:
        try:
            process = subprocess.Popen(
                list(command), stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, env=variables
            )
        except OSError as error:
            raise TrainerError(f"{command[0]}: cannot be started ({error.strerror or error})") from error
    return Child(process, console)
