"""Ctrl-C and SIGTERM ask for an end, instead of killing."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Asked:
    """Whether an end was asked for."""

    signal: int | None = None


@contextmanager
def interruptible(*, patient: bool = False) -> Iterator[Asked]:
    """Within the block, the first SIGINT or SIGTERM is only noted; a second one acts as ever.

    `patient`: so is the second. Under torchrun a Ctrl-C comes twice, from the terminal and from torchrun, which itself
    kills those that have not left after 30 s. A child that starts in the block begins with the usual handling of both,
    even where this process ignores them.
    """
    asked = Asked()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: FrameType | None) -> None:
        asked.signal = number
        for other, handler in () if patient else before.items():
            signal.signal(other, handler if handler is not signal.SIG_IGN else signal.SIG_DFL)

    for number in before:
        signal.signal(number, note)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
