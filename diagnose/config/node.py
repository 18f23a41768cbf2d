"""The tree of a config file, with the place of every scalar in the text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

Key: TypeAlias = str | int
"""A mapping key or a list index."""
Path: TypeAlias = tuple[Key, ...]

MAX_BYTES = 2 * 1024 * 1024
"""The largest file that is opened. The largest of 87 public training configs measured (`benchmarks/config`) has 12 KB;
the margin is for token lists that some frameworks write out."""
MAX_NUMBER = 400
"""Characters of the longest text that is taken for a number: a double needs 330 at most, written out."""
MAX_DEPTH = 64
"""The deepest nesting that is followed. The deepest of the same configs has 6 levels."""
MAX_NODES = 20_000
"""Scalars, lists and mappings in one file; the largest of the same configs has 262 scalars. Read in half a second."""
MAX_EXPANDED = 1_000_000
"""Nodes once every alias is written out: beyond it the file is an alias bomb, which would drown the trainer."""


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """One value in the text."""

    start: int
    """Index of the first character of the value itself, behind any `&anchor` or `!tag`."""
    end: int
    """Index behind its last character."""
    line: int
    """1-based."""
    value: Any
    """As the usual loader gives it (PyYAML for YAML, `json` for JSON): None, bool, int, float or str."""
    style: str = ""
    """`''` for a plain scalar, else the quote or block sign that opens it."""
    tag: str | None = None
    anchor: str | None = None
    weight: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Alias:
    """A `*name`: the same node a second time."""

    start: int
    end: int
    line: int
    target: Scalar | Table | Array
    weight: int


@dataclass(frozen=True, slots=True, eq=False)
class Array:
    """A list."""

    start: int
    end: int
    line: int
    items: tuple[Node, ...]
    flow: bool = False
    """Written in brackets."""
    tag: str | None = None
    anchor: str | None = None
    weight: int = 1


@dataclass(frozen=True, eq=False)
class Table:
    """A mapping. A key may stand twice, as in the text: the last one counts."""

    start: int
    end: int
    line: int
    entries: tuple[tuple[Scalar, Node], ...]
    flow: bool = False
    """Written in braces."""
    tag: str | None = None
    anchor: str | None = None
    weight: int = 1

    def get(self, key: Key) -> Node | None:
        """The node under `key`: its last copy, else what `<<` merges in."""
        node = self._last.get(str(key))
        if node is not None:
            return node
        merge = self._last.get("<<")
        return None if merge is None else _merged(merge, key)

    @cached_property
    def _last(self) -> Mapping[str, Node]:
        return {key_text(key): node for key, node in self.entries}


Node: TypeAlias = Scalar | Alias | Array | Table


def _merged(source: Node, key: Key) -> Node | None:
    """`key` in a merged mapping, or in the first of a list of them that has it."""
    source = resolved(source)
    if isinstance(source, Table):
        return source.get(key)
    sources = source.items if isinstance(source, Array) else ()
    return next((node for item in sources if (node := _merged(item, key)) is not None), None)


def key_text(key: Scalar) -> str:
    """The name that a key scalar gives: `1` and `"1"` are one name here."""
    return key.value if isinstance(key.value, str) else str(key.value)


def resolved(node: Node) -> Scalar | Table | Array:
    """The node itself, or what an alias stands for."""
    return node.target if isinstance(node, Alias) else node


def children(node: Node) -> Iterator[tuple[Key, Node]]:
    """Key or index and node of everything directly inside; nothing inside an alias."""
    if isinstance(node, Table):
        yield from ((key_text(key), child) for key, child in node.entries)
    elif isinstance(node, Array):
        yield from enumerate(node.items)


@dataclass(frozen=True, eq=False)
class Document:
    """A config file: its exact text and the tree of its scalars."""

    source: str
    text: str
    syntax: str
    """`yaml`, `json` or `python`."""
    roots: tuple[Node, ...]
    """One for each document of the file; the first is the config."""
    foreign_tags: tuple[str, ...] = field(default=())
    """Tags that the safe loader of PyYAML refuses (`!new:`, `!!python/object:`), in order."""

    @property
    def root(self) -> Node | None:
        """The config itself; None for an empty file."""
        return self.roots[0] if self.roots else None

    def node(self, path: Path) -> Node | None:
        """What stands at `path`, aliases and merges on the way followed; an alias at its end is returned as such."""
        node = self.root
        for key in path:
            node = None if node is None else _step(resolved(node), key)
        return node

    @cached_property
    def origins(self) -> Mapping[int, Path]:
        """Where each scalar is written, by `id`: an alias or a merge shows it in more places."""
        return {id(node): path for path, node in self.scalars()}

    @cached_property
    def uses(self) -> Mapping[int, int]:
        """How many aliases stand for a node, by `id`."""
        count: dict[int, int] = {}
        for _, node in self.scalars():
            if isinstance(node, Alias):
                count[id(node.target)] = count.get(id(node.target), 0) + 1
        return count

    def scalars(self) -> Iterator[tuple[Path, Scalar | Alias]]:
        """Every scalar and alias with its path, each node once, duplicates of a key included."""
        for number, root in enumerate(self.roots):
            yield from _scalars((), root) if number == 0 else _scalars((f"document {number + 1}",), root)


def _step(node: Node, key: Key) -> Node | None:
    if isinstance(node, Table):
        return node.get(key)
    if isinstance(node, Array) and isinstance(key, int) and key < len(node.items):
        return node.items[key]
    return None


def _scalars(path: Path, node: Node) -> Iterator[tuple[Path, Scalar | Alias]]:
    if isinstance(node, Scalar | Alias):
        yield path, node
    for key, child in children(node):
        yield from _scalars((*path, key), child)


def same(one: Any, other: Any) -> bool:
    """Equal in value and in type; NaN equals NaN."""
    if type(one) is not type(other):
        return False
    return bool(one == other) or (isinstance(one, float) and math.isnan(one) and math.isnan(other))


def dotted(path: Path) -> str:
    """`trainer.callbacks[0].patience`."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text
