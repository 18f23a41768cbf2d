"""Where something is in a config: a way through the tree, and what must be found there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from typing import Any

from diagnose.config.node import Array, Document, Node, Path, Scalar, Table, resolved

_STEP = re.compile(r"\[(?:(\d+)|(\*)|([^\]~]+)~([^\]]+))\]|([^.\[\]]+)")


@dataclass(frozen=True, slots=True)
class Place:
    """A way through the tree: `trainer.max_epochs`, `betas[0]`, `callbacks[*].x`, `callbacks[class_path~Early].x`."""

    text: str

    def find(self, document: Document) -> Iterator[tuple[Path, Node]]:
        """Every path that exists, with what is there."""
        if document.root is not None:
            yield from _follow(document.root, _steps(self.text), ())

    def scalar(self, document: Document) -> Any:
        """The first scalar there; None where there is none."""
        return next(
            (node.value for _, found in self.find(document) if isinstance(node := resolved(found), Scalar)), None
        )


@lru_cache(maxsize=4096)
def _steps(text: str) -> tuple[re.Match[str], ...]:
    return tuple(_STEP.finditer(text))


def _follow(node: Node, steps: tuple[re.Match[str], ...], path: Path) -> Iterator[tuple[Path, Node]]:
    if not steps:
        yield path, node
        return
    index, every, key, pattern, name = steps[0].groups()
    inside = resolved(node)
    if name is not None and isinstance(inside, Table):
        for length, joined in _names(inside, steps):
            child = inside.get(joined)
            if child is not None:
                yield from _follow(child, steps[length:], (*path, joined))
    elif name is None and isinstance(inside, Array):
        for number, item in enumerate(inside.items):
            if every or (index and int(index) == number) or (key and _has(item, key, pattern)):
                yield from _follow(item, steps[1:], (*path, number))


def _names(table: Table, steps: tuple[re.Match[str], ...]) -> Iterator[tuple[int, str]]:
    """The next name, and the longer ones that a key with dots in it may hold (`AdamW.lr`), with their lengths."""
    yield 1, steps[0][5]
    if table.has_dotted_keys:
        names = [name for step in takewhile(lambda step: step[5], steps) if (name := step[5])]
        yield from ((length, ".".join(names[:length])) for length in range(2, len(names) + 1))


def _has(item: Node, key: str, pattern: str) -> bool:
    item = resolved(item)
    child = item.inside(key) if isinstance(item, Table) else None
    return isinstance(child, Scalar) and re.search(pattern, str(child.value)) is not None


@dataclass(frozen=True, slots=True)
class Conditions:
    """`path: regex` pairs that must all match; `''` as the regex asks for nothing but the path."""

    pairs: tuple[tuple[Place, str], ...] = ()

    def hold(self, document: Document) -> bool:
        """Whether every pair matches in `document`; a path that is not there reads as the empty text."""
        return all(_matches(place, pattern, document) for place, pattern in self.pairs)


ALWAYS = Conditions()
"""No condition."""


def _matches(place: Place, pattern: str, document: Document) -> bool:
    if not pattern:
        return next(place.find(document), None) is not None
    value = place.scalar(document)
    return re.search(pattern, "" if value is None else str(value)) is not None
