"""What a name in a Python source may be, while a config is followed through it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from diagnose.usage.libraries import names_of
from diagnose.usage.syntax import accessor, last_name, merges

Values = frozenset[Any]
"""Of Scope (a function or class), Bound, Thing, Node, Text, Named, KeysOf, Each, Outside, and str: a name or file."""
NOTHING: Values = frozenset()
RETURNED = "return"
"""The name under which a function's variables hold what it gives back: a keyword, so no variable has it."""
ITSELF = "<itself>"
"""The key under which a thing holds the sections that it stands for; among variables: of all global names."""
WRITERS = {"__setattr__", "__setitem__", "setattr", "save_hyperparameters"}
WRAPPER_MARKS = WRITERS | {"__dict__", "__slots__", "vars", "__getattr__", "__getattribute__"}


class Scope:
    """A module, a class or a function, with what was learned of its names; as a value, the function or class itself."""

    def __init__(self, kind: Literal["module", "class", "function"], node: Any, module: Module, parent: Scope | None):
        self.kind, self.node, self.module, self.parent = kind, node, module, parent
        self.name: str = getattr(node, "name", "<lambda>")
        self.names: dict[str, Scope | None] = {}
        """Bound here; the scope itself for `def` and `class`."""
        self.outer_names: set[str] = set()
        """Declared `global` or `nonlocal`."""
        self.bases: list[Scope] = []
        self.outer_bases: list[str] = []
        self.strange_bases: list[str] = []  # those of libraries of which nothing is known
        """Names of base classes outside of the project."""
        self.variables: dict[str, Values] = {}
        self.alternatives: list[Scope] = []
        """Other definitions of its name beside it: `if fast: def step(): ...`, `else: def step(): ...`."""
        self.reached = False
        given = node.args if kind == "function" else None
        self.positional = [one.arg for one in [*given.posonlyargs, *given.args]] if given else []
        self.parameters = {*self.positional, *(one.arg for one in given.kwonlyargs)} if given else set()
        self.star = given.vararg.arg if given and given.vararg else None
        self.double_star = given.kwarg.arg if given and given.kwarg else None
        self.names |= dict.fromkeys([*self.parameters, *filter(None, [self.star, self.double_star])])

    @property
    def returned(self) -> Values:
        """What a function may give back."""
        return self.variables.get(RETURNED, NOTHING)

    @property
    def owner(self) -> Scope | None:
        """The class of a method."""
        return self.parent if self.kind == "function" and self.parent and self.parent.kind == "class" else None

    @cached_property
    def decorators(self) -> frozenset[str]:
        """The last names of its decorators."""
        return frozenset(last_name(one) for one in getattr(self.node, "decorator_list", []))

    @property
    def first(self) -> str | None:
        """The name of the parameter that takes the instance, or the class."""
        return self.positional[0] if self.owner and self.positional and "staticmethod" not in self.decorators else None

    @property
    def is_classmethod(self) -> bool:
        """Whether a method takes its class."""
        return self.first is not None and "classmethod" in self.decorators

    @cached_property
    def body(self) -> list[ast.AST]:
        """Its statements; the expression of a lambda."""
        return [self.node.body] if isinstance(self.node, ast.Lambda) else self.node.body

    @cached_property
    def looks_up(self) -> tuple[ast.AST, str, str] | None:
        """Of a function that only gives what is under a key it is given: where it looks, that parameter, the form."""
        return accessor(self.node)

    @cached_property
    def mro(self) -> list[Scope]:
        """A class with its bases in the project, nearest first."""
        found: dict[Scope, None] = {}
        waiting = [self]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found[one] = None
                waiting += reversed(one.bases)
        return list(found)

    def method(self, name: Any) -> Scope | None:
        """The function of a class that has this name."""
        found = (one.names.get(name) for one in self.mro)
        return next((one for one in found if one is not None and one.kind == "function"), None)

    @cached_property
    def instance(self) -> Thing:
        """Any object of the class; what is assigned to the class itself is there, too."""
        return Thing(self)

    @cached_property
    def annotated(self) -> list[str]:
        """Of a class: the fields that its body, and those of its bases, declare with a type, in their order."""
        nodes = (node for one in reversed(self.mro) for node in one.body if isinstance(node, ast.AnnAssign))
        return list(dict.fromkeys(last_name(node.target) for node in nodes))

    @cached_property
    def is_record(self) -> bool:
        """Whether the fields of a class are keys: a data class, a pydantic model."""
        bases = {base for one in self.mro for base in one.outer_bases}
        return bool(self.decorators & names_of("field_decorators") or bases & names_of("field_bases"))

    @cached_property
    def words(self) -> frozenset[str]:
        """Every name, attribute, definition and text in its source."""
        parts = (getattr(node, one, "") for node in ast.walk(self.node) for one in ("attr", "id", "name", "value"))
        return frozenset(part for part in parts if isinstance(part, str))

    @cached_property
    def is_wrapper(self) -> bool:
        """Whether instances of a class wrap the mapping that they were made from."""
        bases = names_of("mapping_bases")
        return self.is_record or any(bases & set(one.outer_bases) or WRAPPER_MARKS & one.words for one in self.mro)

    @cached_property
    def is_walker(self) -> bool:
        """Whether a function calls itself on the parts of a mapping: what comes back is what went in, and not flat."""
        nodes = list(ast.walk(self.node))
        mine = {node for node in nodes if isinstance(node, ast.Call) and last_name(node) == self.name}
        passed_on = {getattr(given, "id", None) for one in mine for given in one.args[1:]}
        is_flat = passed_on & self.parameters or any(merges(one) and mine & {*ast.walk(one)} for one in nodes)
        return bool(mine and self.words & {"dict", "Mapping", "items", "DictConfig"} and not is_flat)

    @property
    def keeps(self) -> bool:
        """Whether a function makes of each value of a mapping what it makes of the mapping: it uses none of them."""
        return self.is_walker or (self.owner is not None and self.owner.is_wrapper)


class Module:
    """One source file."""

    def __init__(self, path: Path, tree: ast.Module, shown: str) -> None:
        self.path, self.tree, self.shown = path, tree, shown
        self.imports: dict[str, list[list[tuple[Module | str, str | None]]]] = {}
        """Name -> for each import of it: the homes to look in, with its name there; None for the module itself."""
        self.stars: list[Module] = []
        self.scopes: dict[ast.AST, Scope] = {}
        self.scope = Scope("module", tree, self, None)

    def is_at(self, dotted: str) -> bool:
        """Whether an import of `dotted` from some folder is this module."""
        return f"/{self.path.with_suffix('')}/".endswith(f"/{dotted.replace('.', '/')}/")


@dataclass(frozen=True)
class Variable:
    """A name that is bound by assignment, in this scope; it may be imported under another one."""

    scope: Scope
    name: str


@dataclass(frozen=True)
class Bound:
    """A method with its object, or its class."""

    method: Scope
    owner: Any


@dataclass(frozen=True)
class Outside:
    """Something of a library, by its dotted name."""

    name: str

    @property
    def top(self) -> str:
        """The library that it is of."""
        return self.name.partition(".")[0]


@dataclass(frozen=True)
class Text:
    """Any text among the values of a section: which one is never asked, and there may be many."""

    site: Any
    """Where the config is loaded."""
    section: tuple[str, ...]


@dataclass(frozen=True)
class Named:
    """What is found by the name that a text of the config is."""

    text: Text


@dataclass(frozen=True)
class KeysOf:
    """Any key of a section, in a loop over it."""

    section: Node


@dataclass(frozen=True)
class Each:
    """Any value of a section."""

    section: Node
    chosen: bool = False
    """Under a key that only the run knows; else under every key, in a loop."""


class Thing:
    """A list, dict or namespace that the source makes, or any object of a class; `*` for items under unknown keys."""

    def __init__(self, cls: Scope | None = None) -> None:
        self.cls = cls
        self.items: dict[Any, Values] = {}

    @property
    def parts(self) -> list[Thing]:
        """Itself; an object has what its class and the bases of it have."""
        return [one.instance for one in self.cls.mro] if self.cls else [self]

    def at(self, key: Any) -> Values:
        """What it may hold under a key."""
        return NOTHING.union(*(one.items.get(key, NOTHING) for one in self.parts))

    def has(self, key: Any) -> bool:
        """Whether anything is known under a key."""
        return any(key in one.items or (one.cls is not None and key in one.cls.names) for one in self.parts)

    def everything(self) -> Values:
        """What a list or dict may hold."""
        return NOTHING.union(*(values for key, values in self.items.items() if key != ITSELF))


@dataclass(frozen=True, eq=False)
class Node:
    """A section or a value of the config, as it was loaded at one place in the source."""

    site: Any
    """The place: the node of the call that loads it, or of the function that is given it."""
    path: tuple[str, ...]
    data: Any

    @cached_property
    def items(self) -> dict[Any, Values]:
        """What the source itself stored under further keys."""
        return {}

    @cached_property
    def _children(self) -> dict[str, Node]:
        parts = self.data.items() if self.is_section else ()
        return {key: Node(self.site, (*self.path, key), value) for key, value in parts}

    @property
    def is_section(self) -> bool:
        """Whether it is a mapping, and not a value."""
        return isinstance(self.data, dict)

    def find(self, key: Any) -> Node | None:
        """The node under a key, or under a dotted path as a flattened config has it."""
        node: Node | None = self
        for part in [key] if key in self._children else re.split("[./]", str(key)):
            node = node._children.get(part) if node is not None else None
        return node

    @property
    def followed(self) -> Values:
        """What is worth following: a section, or that it is a text, which may name another file."""
        if self.is_section:
            return frozenset({self})
        return frozenset({Text(self.site, self.path[:-1])}) if isinstance(self.data, str) else NOTHING

    def children(self) -> Values:
        """What is worth following under any of its keys."""
        return NOTHING.union(*(child.followed for child in self._children.values()))

    def each(self) -> Values:
        """What a loop over it goes through."""
        return self.children() | {Each(self)} if self._children else NOTHING


def texts(values: Iterable[Any]) -> Values:
    """Those that are a text of the config."""
    return frozenset(value for value in values if isinstance(value, Text))


def sections(values: Iterable[Any]) -> Values:
    """The sections of the config among the values."""
    return frozenset(value for value in values if isinstance(value, Node))


def things(values: Iterable[Any]) -> list[Thing]:
    """The things among the values; for a class, any object of it."""
    found = (value.instance if isinstance(value, Scope) and value.kind == "class" else value for value in values)
    return [value for value in found if isinstance(value, Thing)]


def is_object(value: Any) -> bool:
    """Whether a value is an object of a class of the project."""
    return isinstance(value, Thing) and value.cls is not None


def containers(values: Iterable[Any]) -> list[Thing]:
    """The lists, dicts and namespaces among the values."""
    return [thing for thing in things(values) if thing.cls is None]


def looped_sections(values: Iterable[Any]) -> Values:
    """The sections whose keys a loop goes through."""
    return frozenset(value.section for value in values if isinstance(value, KeysOf))


def any_values(values: Iterable[Any]) -> Values:
    """Those that are any value of a section."""
    return frozenset(value for value in values if isinstance(value, Each))


def chosen_values(values: Iterable[Any]) -> Values:
    """Those among them that the run chooses."""
    return frozenset(value for value in any_values(values) if value.chosen)


def with_contents(values: Values) -> Values:
    """The values and what the lists and dicts among them hold."""
    seen: set[Any] = set()
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if value not in seen:
            seen.add(value)
            waiting += [one for part in containers([value]) for one in part.everything()]
    return frozenset(seen)
