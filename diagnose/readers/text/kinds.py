"""Lines of one kind: they differ in their numbers only, so that one of them shows what the numbers of all mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from diagnose.readers.columns.numbers import Bytes, Numbers
from diagnose.regex import regex
from diagnose.run import IntArray

Meaning = tuple[str, tuple[int, int] | float]
"""A name and the span of its number in the line, or the number itself where the line only marks something."""

Parse = Callable[[str], Iterable[Meaning]]
"""What the numbers of a line mean. It must not look at their digits: it sees one line for all of a kind."""
_NO_NUMBER = regex(r"[-+]?(?:nan|inf(?:inity)?)", re.IGNORECASE)
DECIMAL_COMMA = regex(r"[-+]?(?:0,\d+|\d+,(?:\d{1,2}|\d{4,}))(?:[eE][-+]?\d+)?")
UNSURE_COMMA = regex(r"[-+]?[1-9]\d{0,2},\d{3}")
"""A thousand and some, unless other numbers of the name have decimal commas."""
_SCALES = {"k": 1e3, "K": 1e3, "M": 1e6}
_HOLE = 0
# A line that names a loss and holds its number, or says that there is none: if nothing of it is understood, something
# was lost. What looks back (`Saved new best model with loss 2.2`) says nothing new.
_NAMES_A_LOSS = regex(
    rb"(?:loss|perplexity|\bppl|\bnll)\w{0,20}['\"\])]*[ \t]*(?:[:=][ \t]*)?['\"]?[-+]?\0"
    rb"|loss['\"\])]*[ \t]*[:=][ \t]*(?:None|null)\b",
    re.IGNORECASE,
)
SAYS_NONE = regex(r"loss['\"\])]*[ \t]*[:=][ \t]*(?:None|null)\b", re.IGNORECASE)
_LOOKS_BACK = regex(rb"\b(?:best|early|restor\w*|load\w*|sav\w*|improv\w*)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Field:
    """One named number of a kind."""

    name: str
    ordinal: int
    """Which of the numbers of the line; -1 where the value is the same in all lines (`nan`)."""
    factor: float
    """The sign, or the value itself."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Lines that differ in their numbers only."""

    numbers: int
    fields: tuple[Field, ...] = ()
    singly: bool = False
    """Whether its numbers are written so unusually (`1,234.5`, `.5`) that each line is parsed by itself."""
    since: int = 0
    """The line from which on it is known."""
    stamp: int | None = None
    """The number with which the date begins at which a line was written."""
    names_a_loss: bool = False
    """Whether its lines report the value of a loss."""
    reports: bool = False
    """Whether anything but counters was taken of them."""


@dataclass(frozen=True, eq=False)
class Block:
    """Whole lines, cut into numbers and the rest."""

    numbers: Numbers
    rests: list[bytes]
    """The lines with a hole for each number."""
    ids: IntArray
    """The kind of each line."""
    first: IntArray
    """The first number of each line."""

    def line(self, place: int) -> tuple[str, list[tuple[int, int]]]:
        """A line as it was, and the spans of its numbers."""
        pieces = self.rests[place].split(b"\0")
        line, spans = pieces[0].decode("utf-8", "replace"), []
        for number, piece in enumerate(pieces[1:], self.first[place]):
            word = self.numbers.text[self.numbers.starts[number] : self.numbers.stops[number]].tobytes().decode()
            spans.append((len(line), len(line) + len(word)))
            line += word + piece.decode("utf-8", "replace")
        return line, spans


def with_holes(numbers: Numbers) -> Bytes:
    """The text with one zero byte in place of each number."""
    inside = np.zeros(len(numbers.text) + 1, np.int8)
    inside[numbers.starts + 1] += 1
    inside[numbers.stops] -= 1
    text = numbers.text.copy()
    text[numbers.starts] = _HOLE
    outside: Bytes = text[np.cumsum(inside[:-1], dtype=np.int8) == 0]
    return outside


def field_at(name: str, line: str, span: tuple[int, int], spans: list[tuple[int, int]]) -> Field | None:
    """Which number of the line is at `span`; None if the span is no plain number."""
    start, stop = span
    if _NO_NUMBER.fullmatch(line, start, stop):
        return Field(name, -1, float(line[start:stop]))
    sign = -1.0 if line[start : start + 1] == "-" else 1.0
    start += line[start : start + 1] in {"-", "+"}
    return Field(name, spans.index((start, stop)), sign) if (start, stop) in spans else None


def plain_float(text: str) -> float | None:
    """The number that is written in an uncommon way."""
    try:
        scale = _SCALES.get(text[-1:], 1)
        return scale * float(text.rstrip("kKM").replace(",", "." if DECIMAL_COMMA.fullmatch(text) else ""))
    except ValueError:
        return None


def names_a_loss(rest: bytes) -> bool:
    """Whether a line, its numbers replaced by zero bytes, reports the value of a loss for the first time."""
    return _NAMES_A_LOSS.search(rest) is not None and _LOOKS_BACK.search(rest) is None
