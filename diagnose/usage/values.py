"""What a name in a Python source may be, while a config is followed through it. Compared by identity."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

from diagnose.usage.libraries import is_familiar, names_of
from diagnose.usage.syntax import FUNCTIONS, calls_in, last_name

Values = frozenset[Any]
"""Of Scope (a function or class), Instance, Bound, Node, KeysOf, Container, Outside, Text, Super."""
NOTHING: Values = frozenset()
WRAPPER_MARKS = {"__dict__", "__setattr__", "__setitem__", "save_hyperparameters", "__slots__"}


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
        """Names of base classes outside of the project."""
        self.libraries: set[str] = set()
        """Where these are from."""
        self.variables: dict[str, Values] = {}
        self.fields: dict[Any, Values] = {}
        """Of a class: attributes of it and its instances; `[]` for items under computed keys."""
        self.returned: dict[str, Values] = {}
        self.wraps: dict[str, Values] = {}
        """Of a class: sections that its instances wrap."""
        self.owned: set[Any] = set()
        """Of a class: names of attributes that are assigned to it or its instances."""
        self.alternatives: list[Scope] = []
        """Other definitions of its name beside it: `if fast: def step(): ...`, `else: def step(): ...`."""
        self.reached = False
        given = node.args if kind == "function" else None
        self.positional = [one.arg for one in [*given.posonlyargs, *given.args]] if given else []
        self.parameters = {*self.positional, *(one.arg for one in given.kwonlyargs)} if given else set()
        self.star = given.vararg.arg if given and given.vararg else None
        self.double_star = given.kwarg.arg if given and given.kwarg else None
        self.names |= dict.fromkeys([*self.parameters, *filter(None, [self.star, self.double_star])])

    def forget(self) -> None:
        """Lose what is known of values."""
        for holder in (self.variables, self.fields, self.returned, self.wraps):
            holder.clear()

    @property
    def owner(self) -> Scope | None:
        """The class of a method."""
        return self.parent if self.kind == "function" and self.parent and self.parent.kind == "class" else None

    @cached_property
    def decorators(self) -> frozenset[str]:
        """The last names of its decorators."""
        return frozenset(last_name(one) for one in getattr(self.node, "decorator_list", []))

    @property
    def is_static(self) -> bool:
        """Whether a method takes no instance."""
        return "staticmethod" in self.decorators

    @property
    def is_classmethod(self) -> bool:
        """Whether a method takes its class."""
        return self.owner is not None and "classmethod" in self.decorators

    @property
    def first(self) -> str | None:
        """The name of the parameter that takes the instance, or the class."""
        return self.positional[0] if self.owner and self.positional and not self.is_static else None

    @cached_property
    def body(self) -> list[ast.AST]:
        """Its statements; the expression of a lambda."""
        return [self.node.body] if isinstance(self.node, ast.Lambda) else self.node.body

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
        for one in self.mro:
            found = one.names.get(name)
            if found is not None and found.kind == "function":
                return found
        return None

    def has(self, key: Any) -> bool:
        """Whether a class, or its base, has an attribute of this name."""
        return any(key in one.names or key in one.owned for one in self.mro)

    @cached_property
    def unfamiliar_base(self) -> str | None:
        """The library of a base that may look up any key of a config that it is given."""
        libraries = sorted(library for one in self.mro for library in one.libraries)
        return next((library for library in libraries if not is_familiar(library)), None)

    def field_values(self, key: Any) -> Values:
        """What an attribute of a class or its instances may be."""
        return NOTHING.union(*(one.fields.get(key, NOTHING) for one in self.mro))

    @cached_property
    def instance(self) -> Instance:
        """Any object of the class."""
        return Instance(self)

    @cached_property
    def annotated(self) -> frozenset[str]:
        """Of a class: the fields that its body declares with a type."""
        parts = (node.target for node in ast.walk(self.node) if isinstance(node, ast.AnnAssign))
        return frozenset(target.id for target in parts if isinstance(target, ast.Name))

    @cached_property
    def is_record(self) -> bool:
        """Whether the fields of a class are keys: a data class, a pydantic model."""
        bases = {base for one in self.mro for base in one.outer_bases}
        return bool(self.decorators & names_of("field_decorators") or bases & names_of("field_bases"))

    @cached_property
    def is_wrapper(self) -> bool:
        """Whether instances of a class wrap the mapping that they were made from."""
        return self.is_record or any(
            set(one.outer_bases) & names_of("mapping_bases") or any(map(_wraps, ast.walk(one.node))) for one in self.mro
        )

    @cached_property
    def is_walker(self) -> bool:
        """Whether a function calls itself on the parts of a mapping: what comes back is what went in."""
        if not any(last_name(call) == self.name for call in calls_in(self.node)):
            return False
        nodes = list(ast.walk(self.node))
        named = {node.id for node in nodes if isinstance(node, ast.Name)} & {"dict", "Mapping"}
        return bool(named) or any(
            isinstance(node, ast.Attribute) and node.attr in {"items", "Mapping", "DictConfig"} for node in nodes
        )

    def uses(self, parameter: str) -> bool:
        """Whether a function does anything with its parameter."""
        if isinstance(self.node, ast.Lambda):
            return True
        for node in (node for statement in self.body for node in ast.walk(statement)):
            if (
                isinstance(node, ast.Name)
                and isinstance(node.ctx, ast.Load)
                and node.id in {parameter, "locals", "vars"}
            ):
                return True
            if isinstance(node, ast.Call) and last_name(node) == "save_hyperparameters" and self.owner is not None:
                return any(one.mentions(parameter) for one in self.owner.mro)
        return False

    def mentions(self, name: str) -> bool:
        """Whether its text has this name as an attribute or as a string."""
        return any(getattr(node, "attr", getattr(node, "value", None)) == name for node in ast.walk(self.node))


def _wraps(node: ast.AST) -> bool:
    return (
        (isinstance(node, ast.Attribute) and node.attr in WRAPPER_MARKS)
        or (isinstance(node, ast.Name) and node.id in {"setattr", "vars"})
        or (isinstance(node, FUNCTIONS) and getattr(node, "name", "") in {"__getattr__", "__getattribute__"})
    )


class Module:
    """One source file."""

    def __init__(self, path: Path, tree: ast.Module, shown: str) -> None:
        self.path, self.tree, self.shown = path, tree, shown
        self.imports: dict[str, list[list[tuple[Module | str, str | None]]]] = {}
        """Name -> for each import of it: the homes to look in, with its name there; None for the module itself."""
        self.stars: list[Module] = []
        self.scopes: dict[ast.AST, Scope] = {}
        self.scope = Scope("module", tree, self, None)
        self.globals: dict[str, Values] = {}
        """Sections whose keys were made global names (`globals().update(config)`)."""


@dataclass(frozen=True, eq=False)
class Variable:
    """A name that is bound by assignment, in this scope."""

    scope: Scope


@dataclass(frozen=True, eq=False)
class Choice:
    """A name that several imports bind: `if a: from x import Net`, `else: from y import Net`."""

    options: tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class Instance:
    """Any object of a class of the project."""

    cls: Scope
    bound: dict[Scope, Bound] = field(default_factory=dict)

    def bind(self, method: Scope) -> Bound:
        """The method with this object."""
        return self.bound.setdefault(method, Bound(method, self))


@dataclass(frozen=True, eq=False)
class Bound:
    """A method with its object."""

    method: Scope
    owner: Instance | Scope


@dataclass(frozen=True, eq=False)
class Super:
    """What `super()` gives in a method of this class."""

    cls: Scope


@dataclass(frozen=True, eq=False)
class Node:
    """A section or a value of the config, as it was loaded at one place in the source."""

    site: Any
    """The place: the node of the call that loads it, or of the function that is given it."""
    path: tuple[str, ...]
    data: Any
    extra: dict[Any, Values] = field(default_factory=dict)
    """What the source itself stored under further keys."""
    made: dict[str, Node] = field(default_factory=dict)

    @cached_property
    def keys(self) -> KeysOf:
        """Any key of the section, in a loop over it."""
        return KeysOf(self)

    @property
    def is_section(self) -> bool:
        """Whether it is a mapping, and not a value."""
        return isinstance(self.data, dict)

    def child(self, key: str) -> Node:
        """The node under `key`, which the section must have."""
        if key not in self.made:
            self.made[key] = Node(self.site, (*self.path, key), self.data[key])
        return self.made[key]

    def find(self, key: Any) -> Node | None:
        """The node under a key, or under a dotted path as a flattened config has it."""
        node: Node | None = self
        for part in [key] if key in self.data else str(key).split("."):
            node = node.child(part) if node is not None and node.is_section and part in node.data else None
        return node

    @property
    def followed(self) -> Values:
        """The node itself where it is worth following: a section, or a text, which may name another file."""
        return frozenset({self}) if isinstance(self.data, dict | str) else NOTHING

    def children(self) -> Values:
        """What is worth following under any of its keys."""
        return NOTHING.union(*[self.child(key).followed for key in (self.data if self.is_section else ())])


@dataclass(frozen=True, eq=False)
class KeysOf:
    """Any key of a section, in a loop over it."""

    section: Node


class Container:
    """A list, tuple, dict or namespace that the source itself makes; `*` for items under unknown keys."""

    def __init__(self) -> None:
        self.items: dict[Any, Values] = {}
        self.wraps: dict[str, Values] = {}
        """Sections whose keys were put into it."""

    def at(self, key: Any) -> Values:
        """What it may hold under a key."""
        return self.items.get(key, NOTHING) | self.items.get("*", NOTHING)

    def everything(self) -> Values:
        """What it may hold."""
        return NOTHING.union(*self.items.values())


@dataclass(frozen=True, eq=False)
class Outside:
    """Something of a library, by its dotted name."""

    name: str

    @property
    def top(self) -> str:
        """The library that it is of."""
        return self.name.partition(".")[0]


@dataclass(frozen=True, eq=False)
class Text:
    """A string in the source: an identifier, or the name of a file that may be a config."""

    text: str
    is_file: bool


outside = cache(Outside)
text_value = cache(Text)
OTHER_FILE = outside("the content of another file")


def with_contents(values: Values) -> Values:
    """The values and what the containers among them hold."""
    seen: set[Any] = set()
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if value not in seen:
            seen.add(value)
            if isinstance(value, Container):
                waiting += value.everything()
    return frozenset(seen)
