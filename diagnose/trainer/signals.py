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
def noticed(*, patient: bool) -> Iterator[Stopped]:
    """Within the block, the first SIGINT or SIGTERM is only noted; a second one acts as ever.

    `patient`: so is the second. Under torchrun a Ctrl-C comes twice, from the terminal and from torchrun,
    which itself kills those that have not left after 30 s.
    """
    stopped = Stopped()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: FrameType | None) -> None:
        stopped.signal = number
        if patient:
            return
        for other, handler in before.items():
            signal.signal(other, handler)

    for number in before:
        signal.signal(number, note)
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
