"""What became of the config while the source was followed: who read what, and where it was lost sight of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from diagnose.keyflow._values import Const, Node, Option, Root, Value
from diagnose.keyflow.report import Place

Path = tuple[str, ...]


@dataclass
class Ledger:
    """Notes taken during one pass over the source."""

    config: Mapping[str, Any]
    roots: dict[Root, None] = field(default_factory=dict)
    reads: dict[Node, dict[Place, None]] = field(default_factory=dict)
    """Leaf or section -> where it was asked for by name, or used; kept from pass to pass."""
    named: dict[Root, set[str]] = field(default_factory=dict)
    """Keys of the top level that were asked for by name, in the file or not."""
    tested: dict[Node, Place] = field(default_factory=dict)
    """Keys of which only the presence was asked."""
    absent: dict[Node, dict[Place, str | None]] = field(default_factory=dict)
    """Keys asked for that are not in the file -> where, with which default."""
    escapes: dict[Node, str] = field(default_factory=dict)
    """Sections handed to code that is not followed, or read under a key that is not known."""
    files: dict[frozenset[str], str] = field(default_factory=dict)
    """File names handed to code that may open them, by origin."""
    loose: dict[str, Place] = field(default_factory=dict)
    """Names asked of values that may be anything."""
    options: dict[str, tuple[str | None, Place]] = field(default_factory=dict)
    """Command-line options that are read -> default and place."""
    lost: str | None = None
    """Why nothing at all can be told."""

    def at(self, node: Node) -> Any:
        """What the config holds at `node`."""
        found: Any = self.config
        for key in node.path:
            found = found[key]
        return found

    def keys(self, node: Node) -> list[str] | None:
        """The keys of a section, or None for a leaf."""
        found = self.at(node)
        if not isinstance(found, Mapping) or (not found and node.path):
            return None
        return [str(key) for key in found]

    def read(self, node: Node, place: Place) -> None:
        """Note that `node` is asked for by name or used."""
        self.reads.setdefault(node, {})[place] = None
        self.name(node)

    def name(self, node: Node) -> None:
        """Note the key of the top level by which `node` was asked for."""
        if node.path:
            self.named.setdefault(node.root, set()).add(node.path[0])

    def miss(self, node: Node, place: Place, default: Value) -> None:
        """Note that a key was asked for which the file does not have."""
        self.name(node)
        self.absent.setdefault(node, {}).setdefault(place, shown_default(default))

    def escape(self, node: Node, reason: str) -> None:
        """Note that everything below `node` was lost sight of."""
        self.escapes.setdefault(node, reason)

    def option(self, option: Option, others: Value, place: Place) -> None:
        """Note that a command-line option is read."""
        self.options.setdefault(option.name, (shown_default(others), place))


def shown_default(value: Value) -> str | None:
    """The one literal in `value`, as Python would write it."""
    literals = {repr(atom.value) for atom in value if isinstance(atom, Const)}
    return literals.pop() if len(literals) == 1 else None
