"""Ctrl-C and SIGTERM ask training to save and leave, instead of killing it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Stopped:
    """Whether a signal has come."""

    signal: int | None = None


@contextmanager
def noticed() -> Iterator[Stopped]:
    """Within the block, the first SIGINT or SIGTERM is only noted; a second one acts as ever."""
    stopped = Stopped()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: FrameType | None) -> None:
        stopped.signal = number
        for other, handler in before.items():
            signal.signal(other, handler)

    for number in before:
        signal.signal(number, note)
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
