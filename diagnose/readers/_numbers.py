"""The numbers in a text, found and read in vectorised steps.

A number is digits with an optional fraction and exponent. Its sign is not part of it, and digits inside a word
(`loss_0`, `mAP50`, `v1.2`) are no number. Values are those of `float()`, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from diagnose.run import FloatArray, IntArray

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

# A quotient or product of two integers below these bounds is the correctly rounded value (Clinger 1990, the fast path
# of every strtod): both are exact in a double. What lies beyond goes to `float()`.
_EXACT_DIGITS = 15
_EXACT_POWER = 22
_POWERS = 10.0 ** np.arange(_EXACT_POWER + 1)

_WORD = np.zeros(256, np.bool_)
_WORD[[*range(ord("a"), ord("z") + 1), *range(ord("A"), ord("Z") + 1), ord("_")]] = True


@dataclass(frozen=True, eq=False)
class Numbers:
    """Where the numbers of a text stand. All arrays have shape (n,)."""

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
        power = _exponents(self.text, point, stops) - fraction
        digits = _integers(self.text, whole + 1, fraction, _integers(self.text, starts, whole - starts))
        size = np.minimum(np.abs(power), _EXACT_POWER)
        values: FloatArray = np.where(power < 0, digits / _POWERS[size], digits * _POWERS[size])
        hard = np.flatnonzero((whole - starts + fraction > _EXACT_DIGITS) | (np.abs(power) > _EXACT_POWER))
        for index in hard:
            values[index] = float(self.text[starts[index] : stops[index]].tobytes())
        return values


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


def _integers(text: Bytes, starts: IntArray, lengths: IntArray, begin: FloatArray | None = None) -> FloatArray:
    """Runs of digits as numbers, each continuing the digits that `begin` holds."""
    values = np.zeros(len(starts)) if begin is None else begin.copy()
    active = np.flatnonzero(lengths > 0)
    for position in range(min(int(lengths.max(initial=0)), _EXACT_DIGITS)):
        values[active] = values[active] * 10.0 + (text[starts[active] + position] - 48.0)
        active = active[lengths[active] > position + 1]
    return values


def _exponents(text: Bytes, points: IntArray, stops: IntArray) -> IntArray:
    """The written exponents, 0 where there is none; beyond the exact range where they are that long."""
    power = np.zeros(len(points), np.int64)
    having = np.flatnonzero(stops > points)
    if len(having):
        mark = text[points[having] + 1]
        signed = (mark == ord("-")) | (mark == ord("+"))
        digits = points[having] + 1 + signed
        lengths = stops[having] - digits
        size = np.where(lengths > 4, 9999.0, _integers(text, digits, np.minimum(lengths, 4)))
        power[having] = np.where(mark == ord("-"), -size, size).astype(np.int64)
    return power
