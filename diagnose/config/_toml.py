"""TOML to a tree of scalars with their places; what the values are is what the standard library's reader says."""

from __future__ import annotations

import re
import sys
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

from diagnose.config.node import MAX_DEPTH, MAX_NODES, Array, Document, Node, Scalar, Table, same
from diagnose.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_BLANK = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_STRINGS = (
    r'"""(?:[^\\]|\\.)*?"{3,5}(?!")',
    r"'''.*?'{3,5}(?!')",
    r'"(?:[^"\\\n]|\\.)*"',
    r"'[^'\n]*'",
)
_STRING = re.compile("|".join(_STRINGS), re.DOTALL)
_WORD = re.compile(r"[^,\]}#\r\n]+")


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
    root = reader.document(len(text) - len(body))
    if not _agrees(root, meant):
        raise ConfigError(f"{source}: TOML whose values cannot be placed in the text; write it as YAML or JSON")
    return Document(source, text, "toml", (root,))


@dataclass
class _Section:
    """A table that further headers and dotted keys may still add to."""

    key: Scalar | None
    entries: dict[str, tuple[Scalar, Node | _Section | list[_Section]]] = field(default_factory=dict)

    def frozen(self, end: int) -> Table:
        """The finished table."""
        entries = tuple((key, _frozen(child, end)) for key, child in self.entries.values())
        start = self.key.start if self.key else 0
        return Table(start, end, self.key.line if self.key else 1, entries)


def _frozen(child: Node | _Section | list[_Section], end: int) -> Node:
    if isinstance(child, _Section):
        return child.frozen(end)
    if isinstance(child, list):
        tables = tuple(section.frozen(end) for section in child)
        return Array(tables[0].start, end, tables[0].line, tables)
    return child


class _Reader:
    def __init__(self, text: str, source: str) -> None:
        self.text = text
        self.source = source
        self.count = 0
        self.breaks = [match.start() for match in re.finditer("\n", text)]

    def document(self, at: int) -> Table:
        """The whole file, whose first character is at `at`."""
        root = here = _Section(None)
        at = self.skip(_GAP, at)
        while at < len(self.text):
            if self.text[at] == "[":
                here, at = self.header(root, at)
            else:
                at = self.pair(here, at)
            at = self.skip(_GAP, at)
        return root.frozen(len(self.text))

    def header(self, root: _Section, at: int) -> tuple[_Section, int]:
        """`[a.b]` or `[[a.b]]`: the section that it opens, and the index behind it."""
        listed = self.text.startswith("[[", at)
        keys, at = self.keys(self.skip(_BLANK, at + 1 + listed))
        section = self.inner(root, keys[:-1])
        last = keys[-1]
        if not listed:
            return self.inner(section, [last]), at + 1
        opened = _Section(last)
        known = section.entries.setdefault(str(last.value), (last, []))[1]
        if not isinstance(known, list):
            self.fail(last.start)
        known.append(opened)
        return opened, at + 2

    def inner(self, section: _Section, keys: list[Scalar]) -> _Section:
        """The section below `section` that the keys lead to, made where it is not there."""
        for key in keys:
            child = section.entries.setdefault(str(key.value), (key, _Section(key)))[1]
            child = child[-1] if isinstance(child, list) else child
            if not isinstance(child, _Section):
                self.fail(key.start)
            section = child
        return section

    def pair(self, section: _Section, at: int) -> int:
        """`a.b = value`; the index behind it."""
        keys, at = self.keys(at)
        if self.text[at : at + 1] != "=":
            self.fail(at)
        node = self.value(self.skip(_BLANK, at + 1), 1)
        self.inner(section, keys[:-1]).entries[str(keys[-1].value)] = (keys[-1], node)
        return node.end

    def keys(self, at: int) -> tuple[list[Scalar], int]:
        """A dotted key, and the index behind it and its blanks."""
        found = []
        while True:
            match = _KEY.match(self.text, at)
            if match is None:
                self.fail(at)
            quoted = match[0][0] in "'\""
            name = self.meaning(match[0], at) if quoted else match[0]
            found.append(Scalar(at, match.end(), self.line(at), name, match[0][0] if quoted else ""))
            at = self.skip(_BLANK, match.end())
            if self.text[at : at + 1] != ".":
                return found, at
            at = self.skip(_BLANK, at + 1)

    def value(self, at: int, depth: int) -> Node:
        """The value that starts at `at`."""
        self.count += 1
        if self.count > MAX_NODES:
            raise ConfigError(f"{self.source}: more than {MAX_NODES} values: not a training config")
        if depth >= MAX_DEPTH:
            raise ConfigError(f"{self.source}: nested deeper than {MAX_DEPTH} levels: not a training config")
        opening = self.text[at : at + 1]
        if opening == "[":
            items = tuple(self.members(at, "]", lambda here: self.value(here, depth + 1)))
            return Array(at, self.closed, self.line(at), items, flow=True)
        if opening == "{":
            section = _Section(None)
            for _ in self.members(at, "}", lambda here: _Span(self.pair(section, here))):
                pass
            table = section.frozen(self.closed)
            return Table(at, self.closed, self.line(at), table.entries, flow=True)
        match = (_STRING if opening in {'"', "'"} else _WORD).match(self.text, at)
        if match is None:
            self.fail(at)
        written = match[0].rstrip()
        style = opening if opening in {'"', "'"} else ""
        return Scalar(at, at + len(written), self.line(at), self.meaning(written, at), style)

    def members(self, at: int, closing: str, member: Any) -> Iterator[Any]:
        """The members of a list or inline table; afterwards `closed` is the index behind its closing bracket."""
        here = self.skip(_GAP, at + 1)
        while self.text[here : here + 1] != closing:
            found = member(here)
            yield found
            here = self.skip(_GAP, found.end)
            if self.text[here : here + 1] == ",":
                here = self.skip(_GAP, here + 1)
            elif self.text[here : here + 1] != closing:
                self.fail(here)
        self.closed = here + 1

    def meaning(self, written: str, at: int) -> Any:
        """What the standard reader makes of one value."""
        try:
            return _comparable(tomllib.loads(f"x = {written}")["x"])
        except (ValueError, KeyError):
            self.fail(at)

    def skip(self, pattern: re.Pattern[str], at: int) -> int:
        """The index behind what `pattern` takes at `at`."""
        match = pattern.match(self.text, at)
        return match.end() if match else at

    def line(self, at: int) -> int:
        """1-based line of index `at`."""
        return bisect_left(self.breaks, at) + 1

    def fail(self, at: int) -> NoReturn:
        """Refuse the file, naming the line of index `at`."""
        raise ConfigError(f"{self.source}:{self.line(at)}: TOML that cannot be placed in the text; correct this line")


@dataclass(frozen=True, slots=True)
class _Span:
    end: int


def _comparable(value: Any) -> Any:
    """Dates as text: no hyperparameter is one."""
    return value if isinstance(value, bool | int | float | str) else str(value)


def _agrees(node: Node, meant: Any) -> bool:
    """Whether the tree says what the standard reader says of the whole text."""
    if isinstance(node, Table) and isinstance(meant, dict):
        entries = {str(key.value): child for key, child in node.entries}
        return entries.keys() == meant.keys() and all(_agrees(entries[key], meant[key]) for key in meant)
    if isinstance(node, Array) and isinstance(meant, list):
        return len(node.items) == len(meant) and all(map(_agrees, node.items, meant))
    if not isinstance(node, Scalar):
        return False
    return same(node.value, _comparable(meant))
