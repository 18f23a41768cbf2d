"""The date and time at which a line of a log was written."""

from __future__ import annotations

import numpy as np

from diagnose.readers.columns.numbers import Bytes
from diagnose.regex import regex
from diagnose.run import FloatArray, IntArray

# `2026-01-31 22:13:20`; a stamp is in front, behind the level of the message at most.
_STAMP = regex(r"(?<![\w.])\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d(?![\d:])")
_FRONT = 80
# Where in a stamp the digits of year, month, day, hour, minute and second are.
_DIGITS = ((0, 1, 2, 3), (5, 6), (8, 9), (11, 12), (14, 15), (17, 18))


def stamp_in(line: str) -> int | None:
    """Where the stamp of a line begins, if it has one."""
    found = _STAMP.search(line, 0, _FRONT)
    return found.start() if found else None


def seconds_at(text: Bytes, starts: IntArray) -> FloatArray:
    """Whole seconds since 1970, shape (n,), of stamps in UTF-8 text; NaN for dates and times that there are not.

    They are read as UTC: what counts is the time between two of them.
    """
    year, month, day, hour, minute, second = (
        sum((text[starts + place].astype(np.int64) - ord("0")) * 10**power for power, place in enumerate(digits[::-1]))
        for digits in _DIGITS
    )
    real = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (hour < 24) & (minute < 60) & (second <= 60)
    months = (12 * (year - 1970) + np.clip(month, 1, 12) - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int64) + day - 1
    return np.where(real, 86400.0 * days + 3600 * hour + 60 * minute + second, np.nan)
