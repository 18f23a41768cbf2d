"""The cells of a table as columns of numbers, many rows at a time."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from diagnose.readers.columns import Column
from diagnose.readers.columns.numbers import Bytes, find_numbers
from diagnose.readers.columns.tables import to_number
from diagnose.regex import regex
from diagnose.run import FloatArray, IntArray

# No row of a table of numbers is longer: a quote that opens a longer cell was meant as a letter.
LONGEST_ROW = 1 << 20
# Blanks and marks around a cell that are stripped at once; Ultralytics pads to 23.
_PADDING = 64
_THOUSANDS = regex(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
# `tensor(0.5, device='cpu')`, `Epoch 3`, `3/10`, `0.5 (best)`.
_WRAPPED = regex(
    r"^tensor\(\[?([^\],)]+).*\)$|^(?:epoch[ _:]*)?(\d+)(?:[ ]?(?:/|of)[ ]?\d+)?$|^(-?\d+\.\d+)[ ]+[(*<a-z].*$",
    re.IGNORECASE,
)
# What is no number, as Microsoft's C library prints it: `1.#QNAN`, `-nan(ind)`, `1.#INF`.
_NAN, _INFINITE = regex(r"1\.#(?:IND|[QS]?NAN)\d*|nan\(\w+\)"), regex(r"1\.#INF\d*")
_BLANK = np.zeros(256, np.bool_)
_BLANK[list(b' \t\n"*`[]')] = True  # a line feed, where a blank line came before; `**0.3**`, `[0.3]`
_BEGINS_NUMBER = np.zeros(256, np.bool_)
_BEGINS_NUMBER[list(b"+-.0123456789nNiIteE ")] = True
_LINE_FEED = 10


@dataclass
class Rows:
    """Rows that come in pieces, the header first: fed in any chunks they end as the same columns."""

    width: int
    """Cells in a row; rows of another number are left out."""
    delimiter: int
    decimal_comma: bool = False
    good: int = 0
    """Rows that fit so far, the header among them."""
    bad: int = 0
    _rest: bytes = b""
    _parts: list[list[tuple[IntArray, FloatArray]]] = field(init=False)

    def __post_init__(self) -> None:
        self._parts = [[] for _ in range(self.width)]

    def feed(self, data: bytes) -> None:
        """Take more bytes. An unfinished row waits for its rest."""
        text = self._rest + data.replace(b"\r", b"\n").replace(b"\0", b"")
        stop = _last_row_end(text)
        if not stop and len(text) > LONGEST_ROW:
            text = text.replace(b'"', b"'")
            stop = text.rfind(b"\n") + 1 or len(text)
        whole, self._rest = text[:stop], text[stop:]
        if whole:
            self._take(whole)

    def finish(self) -> None:
        """Take the last row, which ends without a line feed."""
        self._take(self._rest.replace(b'"', b"'") if self._rest.count(b'"') % 2 else self._rest)
        self._rest = b""

    def columns(self) -> list[Column]:
        """What was found so far, in the order of the header."""
        everywhere = np.arange(1, self.good)
        columns = map(_joined, self._parts)
        # One array for all columns without gaps: then clocks need not be looked up for each.
        return [Column(everywhere, c.values) if len(c.values) == len(everywhere) else c for c in columns]

    def _take(self, whole: bytes) -> None:
        text = np.frombuffer(b"\n" + whole + b"\n", np.uint8)
        ends = _ends(text, self.delimiter)
        counts = np.diff(np.flatnonzero(text[ends] == _LINE_FEED), prepend=-1)
        fits = counts == self.width
        fitting = np.repeat(fits, counts)
        starts = np.concatenate([[1], ends[:-1] + 1])[fitting]
        values, filled = self._numbers(text, starts, ends[fitting])
        rows = np.arange(self.good, self.good + int(fits.sum()))
        table = (np.ascontiguousarray(cells.reshape(-1, self.width).T) for cells in (values, filled))
        for parts, column, there in zip(self._parts, *table, strict=True):
            parts.append((rows, column) if there.all() else (rows[there], column[there]))
        self.good += len(rows)
        self.bad += int(np.sum(~fits))

    def _numbers(self, text: Bytes, starts: IntArray, stops: IntArray) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        """The value of each cell, and whether it has one."""
        starts, stops = _stripped(text, starts, stops)
        if self.decimal_comma:
            text = np.where(text == ord(","), np.uint8(ord(".")), text)
        numbers = find_numbers(text)
        minus = text[starts] == ord("-")
        bare = starts + (minus | (text[starts] == ord("+")))
        which = np.minimum(np.searchsorted(numbers.starts, bare), max(len(numbers.starts) - 1, 0))
        values, filled = np.zeros(len(starts)), np.zeros(len(starts), np.bool_)
        if len(numbers.starts):
            filled = (numbers.starts[which] == bare) & (numbers.stops[which] == stops)
            values[filled] = np.where(minus[filled], -1.0, 1.0) * numbers.values(which[filled])
        for index in np.flatnonzero(~filled & (stops > starts) & _BEGINS_NUMBER[text[starts]]).tolist():
            number = _read(text[starts[index] : stops[index]].tobytes().decode("utf-8", "replace"))
            if number is not None:
                values[index], filled[index] = number, True
        return values, filled


def _last_row_end(text: bytes) -> int:
    """Behind the last line feed that is in no quoted cell; 0 where there is none."""
    stop = text.rfind(b"\n") + 1
    if text.count(b'"', 0, stop) % 2:
        quotes = np.cumsum(np.frombuffer(text, np.uint8, stop) == ord('"'))
        outside = np.flatnonzero((np.frombuffer(text, np.uint8, stop) == _LINE_FEED) & (quotes % 2 == 0))
        stop = int(outside[-1]) + 1 if len(outside) else 0
    return stop


def _ends(text: Bytes, delimiter: int) -> IntArray:
    """Where cells end: at delimiters and line feeds outside quotes. Blank lines have no cells."""
    separates = (text == delimiter) | (text == _LINE_FEED)
    quotes = text == ord('"')
    if quotes.any():
        separates &= np.cumsum(quotes) % 2 == 0
    separates[0] = False
    separates[1:] &= (text[1:] != _LINE_FEED) | (text[:-1] != _LINE_FEED)
    return np.flatnonzero(separates)


def _stripped(text: Bytes, starts: IntArray, stops: IntArray) -> tuple[IntArray, IntArray]:
    """The bounds of the cells without the blanks and quotes around them."""
    starts, stops = starts.copy(), stops.copy()
    for bounds, inner, direction in ((starts, 0, 1), (stops, -1, -1)):
        padded = np.flatnonzero(starts < stops)
        for _ in range(_PADDING):
            padded = padded[_BLANK[text[bounds[padded] + inner]] & (starts[padded] < stops[padded])]
            if not len(padded):
                break
            bounds[padded] += direction
    return starts, stops


def _read(cell: str) -> float | None:
    """The number in a cell that is written in an uncommon way (`nan`, `.5`, `1,234.5`)."""
    cell = _INFINITE.sub("inf", _NAN.sub("nan", _WRAPPED.sub(r"\1\2\3", cell.strip())))
    return to_number(cell.replace(",", "") if _THOUSANDS.fullmatch(cell) else cell)


def _joined(parts: list[tuple[IntArray, FloatArray]]) -> Column:
    places = np.concatenate([np.zeros(0, np.int64), *(part[0] for part in parts)])
    values = np.concatenate([np.zeros(0), *(part[1] for part in parts)])
    header = int(np.searchsorted(places, 1))
    return Column(places[header:], values[header:])
