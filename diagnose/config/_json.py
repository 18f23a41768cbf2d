"""JSON to a tree of scalars with their places; comments, trailing commas, NaN and duplicate keys are accepted."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from typing import Any, NoReturn

from diagnose.config.node import MAX_DEPTH, MAX_NODES, MAX_NUMBER, Array, Document, Node, Scalar, Table
from diagnose.errors import ConfigError

# Coqui's loader strips `//` comments and then calls json.load; editors write `/* */` and trailing commas too.
_BLANK = re.compile(r"(?:[\s\ufeff]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(r'"[^"\\\x00-\x1f]*(?:(?:\\.|\t)[^"\\\x00-\x1f]*)*"')
_WORD = re.compile(r"[A-Za-z0-9_+.\-]+")
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
    root = reader.node(reader.blank(0), 0)
    end = reader.blank(root.end)
    if end < len(text):
        reader.fail(end, "text behind the end of the JSON value")
    return Document(source, text, "json", (root,))


class _Reader:
    def __init__(self, text: str, source: str) -> None:
        self.text = text
        self.source = source
        self.count = 0
        self.breaks = [match.start() for match in re.finditer("\n", text)]

    def fail(self, at: int, what: str) -> NoReturn:
        """Refuse the file, naming the line of index `at`."""
        raise ConfigError(f"{self.source}:{self.line(at)}: not valid JSON: {what}; correct this line")

    def line(self, at: int) -> int:
        """1-based line of index `at`."""
        return bisect_left(self.breaks, at) + 1

    def blank(self, at: int) -> int:
        """Index of the first character behind white space and comments."""
        match = _BLANK.match(self.text, at)
        return match.end() if match else at

    def node(self, at: int, depth: int) -> Node:
        """The value that starts at `at`."""
        self.count += 1
        if self.count > MAX_NODES:
            raise ConfigError(f"{self.source}: more than {MAX_NODES} values: not a training config")
        if depth >= MAX_DEPTH:
            raise ConfigError(f"{self.source}: nested deeper than {MAX_DEPTH} levels: not a training config")
        opening = self.text[at : at + 1]
        if opening == "{":
            return self.table(at, depth)
        if opening == "[":
            return self.array(at, depth)
        return self.string(at) if opening == '"' else self.word(at)

    def table(self, at: int, depth: int) -> Table:
        """The mapping whose `{` is at `at`."""
        entries: list[tuple[Scalar, Node]] = []
        here = self.blank(at + 1)
        while self.text[here : here + 1] != "}":
            key = self.string(here)
            colon = self.blank(key.end)
            if self.text[colon : colon + 1] != ":":
                self.fail(colon, f"a ':' is missing behind the key {key.value!r:.60}")
            value = self.node(self.blank(colon + 1), depth + 1)
            entries.append((key, value))
            here = self.separator(value.end, "}")
        return Table(at, here + 1, self.line(at), tuple(entries), flow=True)

    def array(self, at: int, depth: int) -> Array:
        """The list whose `[` is at `at`."""
        items: list[Node] = []
        here = self.blank(at + 1)
        while self.text[here : here + 1] != "]":
            items.append(self.node(here, depth + 1))
            here = self.separator(items[-1].end, "]")
        return Array(at, here + 1, self.line(at), tuple(items), flow=True)

    def separator(self, at: int, closing: str) -> int:
        """Index behind the comma that follows a member, or of the closing bracket."""
        here = self.blank(at)
        sign = self.text[here : here + 1]
        if sign == ",":
            return self.blank(here + 1)
        if sign != closing:
            self.fail(here, f"a ',' or '{closing}' is missing")
        return here

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

    def word(self, at: int) -> Scalar:
        """The number or bare word at `at`."""
        match = _WORD.match(self.text, at)
        word = match[0] if match else ""
        if word in _WORDS:
            return Scalar(at, at + len(word), self.line(at), _WORDS[word])
        number = _NUMBER.fullmatch(word)
        if number is None or len(word) > MAX_NUMBER:
            self.fail(at, f"{word!r:.60} is no value" if word else "a value is missing")
        value = float(word) if number[1] or number[2] else int(word)
        return Scalar(at, at + len(word), self.line(at), value)
