"""TOML to a tree of scalars with their places; what the values are is what the standard library's reader says."""

from __future__ import annotations

import re
import sys
from collections import deque
from itertools import count
from typing import Any

from diagnose.config._json import BracketReader
from diagnose.config.node import Array, Document, Node, Scalar, Table
from diagnose.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_BLANK = re.compile(r"[ \t]*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_STRINGS = (r'"""(?:[^\\]|\\.)*?"{3,5}(?!")', r"'''.*?'{3,5}(?!')", r'"(?:[^"\\\n]|\\.)*"', r"'[^'\n]*'")
_VALUE = re.compile("|".join((*_STRINGS, r"[^,\]}#\r\n\"']+")), re.DOTALL)
Way = tuple[str | int, ...]


def read_toml(text: str, source: str) -> Document:
    """The tree of a TOML text. Raises ConfigError where it does not parse or asks for too much."""
    body = text.removeprefix("\ufeff")
    try:
        meant = tomllib.loads(body)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        place = re.search(r"at line (\d+)", str(error))
        reason = re.sub(r" \(at .*", "", " ".join(str(error).split()))
        line = f":{place[1]}" if place else ""
        raise ConfigError(f"{source}{line}: not valid TOML: {reason:.200}; correct this line") from None
    reader = _Reader(text, source)
    reader.document(len(text) - len(body))
    try:
        return Document(source, text, "toml", (reader.tree((), meant),))
    except (KeyError, ValueError):
        raise ConfigError(f"{source}: TOML whose values cannot be placed in the text; write it as YAML") from None


class _Reader(BracketReader):
    """Finds where each key and value is; what there is, the standard reader has said."""

    name = "TOML"
    gap = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")

    def __init__(self, text: str, source: str) -> None:
        super().__init__(text, source)
        self.keys: dict[Way, Scalar] = {}
        self.spans: dict[Way, tuple[int, int]] = {}
        """Of what is written as a value: the tables of headers have none."""
        self.tables: dict[Way, int] = {}
        """The number of the last table in each `[[list]]`."""

    def document(self, at: int) -> None:
        """The whole file, whose first character is at `at`."""
        here: Way = ()
        at = self.skip(at)
        while at < len(self.text):
            here, at = self.header(at) if self.text[at] == "[" else (here, self.pair(here, at, 0))
            at = self.skip(at)

    def header(self, at: int) -> tuple[Way, int]:
        """`[a.b]` or `[[a.b]]`: the way to the table that it opens, and the index behind it."""
        listed = self.text.startswith("[[", at)
        way, at = self.named((), self.skip(at + 1 + listed, _BLANK))
        if listed:
            self.tables[way] = self.tables.get(way, -1) + 1
            way = (*way, self.tables[way])
        return way, at + 1 + listed

    def named(self, way: Way, at: int) -> tuple[Way, int]:
        """A dotted key: the way on from `way`, and the index behind the key and its blanks."""
        while True:
            match = _KEY.match(self.text, at)
            if match is None:
                self.fail(at, "a name is missing")
            quote = match[0][0] if match[0][0] in "'\"" else ""
            name = tomllib.loads(f"x = {match[0]}")["x"] if quote else match[0]
            way = (*way, name)
            self.keys.setdefault(way, Scalar(at, match.end(), self.line(at), name, quote))
            at = self.skip(match.end(), _BLANK)
            if self.text[at : at + 1] != ".":
                return way, at
            way = (*way, self.tables[way]) if way in self.tables else way
            at = self.skip(at + 1, _BLANK)

    def pair(self, way: Way, at: int, depth: int) -> int:
        """`a.b = value`; the index behind it."""
        way, at = self.named(way, at)
        return self.value(self.skip(at + 1, _BLANK), way, depth + 1)

    def value(self, at: int, way: Way, depth: int) -> int:
        """The value that starts at `at`; the index behind it."""
        self.limits.take(self.line(at), depth)
        opening, number = self.text[at : at + 1], count()
        if opening == "[":
            deque(self.members(at, "]", lambda here: (None, self.value(here, (*way, next(number)), depth + 1))), 0)
        elif opening == "{":
            deque(self.members(at, "}", lambda here: (None, self.pair(way, here, depth))), 0)
        else:
            self.closed = at + len(self.text[at : self.skip(at, _VALUE)].rstrip())
        self.spans[way] = at, self.closed
        return self.closed

    def tree(self, way: Way, meant: Any) -> Node:
        """What is at `way`. Raises KeyError or ValueError where the text there does not say it."""
        flow = way in self.spans
        start, end = self.spans.get(way, (self.keys[way].start if way in self.keys else 0, len(self.text)))
        if isinstance(meant, dict):
            inner = {(*way, name): child for name, child in meant.items()}
            entries = tuple((self.keys[place], self.tree(place, child)) for place, child in inner.items())
            return Table(start, end, self.line(start), entries, flow)
        if isinstance(meant, list):
            items = tuple(self.tree((*way, number), item) for number, item in enumerate(meant))
            return Array(start, end, self.line(start), items, flow)
        if not flow or repr(tomllib.loads(f"x = {self.text[start:end]}")["x"]) != repr(meant):
            raise ValueError
        style = self.text[start] if self.text[start] in "'\"" else ""
        value = meant if isinstance(meant, bool | int | float | str) else str(meant)  # dates: no hyperparameter is one
        return Scalar(start, end, self.line(start), value, style)
