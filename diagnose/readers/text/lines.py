"""Lines of a text log as columns, many at a time.

The numbers are cut out of the text; lines whose rest is the same are of one kind. What the numbers of a kind mean is
found once, on its first line, and then holds for all its lines. So a log of a million lines costs a few vectorised
steps, and a regular expression runs on a few dozen lines only.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from diagnose.readers.columns import COUNTERS, END, MOST_NAMES, WALL_TIME, Column
from diagnose.readers.columns.numbers import find_numbers
from diagnose.readers.roles import read_tag
from diagnose.readers.text.cleaning import cleaned, last_break
from diagnose.readers.text.kinds import (
    DECIMAL_COMMA,
    SAYS_NONE,
    UNSURE_COMMA,
    Block,
    Field,
    Kind,
    Meaning,
    Parse,
    field_at,
    names_a_loss,
    plain_float,
    with_holes,
)
from diagnose.readers.text.stamps import seconds_at, stamp_in
from diagnose.run import FloatArray, IntArray

# No line of a log is longer; a longer one is a document or binary data and is skipped, whatever it costs to hold.
LONGEST_LINE = 1 << 16
# What a trainer says of a step is in the first part of its line; patterns need not run over the rest.
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
# Letters of a line that is shown.
_SHOWN = 160
# Lines at either end of a log that are kept: they say whether training resumes, and how it ended.
_KEPT = 300

# Bytes beyond ASCII, and those that are alone: accents of Western Europe; Chinese has them in pairs.
_HIGH, _ACCENT = re.compile(rb"[\x80-\xff]"), re.compile(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])")
# The share of the second bytes of UTF-16 that are zero in text of European languages. Source: our choice.
_MOST_ZERO = 0.8
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class _Ids(dict[bytes, int]):
    """Rest of a line -> number of its kind, given on first sight."""

    def __missing__(self, rest: bytes) -> int:
        self[rest] = number = len(self)
        return number


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
    _kinds: list[Kind] = field(default_factory=list)
    _unparsed: dict[int, bool] = field(default_factory=dict)
    """Kinds that are not parsed yet, and whether they came before."""
    _layouts: dict[tuple[Any, ...], list[Meaning]] = field(default_factory=dict)
    """Kind and places of the numbers of a line that was parsed by itself -> what they mean."""
    _parsed: int = 0
    _parts: dict[str, list[tuple[IntArray, FloatArray]]] = field(default_factory=dict)
    first_lines: list[bytes] = field(default_factory=list)
    last_lines: list[bytes] = field(default_factory=list)
    """The lines at both ends, as many as are kept."""
    metric_lines: int = 0
    """Lines that report the value of a loss."""
    unread_lines: int = 0
    """Those of them of which nothing was taken."""
    unread_example: str = ""
    _decimal_commas: set[str] = field(default_factory=set)
    """Names of which a number has a decimal comma."""
    _unsure: dict[str, list[int]] = field(default_factory=dict)
    """Name -> the lines where its number is written as `1,234`."""

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
            if name in self._decimal_commas:
                values[np.isin(places, self._unsure.get(name, ()))] /= 1000
            order = np.argsort(places, kind="stable")
            found[name] = Column(places[order], values[order])
        return dict(sorted(found.items(), key=lambda item: item[1].places[0]))

    def _as_utf8(self, data: bytes) -> bytes:
        """The bytes as they are, but for what Windows writes: UTF-16, GBK, CP1252."""
        if self._decoder is None and not self.lines and not self._rest and (encoding := _encoding(data)):
            self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        text = data if self._decoder is None else self._decoder.decode(data).encode("utf-8", "replace")
        return text.replace(b"\0", b"")  # holes that an emptied file has

    def _feed(self, data: bytes) -> None:
        text = self._rest + data
        cut = last_break(text)
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
        lines = cleaned(data).removesuffix(b"\n").split(b"\n")
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
        self._count_unread(block)
        self.lines += len(block.rests)
        if len(self.first_lines) < _KEPT:
            self.first_lines += lines[: min(_KEPT - len(self.first_lines), len(block.rests))]
        self.last_lines = [*self.last_lines, *lines[: len(block.rests)][-_KEPT:]][-_KEPT:]
        if len(block.rests) < len(lines):
            self._ids, self._kinds, self._unparsed, self._layouts = _Ids(), [], {}, {}
            self._take_lines(lines[len(block.rests) :])

    def _cut(self, lines: list[bytes]) -> Block:
        """Cut the numbers out of the lines, as far as their kinds can be remembered."""
        numbers = find_numbers(np.frombuffer(b"\n".join([b"", *lines, b""]), np.uint8))
        rests = with_holes(numbers).tobytes()[1:-1].split(b"\n")
        keys = map(_key, rests) if max(map(len, lines)) > _PARSED else rests
        ids = np.fromiter(map(self._ids.__getitem__, keys), np.int64, len(rests))
        if len(self._ids) > _MOST_KINDS:
            stop = int(np.argmax(ids >= _MOST_KINDS))
            ids, rests = ids[:stop], rests[:stop]
        new, places = np.unique(ids, return_index=True)
        for place in places[new >= len(self._kinds)].tolist():
            self._unparsed[len(self._kinds)] = False
            self._kinds.append(Kind(rests[place].count(b"\0"), names_a_loss=names_a_loss(rests[place][:_PARSED])))
        counts = np.array([kind.numbers for kind in self._kinds], np.int64)[ids]
        return Block(numbers, rests, ids, np.cumsum(counts) - counts)

    def _learn(self, block: Block) -> None:
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

    def _count_unread(self, block: Block) -> None:
        """Count the lines that report a loss, and those of which nothing was taken."""
        naming = np.array([kind.names_a_loss for kind in self._kinds], np.bool_)[block.ids]
        if not naming.any():
            return
        silent = np.array([not kind.reports for kind in self._kinds], np.bool_)[block.ids] & naming
        self.metric_lines += int(naming.sum())
        self.unread_lines += int(silent.sum())
        if silent.any() and not self.unread_example:
            self.unread_example = block.line(int(np.argmax(silent)))[0].strip()[:_SHOWN]

    def _budget(self, place: int, *, again: bool) -> int:
        """How many kinds may be parsed before a line."""
        return _FIRST_PARSED + (self.lines + place) // _LINES_FOR_ONE + (_RESERVE if again else 0)

    def _kind(self, block: Block, place: int) -> Kind:
        line, spans = block.line(place)
        since, named = self.lines + place, self._kinds[int(block.ids[place])].names_a_loss
        fields: dict[str, Field] = {}
        for name, meaning in self.parse(_looked_at(line)):
            if name in fields:
                continue
            found = Field(name, -1, meaning) if isinstance(meaning, float) else field_at(name, line, meaning, spans)
            if found is None:
                return Kind(len(spans), singly=True, since=since, names_a_loss=named, reports=True)
            fields[name] = found
        stamp = stamp_in(line) if fields else None
        dated = next((number for number, (start, _) in enumerate(spans) if start == stamp), None)
        if SAYS_NONE.search(line):  # the rate beside it is no loss
            reports = any(read_tag(name).lossy for name in fields)
        else:
            reports = any(name not in COUNTERS or name == END for name in fields)
        return Kind(len(spans), tuple(fields.values()), since=since, stamp=dated, names_a_loss=named, reports=reports)

    def _collect(self, block: Block) -> None:
        """Put down what the lines hold; the numbers of all kinds are read at once."""
        understood = np.array([bool(kind.fields or kind.singly) for kind in self._kinds], np.bool_)
        lines = np.flatnonzero(understood[block.ids])
        lines = lines[np.argsort(block.ids[lines], kind="stable")]
        edges = np.flatnonzero(np.diff(block.ids[lines], prepend=-1, append=-1)).tolist()
        found: list[tuple[Field, IntArray, IntArray]] = []
        for start, stop in pairwise(edges):
            kind = self._kinds[block.ids[lines[start]]]
            same = lines[start:stop]
            same = same[np.searchsorted(same, kind.since - self.lines) :]
            found.extend((part, same, block.first[same] + part.ordinal) for part in kind.fields)
            if kind.stamp is not None:
                starts = block.numbers.starts[block.first[same] + kind.stamp]
                self._put(WALL_TIME, self.lines + same, seconds_at(block.numbers.text, starts))
            for place in same.tolist() if kind.singly else ():
                self._one(block, place)
        read = [numbers for part, _, numbers in found if part.ordinal >= 0]
        values = block.numbers.values(np.concatenate(read)) if read else np.zeros(0)
        for part, same, _ in found:
            if part.ordinal < 0:
                self._put(part.name, self.lines + same, np.full(len(same), part.factor))
            else:
                self._put(part.name, self.lines + same, part.factor * values[: len(same)])
                values = values[len(same) :]

    def _one(self, block: Block, place: int) -> None:
        """One line whose numbers are written in an uncommon way: what they mean is found once for each layout."""
        line, spans = block.line(place)
        layout = (int(block.ids[place]), *spans)
        if layout not in self._layouts:
            if len(self._layouts) >= _MOST_KINDS:
                self._layouts.clear()
            self._layouts[layout] = list(self.parse(_looked_at(line)))
        for name, meaning in self._layouts[layout]:
            text = "" if isinstance(meaning, float) else line[slice(*meaning)]
            value = meaning if isinstance(meaning, float) else plain_float(text)
            if DECIMAL_COMMA.fullmatch(text):
                self._decimal_commas.add(name)
            elif UNSURE_COMMA.fullmatch(text):
                self._unsure.setdefault(name, []).append(self.lines + place)
            if value is not None:
                self._put(name, np.array([self.lines + place]), np.array([value]))

    def _put(self, name: str, places: IntArray, values: FloatArray) -> None:
        if name in self._parts or len(self._parts) < MOST_NAMES:
            self._parts.setdefault(name, []).append((places, values))


def in_utf8(data: bytes) -> bytes:
    """The first bytes of a log as UTF-8."""
    encoding = _encoding(data)
    return data if encoding is None else data.decode(encoding, "replace").encode("utf-8", "replace")


def is_utf16(data: bytes) -> bool:
    """Whether it has the mark of UTF-16, or every other byte is zero: what PowerShell writes, its mark cut off."""
    low, high = data[:_PARSED:2], data[1:_PARSED:2]
    return data[:2] in _UTF16 or (len(high) > 1 and high.count(0) > _MOST_ZERO * len(high) and 0 not in low)


def _encoding(data: bytes) -> str | None:
    """The encoding of a log that begins so, where it is not UTF-8."""
    if is_utf16(data):
        return "utf-16" if data[:2] in _UTF16 else "utf-16-le"
    head = data[: data.rfind(b"\n", 0, _PARSED) + 1]
    accents = 2 * len(_ACCENT.findall(head)) > len(_HIGH.findall(head))
    for encoding in ("utf-8", "cp1252" if accents else "gb18030"):
        try:
            head.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if encoding == "utf-8" else encoding
    return None


def first_of_each_kind(text: bytes) -> list[str]:
    """The lines of `text` without those that differ from an earlier one in their numbers only."""
    lines = [line for line in cleaned(text).split(b"\n") if len(line) <= LONGEST_LINE]
    numbers = find_numbers(np.frombuffer(b"\n".join([b"", *lines, b""]), np.uint8))
    rests = with_holes(numbers).tobytes()[1:-1].split(b"\n")
    places = {rest: place for place, rest in reversed(list(enumerate(rests)))}
    return [lines[place].decode("utf-8", "replace") for place in sorted(places.values())]


def _key(rest: bytes) -> bytes:
    """The key of a kind: of a long line no more than is parsed, and how many numbers it has."""
    return rest if len(rest) <= _PARSED else b"%d %b" % (rest.count(b"\0"), rest[:_PARSED])


def _looked_at(line: str) -> str:
    """The part of a line that is parsed; no word is cut in two."""
    return line if len(line) <= _PARSED else line[:_PARSED].rpartition(" ")[0]
