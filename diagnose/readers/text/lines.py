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

from diagnose.readers.columns import MOST_NAMES, WALL_TIME, Column
from diagnose.readers.columns.numbers import Bytes, Numbers, find_numbers
from diagnose.readers.text.stamps import seconds_at, stamp_in
from diagnose.run import FloatArray, IntArray

# No line of a log is longer; a longer one is a document or binary data and is skipped, whatever it costs to hold.
LONGEST_LINE = 1 << 16
# What a trainer says of a step stands in the first part of its line; patterns need not run over the rest.
_PARSED = 1 << 13
# Bytes that are worked on at one time: large enough for vectors to pay, small enough for memory.
_BLOCK = 1 << 21
# Kinds that are remembered: prose without end must not fill the memory.
_MOST_KINDS = 20_000
# Kinds that are parsed where that takes long (0.1 ms each): so many at first, and one for so many lines. A log has some
# hundred, and most come again: the reserve is for those, so that prose around a log cannot use it up.
_FIRST_PARSED = 2_000
_LINES_FOR_ONE = 40
_RESERVE = 4_000

# Colours and cursor moves, window titles, and colours whose escape byte was lost on the way.
_ANSI = (
    (b"\x1b[", rb"\x1b\[[0-9;?]*[A-Za-z]"),
    (b"\x1b]", rb"\x1b\][^\x07\n]*\x07"),
    (b"[0m", rb"\[\d{1,2}(?:;\d+)*m"),
)
# A Keras bar, and the epoch before it, that follow others on one line: pasted from a notebook, carriage returns lost.
_GLUED = re.compile(
    rb"(?<=[^\n])(?=Epoch \d+/\d+\s+\d+/\d+ \[[=>.]{3})|(?<=[^\n\d])(?=\d+/\d+ \[[=>.]{3})",
)
_NO_NUMBER = re.compile(r"[-+]?(?:nan|inf(?:inity)?)", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[-+]?(?:0,\d+|\d+,(?:\d{1,2}|\d{4,}))(?:[eE][-+]?\d+)?")
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
    since: int = 0
    """The line from which on it is known."""
    stamp: int | None = None
    """The number with which the date begins at which a line was written."""


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
    hint: Callable[[bytes], bool] | None = None
    """Whether a line, its numbers replaced by zero bytes, is worth parsing: where that takes long."""
    lines: int = 0
    bytes_skipped: int = 0
    _decoder: codecs.IncrementalDecoder | None = None
    _rest: bytes = b""
    _skipping: bool = False
    _ids: _Ids = field(default_factory=_Ids)
    _kinds: list[_Kind] = field(default_factory=list)
    _unparsed: dict[int, bool] = field(default_factory=dict)
    """Kinds that are not parsed yet, and whether they came before."""
    _parsed: int = 0
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
        """What was found so far, in the order of the lines: the names by their first line, the values of each too."""
        found = {}
        for name, parts in self._parts.items():
            places = np.concatenate([part[0] for part in parts])
            values = np.concatenate([part[1] for part in parts])
            order = np.argsort(places, kind="stable")
            found[name] = Column(places[order], values[order])
        return dict(sorted(found.items(), key=lambda item: item[1].places[0]))

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
        for start in range(0, len(lines), _MOST_KINDS):
            self._take_lines(lines[start : start + _MOST_KINDS])

    def _take_lines(self, lines: list[bytes]) -> None:
        """Take lines; at the one with which the kinds are too many, forget them all."""
        block = self._cut(lines)
        self._learn(block)
        self._collect(block)
        self.lines += len(block.rests)
        if len(block.rests) < len(lines):
            self._ids, self._kinds, self._unparsed = _Ids(), [], {}
            self._take_lines(lines[len(block.rests) :])

    def _cut(self, lines: list[bytes]) -> _Block:
        """Cut the numbers out of the lines, as far as their kinds can be remembered."""
        numbers = find_numbers(np.frombuffer(b"\n".join([b"", *lines, b""]), np.uint8))
        rests = _with_holes(numbers).tobytes()[1:-1].split(b"\n")
        keys = map(_key, rests) if max(map(len, lines)) > _PARSED else rests
        ids = np.fromiter(map(self._ids.__getitem__, keys), np.int64, len(rests))
        if len(self._ids) > _MOST_KINDS:
            stop = int(np.argmax(ids >= _MOST_KINDS))
            ids, rests = ids[:stop], rests[:stop]
        new, places = np.unique(ids, return_index=True)
        for place in places[new >= len(self._kinds)].tolist():
            self._unparsed[len(self._kinds)] = False
            self._kinds.append(_Kind(rests[place].count(b"\0")))
        counts = np.array([kind.numbers for kind in self._kinds], np.int64)[ids]
        return _Block(numbers, rests, ids, np.cumsum(counts) - counts)

    def _learn(self, block: _Block) -> None:
        """Parse one line of each kind, as far as it is worth it and the budget goes."""
        waits = np.zeros(len(self._kinds), np.bool_)
        waits[list(self._unparsed)] = True
        for place in np.flatnonzero(waits[block.ids]).tolist():
            number = int(block.ids[place])
            if number not in self._unparsed:
                continue
            if self.hint is not None and self.hint(block.rests[place][:_PARSED]):
                if self._parsed >= self._budget(place, again=self._unparsed[number]):
                    self._unparsed[number] = True
                    continue
                self._parsed += 1
                self._kinds[number] = self._kind(block, place)
            elif self.hint is None:
                self._kinds[number] = self._kind(block, place)
            del self._unparsed[number]

    def _budget(self, place: int, *, again: bool) -> int:
        """How many kinds may be parsed before a line."""
        return _FIRST_PARSED + (self.lines + place) // _LINES_FOR_ONE + (_RESERVE if again else 0)

    def _kind(self, block: _Block, place: int) -> _Kind:
        line, spans = block.line(place)
        since = self.lines + place
        fields: dict[str, _Field] = {}
        for name, meaning in self.parse(_looked_at(line)):
            if name in fields:
                continue
            found = _Field(name, -1, meaning) if isinstance(meaning, float) else _field(name, line, meaning, spans)
            if found is None:
                return _Kind(len(spans), singly=True, since=since)
            fields[name] = found
        stamp = stamp_in(line) if fields else None
        dated = next((number for number, (start, _) in enumerate(spans) if start == stamp), None)
        return _Kind(len(spans), tuple(fields.values()), since=since, stamp=dated)

    def _collect(self, block: _Block) -> None:
        """Put down what the lines hold; the numbers of all kinds are read at once."""
        telling = np.array([bool(kind.fields or kind.singly) for kind in self._kinds], np.bool_)
        lines = np.flatnonzero(telling[block.ids])
        lines = lines[np.argsort(block.ids[lines], kind="stable")]
        edges = np.flatnonzero(np.diff(block.ids[lines], prepend=-1, append=-1)).tolist()
        found: list[tuple[_Field, IntArray, IntArray]] = []
        for start, stop in pairwise(edges):
            kind = self._kinds[block.ids[lines[start]]]
            same = lines[start:stop]
            same = same[np.searchsorted(same, kind.since - self.lines) :]
            found.extend((part, same, block.first[same] + part.ordinal) for part in kind.fields)
            if kind.stamp is not None:
                starts = block.numbers.starts[block.first[same] + kind.stamp]
                self._put(WALL_TIME, self.lines + same, seconds_at(block.numbers.text, starts))
            for place in same.tolist() if kind.singly else ():
                self._one(place, block.line(place)[0])
        read = [numbers for part, _, numbers in found if part.ordinal >= 0]
        values = block.numbers.values(np.concatenate(read)) if read else np.zeros(0)
        for part, same, _ in found:
            if part.ordinal < 0:
                self._put(part.name, self.lines + same, np.full(len(same), part.factor))
            else:
                self._put(part.name, self.lines + same, part.factor * values[: len(same)])
                values = values[len(same) :]

    def _one(self, place: int, line: str) -> None:
        """One line whose numbers are written in an uncommon way."""
        for name, meaning in self.parse(_looked_at(line)):
            value = meaning if isinstance(meaning, float) else _float(line[slice(*meaning)])
            if value is not None:
                self._put(name, np.array([self.lines + place]), np.array([value]))

    def _put(self, name: str, places: IntArray, values: FloatArray) -> None:
        if name in self._parts or len(self._parts) < MOST_NAMES:
            self._parts.setdefault(name, []).append((places, values))


def first_of_each_kind(text: bytes) -> list[str]:
    """The lines of `text` without those that differ from an earlier one in their numbers only."""
    lines = [line for line in _clean(text).split(b"\n") if len(line) <= LONGEST_LINE]
    numbers = find_numbers(np.frombuffer(b"\n".join([b"", *lines, b""]), np.uint8))
    rests = _with_holes(numbers).tobytes()[1:-1].split(b"\n")
    places = {rest: place for place, rest in reversed(list(enumerate(rests)))}
    return [lines[place].decode("utf-8", "replace") for place in sorted(places.values())]


def _key(rest: bytes) -> bytes:
    """What stands for a kind in the memory: of a long line no more than is parsed, and how many numbers it has."""
    return rest if len(rest) <= _PARSED else b"%d %b" % (rest.count(b"\0"), rest[:_PARSED])


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
    return _GLUED.sub(b"\n", text) if b" [=" in text or b" [>" in text else text


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


def _float(text: str) -> float | None:
    try:
        return float(text.replace(",", "." if _DECIMAL_COMMA.fullmatch(text) else ""))
    except ValueError:
        return None
