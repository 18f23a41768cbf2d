"""What is known of a log beside its curves: where it begins, how it ended, how much of it could be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class Axis(str, Enum):
    """What the step numbers of a curve count."""

    STEP = "step"
    EPOCH = "epoch"
    TIME = "second"


@dataclass(frozen=True, eq=False)
class Attachment:
    """A sound or a text that the log holds, read only when it is asked for."""

    kind: str
    """`audio` (an encoded sound, most often wav) or `text` (UTF-8)."""
    tag: str
    step: int
    wall_time: float
    """Seconds since 1970."""
    load: Callable[[], bytes]
    """Reads it. Raises OSError where the file is gone."""


@dataclass(frozen=True, slots=True)
class InputHealth:
    """How much of the input was read, and how much of it was damaged."""

    files: int = 0
    records: int = 0
    bad_records: int = 0
    bytes_skipped: int = 0
    metric_lines: int = 0
    """Lines of text that name a metric and hold a number."""
    unread_lines: int = 0
    """Those of them of which no number was taken."""
    unread_example: str = ""
    """The first of these lines."""

    @property
    def unread_share(self) -> float:
        """The share of the metric lines of which nothing was taken."""
        return self.unread_lines / self.metric_lines if self.metric_lines else 0.0

    def __add__(self, other: InputHealth) -> InputHealth:
        return InputHealth(
            self.files + other.files,
            self.records + other.records,
            self.bad_records + other.bad_records,
            self.bytes_skipped + other.bytes_skipped,
            self.metric_lines + other.metric_lines,
            self.unread_lines + other.unread_lines,
            self.unread_example or other.unread_example,
        )


class EndingKind(str, Enum):
    """How a log ended, where it says so."""

    FINISHED = "finished"
    """The trainer said that it was done, or stopped early on purpose."""
    DIED = "died"
    """A traceback or a fatal signal."""
    OUT_OF_MEMORY = "out of memory"
    KILLED = "killed"
    """From outside: a scheduler, its time limit, the operating system."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The last thing that a log says of the training."""

    kind: EndingKind
    line: str
    """The line that says so, as it is."""
    step: int | None = None
    """The last step (or epoch) that was logged before it."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a log begins, if not with the training."""

    at: int
    """The first step (or epoch) in it."""
    axis: Axis
    line: str = ""
    """The line that reports a resumed training; empty where only the count does."""
