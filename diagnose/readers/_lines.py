"""Lines of a text log as columns, many at a time.

The numbers are cut out of the text; lines whose rest is the same are of one kind. What the numbers of a kind mean is
found once, on its first line, and then holds for all its lines. So a log of a million lines costs a few vectorised
steps, and a regular expression runs on a few dozen lines only.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from diagnose.readers._columns import Column
from diagnose.readers._numbers import Bytes, Numbers, find_numbers
from diagnose.run import FloatArray, IntArray

# No line of a log is longer; a longer one is a document or binary data and is skipped, whatever it costs to hold.
LONGEST_LINE = 1 << 16
# What a trainer says of a step stands in the first part of its line; patterns need not run over the rest.
_PARSED = 1 << 13
# Bytes that are worked on at one time: large enough for vectors to pay, small enough for memory.
_BLOCK = 1 << 21
# Kinds that are remembered: prose without end must not fill the memory.
_MOST_KINDS = 20_000
# Names that are remembered, likewise. A trainer logs some hundreds.
_MOST_NAMES = 4_000

# Colours and cursor moves, window titles, and colours whose escape byte was lost on the way.
_ANSI = (
    (b"\x1b[", rb"\x1b\[[0-9;?]*[A-Za-z]"),
    (b"\x1b]", rb"\x1b\][^\x07\n]*\x07"),
    (b"[0m", rb"\[\d{1,2}(?:;\d+)*m"),
)
_NO_NUMBER = re.compile(r"[-+]?(?:nan|inf(?:inity)?)", re.IGNORECASE)
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HOLE = 0

Meaning = tuple[str, tuple[int, int] | float]
"""A name and the span of its number in the line, or the number itself where the line only marks something."""

Parse = Callable[[str], Iterable[Meaning]]
"""What the numbers of a line mean. It must not look at their digits: it sees one line for all of a kind."""


@dataclass(frozen=True, slots=True)
class _Field:
    """One named number of a kind."""

    name: str
    ordinal: int
    """Which of the numbers of the line; -1 where the value is the same in all lines (`nan`)."""
    factor: float
    """The sign, or the value itself."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """Lines that differ in their numbers only."""

    numbers: int
    fields: tuple[_Field, ...] = ()
    singly: bool = False
    """Whether its numbers are written so oddly (`1,234.5`, `.5`) that each line is parsed by itself."""


class _Ids(dict[bytes, int]):
    """Rest of a line -> number of its kind, given on first sight."""

    def __missing__(self, rest: bytes) -> int:
        self[rest] = number = len(self)
        return number


@dataclass(frozen=True, eq=False)
class _Block:
    """Whole lines, cut into numbers and the rest."""

    numbers: Numbers
    rests: list[bytes]
    """The lines with a hole for each number."""
    ids: IntArray
    """The kind of each line."""
    first: IntArray
    """The first number of each line."""

    def line(self, place: int) -> tuple[str, list[tuple[int, int]]]:
        """A line as it stood, and the spans of its numbers."""
        pieces = self.rests[place].split(b"\0")
        line, spans = pieces[0].decode("utf-8", "replace"), []
        for number, piece in enumerate(pieces[1:], self.first[place]):
            word = self.numbers.text[self.numbers.starts[number] : self.numbers.stops[number]].tobytes().decode()
            spans.append((len(line), len(line) + len(word)))
            line += word + piece.decode("utf-8", "replace")
        return line, spans


@dataclass
class LineColumns:
    """Columns of a text that comes in pieces: fed in any chunks it ends with the same columns as fed at once."""

    parse: Parse
    hint: re.Pattern[bytes] | None = None
    """What a line, its numbers replaced by zero bytes, must hold to be parsed: spares prose the trouble."""
    lines: int = 0
    bytes_skipped: int = 0
    _decoder: codecs.IncrementalDecoder | None = None
    _rest: bytes = b""
    _skipping: bool = False
    _ids: _Ids = field(default_factory=_Ids)
    _kinds: list[_Kind] = field(default_factory=list)
    _parts: dict[str, list[tuple[IntArray, FloatArray]]] = field(default_factory=dict)

    def feed(self, data: bytes) -> None:
        """Take more bytes. An unfinished last line waits for its rest."""
        for start in range(0, len(data), _BLOCK):
            self._feed(self._as_utf8(data[start : start + _BLOCK]))

    def finish(self) -> None:
        """Take the last line, which ends without a line feed."""
        rest, self._rest = self._rest, b""
        if rest:
            self._take(rest)

    def columns(self) -> dict[str, Column]:
        """What was found so far, each name in the order of the lines."""
        found = {}
        for name, parts in self._parts.items():
            places = np.concatenate([part[0] for part in parts])
            values = np.concatenate([part[1] for part in parts])
            order = np.argsort(places, kind="stable")
            found[name] = Column(places[order], values[order])
        return found

    def _as_utf8(self, data: bytes) -> bytes:
        """The bytes as they are, but for what Windows PowerShell writes when output is redirected to a file."""
        if self._decoder is None and not self.lines and not self._rest and data[:2] in _UTF16:
            self._decoder = codecs.getincrementaldecoder("utf-16")("replace")
        return data if self._decoder is None else self._decoder.decode(data).encode("utf-8", "replace")

    def _feed(self, data: bytes) -> None:
        text = self._rest + data
        cut = _last_break(text)
        whole, self._rest = text[:cut], text[cut:]
        if self._skipping and cut:
            end = min(place for place in (whole.find(b"\n"), whole.find(b"\r")) if place >= 0)
            self.bytes_skipped += end
            whole, self._skipping = whole[end:], False
        if len(self._rest) > LONGEST_LINE:
            self.bytes_skipped += len(self._rest)
            self._rest, self._skipping = b"\r" if self._rest.endswith(b"\r") else b"", True
        if whole:
            self._take(whole)

    def _take(self, data: bytes) -> None:
        lines = _clean(data).removesuffix(b"\n").split(b"\n")
        if max(map(len, lines)) > LONGEST_LINE:
            self.bytes_skipped += sum(len(line) for line in lines if len(line) > LONGEST_LINE)
            lines = [line if len(line) <= LONGEST_LINE else b"" for line in lines]
        self._collect(self._cut(b"\n".join([b"", *lines, b""])))
        self.lines += len(lines)
        if len(self._kinds) > _MOST_KINDS:
            del self._kinds[_MOST_KINDS:]
            self._ids = _Ids((rest, kind) for rest, kind in self._ids.items() if kind < _MOST_KINDS)

    def _cut(self, text: bytes) -> _Block:
        """Cut the numbers out of `text`, which begins and ends with a line feed, and learn its new kinds."""
        numbers = find_numbers(np.frombuffer(text, np.uint8))
        rests = _with_holes(numbers).tobytes()[1:-1].split(b"\n")
        ids = np.fromiter(map(self._ids.__getitem__, rests), np.int64, len(rests))
        new, places = np.unique(ids, return_index=True)
        fresh = places[new >= len(self._kinds)]
        known = [kind.numbers for kind in self._kinds]
        counts = np.array(known + [rests[place].count(b"\0") for place in fresh], np.int64)
        block = _Block(numbers, rests, ids, np.cumsum(counts[ids]) - counts[ids])
        self._kinds.extend(self._kind(block, int(place)) for place in fresh)
        return block

    def _kind(self, block: _Block, place: int) -> _Kind:
        if self.hint is not None and not self.hint.search(block.rests[place], 0, _PARSED):
            return _Kind(block.rests[place].count(b"\0"))
        line, spans = block.line(place)
        fields: dict[str, _Field] = {}
        for name, meaning in self.parse(_looked_at(line)):
            if name in fields:
                continue
            found = _Field(name, -1, meaning) if isinstance(meaning, float) else _field(name, line, meaning, spans)
            if found is None:
                return _Kind(len(spans), singly=True)
            fields[name] = found
        return _Kind(len(spans), tuple(fields.values()))

    def _collect(self, block: _Block) -> None:
        order = np.argsort(block.ids, kind="stable")
        edges = np.flatnonzero(np.diff(block.ids[order], prepend=-1, append=-1))
        for start, stop in pairwise(edges.tolist()):
            lines = order[start:stop]
            kind = self._kinds[block.ids[lines[0]]]
            for part in kind.fields:
                self._put(part.name, self.lines + lines, _values(part, block, lines))
            if kind.singly:
                for place in lines.tolist():
                    self._one(place, block.line(place)[0])

    def _one(self, place: int, line: str) -> None:
        """One line whose numbers are written in an uncommon way."""
        for name, meaning in self.parse(_looked_at(line)):
            value = meaning if isinstance(meaning, float) else _float(line[slice(*meaning)])
            if value is not None:
                self._put(name, np.array([self.lines + place]), np.array([value]))

    def _put(self, name: str, places: IntArray, values: FloatArray) -> None:
        if name in self._parts or len(self._parts) < _MOST_NAMES:
            self._parts.setdefault(name, []).append((places, values))


def first_of_each_kind(text: bytes) -> list[str]:
    """The lines of `text` without those that differ from an earlier one in their numbers only."""
    lines = [line for line in _clean(text).split(b"\n") if len(line) <= LONGEST_LINE]
    numbers = find_numbers(np.frombuffer(b"\n".join([b"", *lines, b""]), np.uint8))
    rests = _with_holes(numbers).tobytes()[1:-1].split(b"\n")
    places = {rest: place for place, rest in reversed(list(enumerate(rests)))}
    return [lines[place].decode("utf-8", "replace") for place in sorted(places.values())]


def _looked_at(line: str) -> str:
    """The part of a line that is parsed; no word is cut in two."""
    return line if len(line) <= _PARSED else line[:_PARSED].rpartition(" ")[0]


def _last_break(text: bytes) -> int:
    """Behind the last line end. A carriage return at the very end may be half of one."""
    return max(text.rfind(b"\n"), text.rfind(b"\r", 0, max(len(text) - 1, 0))) + 1


def _clean(text: bytes) -> bytes:
    """Each redraw of a progress bar on a line of its own, without colours."""
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"\x08" in text:
        text = re.sub(b"\x08+", b"\n", text)
    if b"\0" in text:
        text = text.replace(b"\0", b"")
    for mark, pattern in _ANSI:
        if mark in text:
            text = re.sub(pattern, b"", text)
    return text


def _with_holes(numbers: Numbers) -> Bytes:
    """The text with one zero byte in place of each number."""
    inside = np.zeros(len(numbers.text) + 1, np.int8)
    inside[numbers.starts + 1] += 1
    inside[numbers.stops] -= 1
    text = numbers.text.copy()
    text[numbers.starts] = _HOLE
    outside: Bytes = text[np.cumsum(inside[:-1], dtype=np.int8) == 0]
    return outside


def _field(name: str, line: str, span: tuple[int, int], spans: list[tuple[int, int]]) -> _Field | None:
    """Which number of the line stands at `span`; None if the span is no plain number."""
    start, stop = span
    if _NO_NUMBER.fullmatch(line, start, stop):
        return _Field(name, -1, float(line[start:stop]))
    sign = -1.0 if line[start : start + 1] == "-" else 1.0
    start += line[start : start + 1] in {"-", "+"}
    return _Field(name, spans.index((start, stop)), sign) if (start, stop) in spans else None


def _values(part: _Field, block: _Block, lines: IntArray) -> FloatArray:
    if part.ordinal < 0:
        return np.full(len(lines), part.factor)
    return part.factor * block.numbers.values(block.first[lines] + part.ordinal)


def _float(text: str) -> float | None:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None
