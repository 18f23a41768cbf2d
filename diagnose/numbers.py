"""Numbers as configs hold them and as people write them."""

from __future__ import annotations

import sys
from math import floor, log10
from typing import TypeGuard

Number = int | float
PlainValue = str | int | float | bool
"""What a config holds at one place."""
Value = PlainValue | tuple[float, ...]
"""That, or a list of numbers (`betas`)."""


def is_number(value: object) -> TypeGuard[Number]:
    """Whether it is a number to calculate with: a switch is none, nor what is too large for a float."""
    return isinstance(value, float) or (type(value) is int and abs(value) <= sys.float_info.max)


def round_to(value: float, digits: int) -> float:
    """Rounded to so many significant digits, so that 0.3 x 3e-4 is 9e-05 and not 8.999999999999999e-05."""
    return value if value == 0 else round(value, digits - 1 - floor(log10(abs(value))))


def round_count(value: float, digits: int = 1) -> int:
    """A count that a person would choose: so many significant digits, at least 1; nobody wants 191 epochs."""
    return max(1, int(round_to(max(value, 1.0), digits)))
