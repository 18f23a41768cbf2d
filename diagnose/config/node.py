"""The tree of a config file, with the place of every scalar in the text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, reduce
from itertools import pairwise
from typing import Any, TypeAlias

from diagnose.errors import ConfigError

MAX_BYTES = 2 * 1024 * 1024
"""The largest file that is opened. The largest of 87 public training configs measured (`benchmarks/config`) has 12 KB;
the margin is for token lists that some frameworks write out."""
MAX_NUMBER = 400
"""Characters of the longest text that is parsed as a number: a double needs 330 at most, written out."""
MAX_DEPTH = 64
"""The deepest nesting that is followed. The deepest of the same configs has 6 levels."""
MAX_NODES = 20_000
"""Scalars, lists and mappings in one file; the largest of the same configs has 262 scalars. Read in half a second."""
MAX_EXPANDED = 1_000_000
"""Nodes once every alias is written out: beyond it the file is an alias bomb, which would drown the trainer."""


class Limits:
    """Counts the values of one file while it is read."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.count = 0

    def take(self, line: int, depth: int) -> None:
        """One more value, so deep inside others. Raises ConfigError beyond a limit."""
        self.count += 1
        if self.count > MAX_NODES:
            raise ConfigError(f"{self.source}:{line}: more than {MAX_NODES} values: not a training config")
        if depth >= MAX_DEPTH:
            raise too_deep(self.source, line)


def too_deep(source: str, line: int) -> ConfigError:
    """The refusal of what is nested too deeply."""
    return ConfigError(f"{source}:{line}: nested deeper than {MAX_DEPTH} levels: not a training config")


Key: TypeAlias = str | int
"""A mapping key or a list index."""
Path: TypeAlias = tuple[Key, ...]

MERGE = "<<"
"""The key under which YAML takes over the keys of other mappings."""
COMPUTED = "!computed"
"""The tag of a number that the file calculates from other names: it can be read and not be rewritten."""


@dataclass(frozen=True, slots=True, eq=False)
class _Written:
    """What stands in the text."""

    start: int
    """Index of the first character of the value itself, behind any `&anchor` or `!tag`."""
    end: int
    """Index behind its last character."""
    line: int
    """1-based."""


@dataclass(frozen=True, slots=True, eq=False)
class Scalar(_Written):
    """One value in the text."""

    value: Any
    """As the usual loader gives it (PyYAML for YAML, `json` for JSON): None, bool, int, float or str."""
    style: str = ""
    """`''` for a plain scalar, else the quote or block sign that opens it."""
    tag: str | None = None
    anchor: str | None = None
    weight: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Alias(_Written):
    """A `*name`: the same node a second time."""

    target: Scalar | Table | Array
    weight: int


@dataclass(frozen=True, slots=True, eq=False)
class Array(_Written):
    """A list."""

    items: tuple[Node, ...]
    flow: bool = False
    """Written in brackets."""
    tag: str | None = None
    anchor: str | None = None
    weight: int = 1


@dataclass(frozen=True, eq=False)
class Table(_Written):
    """A mapping. A key may appear twice, as in the text: the last one counts."""

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
        merge = self._last.get(MERGE)
        return None if merge is None else _merged(merge, key)

    def inside(self, key: Key) -> Scalar | Table | Array | None:
        """The same with an alias resolved."""
        node = self.get(key)
        return None if node is None else resolved(node)

    @cached_property
    def _last(self) -> Mapping[str, Node]:
        return {key_text(key): node for key, node in self.entries}

    @cached_property
    def has_dotted_keys(self) -> bool:
        """Whether a key here is a way of its own (`AdamW.lr`)."""
        return any("." in key for key in self._last)


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
    """The node itself, or the target of an alias."""
    return node.target if isinstance(node, Alias) else node


def children(node: Node) -> Iterator[tuple[Key, Node]]:
    """Key or index and node of everything directly inside; nothing inside an alias."""
    if isinstance(node, Table):
        yield from ((key_text(key), child) for key, child in node.entries)
    elif isinstance(node, Array):
        yield from enumerate(node.items)


def merged(under: Node, over: Node) -> Node:
    """Two mappings as one, section by section; what both say, `over` says. Anything else: `over`.

    `_delete_` in a section is mmengine's way of saying that nothing of the section below is taken over.
    """
    below, above = resolved(under), resolved(over)
    if not isinstance(below, Table) or not isinstance(above, Table) or above.get("_delete_") is not None:
        return over
    kept = [(key, child) for key, child in below.entries if above.get(key_text(key)) is None]
    entries = [
        (key, merged(old, child) if (old := below.get(key_text(key))) is not None else child)
        for key, child in above.entries
    ]
    return Table(above.start, above.end, above.line, (*kept, *entries), above.flow, above.tag)


@dataclass(frozen=True, eq=False)
class Inherited:
    """A file whose values the config takes over: a Hydra group, a `_base_`."""

    file: str
    """As a reader of the config would name it."""
    root: Node


@dataclass(frozen=True, eq=False)
class Document:
    """A config file: its exact text and the tree of its scalars."""

    source: str
    text: str
    syntax: str
    """`yaml`, `json`, `toml` or `python`."""
    roots: tuple[Node, ...]
    """One for each document of the file."""
    foreign_tags: tuple[str, ...] = field(default=())
    """Tags that the safe loader of PyYAML refuses (`!new:`, `!!python/object:`), in order."""
    under: tuple[Inherited, ...] = ()
    """Files whose values hold where this one says nothing, the weakest first."""
    over: tuple[Inherited, ...] = ()
    """Files whose values hold against this one."""

    @cached_property
    def own(self) -> Node | None:
        """What is in this file itself: its documents as one mapping, None for an empty file.

        Several documents are read by `load_all` and joined where no key is in two of them; else they are
        alternatives, and the first is the config.
        """
        first = self.roots[0] if self.roots else None
        spoken = [root for root in self.roots if not (isinstance(root, Scalar) and root.value is None)]
        tables = [root for root in spoken if isinstance(root, Table)]
        names = [name for table in tables for name in {key_text(key) for key, _ in table.entries}]
        if len(tables) < 2 or len(tables) < len(spoken) or len(set(names)) < len(names):
            return first
        entries = tuple(entry for table in tables for entry in table.entries)
        return Table(tables[0].start, tables[-1].end, tables[0].line, entries)

    @cached_property
    def root(self) -> Node | None:
        """The config as the trainer gets it: this file, with the files that it names."""
        layers = [*(each.root for each in self.under), self.own, *(each.root for each in self.over)]
        known = [layer for layer in layers if layer is not None]
        return reduce(merged, known) if known else None

    @cached_property
    def elsewhere(self) -> Mapping[int, str]:
        """In which other file a scalar is written, by `id`; those of this file are not here."""
        return {
            id(resolved(node)): each.file for each in (*self.under, *self.over) for _, node in _scalars((), each.root)
        }

    def node(self, path: Path, *, own: bool = False) -> Node | None:
        """What is at `path`, aliases and merges on the way followed; an alias at its end is returned as such.

        `own`: in this file itself.
        """
        node = self.own if own else self.root
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
        """Every scalar and alias of the file with its path, each node once, duplicates of a key included."""
        joined = self.own is not (self.roots[0] if self.roots else None)
        for number, root in enumerate(self.roots):
            yield from _scalars(() if joined or number == 0 else (f"document {number + 1}",), root)


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
    """`trainer.callbacks[0].patience`; what `<<` merges in is called as the trainer reads it."""
    text = ""
    for before, key in pairwise(("", *path)):
        if key == MERGE or (before == MERGE and isinstance(key, int)):
            continue
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text
