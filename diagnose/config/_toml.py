"""TOML to a tree of scalars with their places; what the values are is what the standard library's reader says."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from diagnose.config._brackets import BracketReader
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
_UNPLACED = "it cannot be placed in the text"


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
    root = _Reader(text, source).document(len(text) - len(body))
    if _as_text(_meaning(root)) != _as_text(meant):
        raise ConfigError(f"{source}: TOML whose values cannot be placed in the text; write it as YAML or JSON")
    return Document(source, text, "toml", (root,))


@dataclass
class _Section:
    """A table that further headers and dotted keys may still add to."""

    key: Scalar | None = None
    entries: dict[str, tuple[Scalar, Node | _Section | list[_Section]]] = field(default_factory=dict)

    def frozen(self, end: int) -> Table:
        """The finished table."""
        entries = tuple((key, _frozen(child, end)) for key, child in self.entries.values())
        return Table(self.key.start if self.key else 0, end, self.key.line if self.key else 1, entries)


def _frozen(child: Node | _Section | list[_Section], end: int) -> Node:
    if isinstance(child, list):
        tables = tuple(section.frozen(end) for section in child)
        return Array(tables[0].start, end, tables[0].line, tables)
    return child.frozen(end) if isinstance(child, _Section) else child


class _Reader(BracketReader):
    name = "TOML"
    gap = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")

    def document(self, at: int) -> Table:
        """The whole file, whose first character is at `at`."""
        root = here = _Section()
        at = self.skip(at)
        while at < len(self.text):
            if self.text[at] == "[":
                here, at = self.header(root, at)
            else:
                at = self.pair(here, at, 0)
            at = self.skip(at)
        return root.frozen(len(self.text))

    def header(self, root: _Section, at: int) -> tuple[_Section, int]:
        """`[a.b]` or `[[a.b]]`: the section that it opens, and the index behind it."""
        listed = self.text.startswith("[[", at)
        keys, at = self.keys(self.skip(at + 1 + listed, _BLANK))
        if not listed:
            return self.inner(root, keys), at + 1
        opened = _Section(keys[-1])
        known = self.inner(root, keys[:-1]).entries.setdefault(str(keys[-1].value), (keys[-1], []))[1]
        if not isinstance(known, list):
            self.fail(at, _UNPLACED)
        known.append(opened)
        return opened, at + 2

    def inner(self, section: _Section, keys: Iterable[Scalar]) -> _Section:
        """The section below `section` that the keys lead to, made where it is not there."""
        for key in keys:
            child = section.entries.setdefault(str(key.value), (key, _Section(key)))[1]
            child = child[-1] if isinstance(child, list) else child
            if not isinstance(child, _Section):
                self.fail(key.start, _UNPLACED)
            section = child
        return section

    def pair(self, section: _Section, at: int, depth: int) -> int:
        """`a.b = value`; the index behind it."""
        keys, at = self.keys(at)
        if self.text[at : at + 1] != "=":
            self.fail(at, _UNPLACED)
        node = self.node(self.skip(at + 1, _BLANK), depth + 1)
        self.inner(section, keys[:-1]).entries[str(keys[-1].value)] = (keys[-1], node)
        return node.end

    def keys(self, at: int) -> tuple[list[Scalar], int]:
        """A dotted key, and the index behind it and its blanks."""
        found = []
        while True:
            match = _KEY.match(self.text, at)
            if match is None:
                self.fail(at, _UNPLACED)
            quoted = match[0][0] in "'\""
            name = self.meaning(match[0], at) if quoted else match[0]
            found.append(Scalar(at, match.end(), self.line(at), name, match[0][0] if quoted else ""))
            at = self.skip(match.end(), _BLANK)
            if self.text[at : at + 1] != ".":
                return found, at
            at = self.skip(at + 1, _BLANK)

    def table(self, at: int, depth: int) -> Table:
        """The inline table whose `{` is at `at`."""
        section = _Section()
        for _ in self.members(at, "}", lambda here: (None, self.pair(section, here, depth))):
            pass
        return Table(at, self.closed, self.line(at), section.frozen(self.closed).entries, flow=True)

    def scalar(self, at: int) -> Scalar:
        """The number, word, date or text at `at`."""
        written = self.text[at : self.skip(at, _VALUE)].rstrip()
        style = written[:1] if written[:1] in {'"', "'"} else ""
        return Scalar(at, at + len(written), self.line(at), self.meaning(written, at), style)

    def meaning(self, written: str, at: int) -> Any:
        """What the standard reader makes of one value; dates as text: no hyperparameter is one."""
        try:
            value = tomllib.loads(f"x = {written}")["x"]
        except (ValueError, KeyError):
            self.fail(at, _UNPLACED)
        return value if isinstance(value, bool | int | float | str) else str(value)


def _meaning(node: Node) -> Any:
    if isinstance(node, Table):
        return {key.value: _meaning(child) for key, child in node.entries}
    return [_meaning(item) for item in node.items] if isinstance(node, Array) else getattr(node, "value", None)


def _as_text(value: Any) -> str:
    """Texts of two values are equal where the values are equal in value and type; NaN equals NaN."""
    return json.dumps(value, sort_keys=True, default=str)
