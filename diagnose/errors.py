"""What a user can repair. Each message is one line: where, what is wrong, what to do. The exit status is 2."""

from __future__ import annotations

import traceback
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path

UNFORESEEN = "(an error in ttsdoc: please report it)"
"""How a line on an error ends that nobody foresaw."""


class TtsdocError(Exception):
    """Something that the user can repair: the base of all errors that ttsdoc raises on purpose."""


class LogError(TtsdocError):
    """A log that cannot be read."""


class ConfigError(TtsdocError):
    """A config that cannot be read or written."""


class DataError(TtsdocError):
    """A data set that cannot be read."""


class TrainerError(TtsdocError):
    """A training that cannot start or go on."""


class SourceError(TtsdocError):
    """A trainer whose source cannot be read, or that cannot be started."""


def unforeseen(error: BaseException) -> str:
    """One line on an error that nobody foresaw: what it says, and where in ttsdoc it came up."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(Path(__file__).parent)]
    place = f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    words = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}{place}{f': {words}' if words else ''} {UNFORESEEN}"


def did_you_mean(name: str, known: Collection[str]) -> str:
    """`; did you mean overfitting?`, or nothing."""
    close = get_close_matches(name, known, n=1) or get_close_matches(name.upper(), known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
