"""JSON to a tree of scalars with their places; comments, trailing commas, NaN and duplicate keys are accepted."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TypeVar

from diagnose.config.node import MAX_NUMBER, Array, Document, Limits, Node, Scalar, Table
from diagnose.errors import ConfigError

T = TypeVar("T")


class BracketReader:
    """Reads one text; `closed` is the index behind the bracket that was closed last."""

    name: str
    gap: re.Pattern[str]
    """White space, line breaks and comments; it matches the empty text too."""

    def __init__(self, text: str, source: str) -> None:
        self.text = text
        self.limits = Limits(source)
        self.breaks = [match.start() for match in re.finditer("\n", text)]
        self.closed = 0

    def line(self, at: int) -> int:
        """1-based line of index `at`."""
        return bisect_left(self.breaks, at) + 1

    def fail(self, at: int, what: str) -> NoReturn:
        """Refuse the file, naming the line of index `at`."""
        raise ConfigError(f"{self.limits.source}:{self.line(at)}: not valid {self.name}: {what}; correct this line")

    def skip(self, at: int, pattern: re.Pattern[str] | None = None) -> int:
        """The index behind what `pattern`, a gap where none is given, takes at `at`."""
        match = (pattern or self.gap).match(self.text, at)
        return match.end() if match else at

    def members(self, at: int, closing: str, member: Callable[[int], tuple[T, int]]) -> Iterator[T]:
        """What is between the bracket at `at` and its `closing` one; `member` gives one and the index behind it."""
        here = self.skip(at + 1)
        while self.text[here : here + 1] != closing:
            found, end = member(here)
            yield found
            here = self.skip(end)
            if self.text[here : here + 1] == ",":
                here = self.skip(here + 1)
            elif self.text[here : here + 1] != closing:
                self.fail(here, f"a ',' or '{closing}' is missing")
        self.closed = here + 1


GAP = re.compile(r"(?:[\s\ufeff]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
"""Coqui's loader strips `//` comments and then calls json.load; editors write `/* */` and trailing commas too."""
_STRING = re.compile(r'"[^"\\\x00-\x1f]*(?:(?:\\.|\t)[^"\\\x00-\x1f]*)*"')
_WORD = re.compile(r"[A-Za-z0-9_+.\-]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_WORDS: dict[str, Any] = {
    "true": True,
    "false": False,
    "null": None,
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
}


def read_json(text: str, source: str) -> Document:
    """The tree of a JSON text. Raises ConfigError where it does not parse or asks for too much."""
    reader = _Reader(text, source)
    root = reader.node(reader.skip(0), 0)
    end = reader.skip(root.end)
    if end < len(text):
        reader.fail(end, "text behind the end of the JSON value")
    return Document(source, text, "json", (root,))


class _Reader(BracketReader):
    name = "JSON"
    gap = GAP

    def node(self, at: int, depth: int) -> Node:
        """The value that starts at `at`."""
        self.limits.take(self.line(at), depth)
        if self.text[at : at + 1] == "{":
            entries = tuple(self.members(at, "}", lambda here: self.entry(here, depth + 1)))
            return Table(at, self.closed, self.line(at), entries, flow=True)
        if self.text[at : at + 1] == "[":
            items = tuple(self.members(at, "]", lambda here: (node := self.node(here, depth + 1), node.end)))
            return Array(at, self.closed, self.line(at), items, flow=True)
        return self.scalar(at)

    def entry(self, at: int, depth: int) -> tuple[tuple[Scalar, Node], int]:
        """`"key": value`, and the index behind it."""
        key = self.string(at)
        colon = self.skip(key.end)
        if self.text[colon : colon + 1] != ":":
            self.fail(colon, f"a ':' is missing behind the key {key.value!r:.60}")
        value = self.node(self.skip(colon + 1), depth)
        return (key, value), value.end

    def string(self, at: int) -> Scalar:
        """The quoted text at `at`."""
        match = _STRING.match(self.text, at)
        if match is None:
            self.fail(at, "a name or value in double quotes is missing, or its quote is never closed")
        try:
            value = json.loads(match[0], strict=False)
        except ValueError:
            self.fail(at, "a bad escape in this text")
        return Scalar(at, match.end(), self.line(at), value, '"')

    def scalar(self, at: int) -> Scalar:
        """The text, number or bare word at `at`."""
        if self.text[at : at + 1] == '"':
            return self.string(at)
        word = self.text[at : self.skip(at, _WORD)]
        number = _NUMBER.fullmatch(word)
        if word not in _WORDS and (number is None or len(word) > MAX_NUMBER):
            self.fail(at, f"{word!r:.60} is no value" if word else "a value is missing")
        value = (float(word) if number[1] or number[2] else int(word)) if number else _WORDS[word]
        return Scalar(at, at + len(word), self.line(at), value)
