"""The numbers in a text, found and read in vectorised steps.

A number is digits with an optional fraction and exponent. Its sign is not part of it, and digits inside a word
(`loss_0`, `mAP50`, `v1.2`) are no number. Values are those of `float()`, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from diagnose.run import FloatArray, IntArray

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.uint64]
AnyFloats = npt.NDArray[np.floating[Any]]

# A quotient or product of two integers below these bounds is the correctly rounded value (Clinger 1990, the fast path
# of every strtod): both are exact in a double. What is beyond is computed with more bits, else by `float()`.
_EXACT = 9.0e15  # below 2**53 by more than the sizes are rough
_EXACT_POWER = 22
# The same for the 64 bits of an extended double: 5**27 is the last power of five below 2**64.
_EXTENDED = 1.8e19
_EXTENDED_POWER = 27
_HAS_EXTENDED = np.finfo(np.longdouble).nmant >= 63  # not with Microsoft's compiler, nor on Apple's processors
_POWERS = 10.0 ** np.arange(_EXACT_POWER + 1)
_INTEGER_POWERS = np.array([10**power for power in range(20)], np.uint64)
_EXTENDED_POWERS = np.cumprod(np.full(_EXTENDED_POWER + 1, 10, np.longdouble)) / 10
# Digits that are read as integers, eight at a time; a longer run goes to `float()`.
_MOST_DIGITS = 24

_WORD = np.zeros(256, np.bool_)
_WORD[[*range(ord("a"), ord("z") + 1), *range(ord("A"), ord("Z") + 1), ord("_")]] = True


@dataclass(frozen=True, eq=False)
class Numbers:
    """Where the numbers of a text are. All arrays have shape (n,)."""

    text: Bytes
    """The text, with a line feed in front and behind."""
    starts: IntArray
    """First byte."""
    whole: IntArray
    """Behind the digits before the point."""
    point: IntArray
    """Behind the fraction; equals `whole` where there is none."""
    stops: IntArray
    """Behind the exponent; equals `point` where there is none."""

    def values(self, which: IntArray) -> FloatArray:
        """The values of the numbers `which`, shape (m,)."""
        starts, whole, point, stops = (column[which] for column in (self.starts, self.whole, self.point, self.stops))
        fraction = np.maximum(point - whole - 1, 0)
        power = _exponents(self, point, stops) - fraction
        digits, size = _joined(_integers(self, starts, whole - starts), _integers(self, whole + 1, fraction), fraction)
        values: FloatArray = _scaled(digits.astype(np.float64), power, _POWERS).astype(np.float64, copy=False)
        hard = np.flatnonzero((size >= _EXACT) | (np.abs(power) > _EXACT_POWER))
        if len(hard):
            values[hard], sure = _extended(digits[hard], size[hard], power[hard])
            for index in hard[~sure]:
                values[index] = float(self.text[starts[index] : stops[index]].tobytes())
        return values

    @cached_property
    def eights(self) -> Integers:
        """The eight bytes from each place on, the end of the text included, as one integer each."""
        padded = np.concatenate([self.text, np.zeros(9, np.uint8)])
        eights: Integers = np.ndarray(len(self.text) + 1, "<u8", padded, strides=(1,))
        return eights


def find_numbers(text: Bytes) -> Numbers:
    """The numbers in `text`, which begins and ends with a line feed."""
    digit = (text - np.uint8(48)) < 10
    starts = np.flatnonzero(digit[1:] & ~digit[:-1]) + 1
    stops = np.flatnonzero(digit[:-1] & ~digit[1:]) + 1
    fraction, exponent, head = _roles(text, starts, stops)
    first = np.flatnonzero(head)
    after = np.append(fraction, False)[first + 1]
    second = first + after
    power = np.append(exponent, False)[second + 1]
    return Numbers(text, starts[first], stops[first], stops[second], stops[second + power])


def _roles(text: Bytes, starts: IntArray, stops: IntArray) -> tuple[Mask, Mask, Mask]:
    """Which runs of digits are a fraction, an exponent, the head of a number; the others belong to words."""
    before, earlier = text[starts - 1], text[starts - 2]
    gap = starts - np.concatenate([[-9], stops[:-1]])
    signed = ((before == ord("-")) | (before == ord("+"))) & ((earlier | 32) == ord("e")) & (gap == 2)
    exponent = signed | (((before | 32) == ord("e")) & (gap == 1))
    fraction = (before == ord(".")) & (gap == 1)
    fraction &= ~_previous(fraction)
    word = _WORD[before] & ~exponent
    for _ in range(2):
        word |= (fraction | exponent) & _previous(word)
    exponent &= ~_previous(exponent)
    return fraction & ~word, exponent & ~word, ~(fraction | exponent | word)


def _previous(mask: Mask) -> Mask:
    return np.concatenate([[False], mask[:-1]]) if len(mask) else mask


def _integers(numbers: Numbers, starts: IntArray, lengths: IntArray) -> tuple[Integers, FloatArray]:
    """Runs of digits as integers modulo 2**64, and roughly: the latter shows where that is too small."""
    values = _eight_digits(numbers.eights[starts], np.minimum(lengths, 8))
    sizes = values.astype(np.float64)
    for begin in (8, 16):
        longer = np.flatnonzero(lengths > begin)
        if not len(longer):
            return values, sizes
        more = np.minimum(lengths[longer] - begin, 8)
        below = _eight_digits(numbers.eights[starts[longer] + begin], more)
        values[longer] = values[longer] * _INTEGER_POWERS[more] + below
        sizes[longer] = sizes[longer] * _POWERS[more] + below
    sizes[lengths > _MOST_DIGITS] = np.inf
    return values, sizes


def _eight_digits(eights: Integers, lengths: IntArray) -> Integers:
    """The integers that the first digits of eight bytes spell: sums of neighbours in one word (Lemire 2022)."""
    words = (eights ^ np.uint64(0x3030303030303030)) << ((8 - lengths) * 8).astype(np.uint64)
    words = words * np.uint64(10) + (words >> np.uint64(8))
    pairs = np.uint64(0x000000FF000000FF)
    upper = (words & pairs) * np.uint64(100 + (1_000_000 << 32))
    lower = ((words >> np.uint64(16)) & pairs) * np.uint64(1 + (10_000 << 32))
    return np.asarray((upper + lower) >> np.uint64(32))


def _joined(
    lead: tuple[Integers, FloatArray], tail: tuple[Integers, FloatArray], length: IntArray
) -> tuple[Integers, FloatArray]:
    """The digits before and behind the point, `length` of the latter, as one integer; and roughly."""
    digits = lead[0] * _INTEGER_POWERS[np.minimum(length, 19)] + tail[0]
    return digits, lead[1] * _POWERS[np.minimum(length, _EXACT_POWER)] + tail[1]


def _scaled(digits: AnyFloats, power: IntArray, powers: AnyFloats) -> AnyFloats:
    """`digits` times ten to the `power`, where the powers reach."""
    scale = powers[np.minimum(np.abs(power), len(powers) - 1)]
    return np.where(power < 0, digits / scale, digits * scale)


def _extended(digits: Integers, size: FloatArray, power: IntArray) -> tuple[FloatArray, Mask]:
    """Values from 64-bit integers, and which of them are sure.

    The exact value is rounded twice, first to the 64 bits of an extended double. That goes wrong only where the first
    result is in the middle between two doubles.
    """
    sure = (size < _EXTENDED) & (np.abs(power) <= _EXTENDED_POWER) & _HAS_EXTENDED
    wide = _scaled(digits.astype(np.longdouble), power, _EXTENDED_POWERS)
    values = wide.astype(np.float64)
    apart = np.abs(wide - values)
    return values, sure & (apart != np.spacing(np.abs(values)) / 2) & (apart != np.spacing(np.abs(values)) / 4)


def _exponents(numbers: Numbers, points: IntArray, stops: IntArray) -> IntArray:
    """The written exponents, 0 where there is none; beyond the exact range where they are that long."""
    power = np.zeros(len(points), np.int64)
    having = np.flatnonzero(stops > points)
    if len(having):
        mark = numbers.text[points[having] + 1]
        signed = (mark == ord("-")) | (mark == ord("+"))
        digits = points[having] + 1 + signed
        lengths = stops[having] - digits
        size = _eight_digits(numbers.eights[digits], np.minimum(lengths, 8)).astype(np.int64)
        size = np.where(lengths > 4, 9999, size)
        power[having] = np.where(mark == ord("-"), -size, size)
    return power
