"""What an expression of a trainer may stand for, as far as its config is concerned.

A `Value` is the set of all that an expression may be. It errs on the side of more: what is not understood
is `Opaque`, never left out, because a value left out would accuse a live key.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from diagnose.keyflow._project import SourceFile


class Opaque(Enum):
    """Values that are not followed."""

    FOREIGN = "from a well-known library, without any config inside"
    STRANGE = "from a library that is not known here"
    UNKNOWN = "may be anything, the config too"


@dataclass(frozen=True, slots=True)
class Root:
    """One place where a file is parsed into a mapping, with what is known of the file's name."""

    file: str
    line: int
    origin: frozenset[str]


@dataclass(frozen=True, slots=True)
class Node:
    """The config, or what stands in it under `path`."""

    root: Root
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Const:
    """A literal. `is_key`: made from a key of the config, by a loop over its items."""

    value: Any
    kind: str
    is_key: bool = False

    @staticmethod
    def of(value: Any, is_key: bool = False) -> Const:
        """The literal; its type keeps 1, 1.0 and True apart."""
        return Const(value, type(value).__name__, is_key)


@dataclass(frozen=True, slots=True)
class Ext:
    """Something imported from outside the project, or a builtin, by its dotted name."""

    name: str


@dataclass(frozen=True, slots=True)
class Option:
    """What the user gives on the command line under this name."""

    name: str


@dataclass(frozen=True, slots=True)
class File:
    """A path, an open file or its text; `origin` says where the name came from."""

    origin: frozenset[str]


@dataclass(frozen=True, slots=True)
class Dumped:
    """Values written out as text, which a loader turns back."""

    content: Value


@dataclass(eq=False)
class Frame:
    """The names of one activation of a function, of a class body or of a module."""

    source: SourceFile
    parent: Frame | None = None
    names: dict[str, Value] = field(default_factory=dict)
    written: dict[str, Value] = field(default_factory=dict)
    """What inner functions assigned to names of this frame by `global` or `nonlocal`."""
    returned: Value = frozenset()
    yielded: bool = False
    owner: Class | None = None
    receiver: Value = frozenset()
    shared: set[str] = field(default_factory=set)
    """Names declared `global` or `nonlocal`."""
    depth: int = 0
    generation: int = 0
    """How many objects, each made by a call that was given the one before, led to its arguments."""

    @property
    def module(self) -> Frame:
        """The frame of the module."""
        frame = self
        while frame.parent is not None:
            frame = frame.parent
        return frame


@dataclass(frozen=True, slots=True)
class Func:
    """A function of the project, with the scope that it closes over and the object that it is bound to."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: Frame
    owner: Class | None = None
    bound: Value | None = None


@dataclass(eq=False)
class Class:
    """A class of the project."""

    node: ast.ClassDef
    scope: Frame
    bases: tuple[Atom, ...]
    fields: dict[str, Value] = field(default_factory=dict)
    fielded: bool = False
    """Its annotated names are its constructor's parameters: a dataclass, a pydantic model and the like."""


@dataclass(eq=False)
class Obj:
    """An object made by the trainer. Attributes and items share `fields`, as in the many dict classes with dots."""

    kind: str
    """`instance`, `dict`, `list`, `namespace` or `parser`."""
    cls: Class | None = None
    fields: dict[str, Value] = field(default_factory=dict)
    elements: list[Value] = field(default_factory=list)
    """The first elements of a list, one by one."""
    rest: Value = frozenset()
    """What is kept under unknown keys or at unknown positions."""
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Raw:
    """`obj.__dict__`, `vars(obj)`: what an object holds, past the methods of its class."""

    obj: Obj


@dataclass(frozen=True, slots=True)
class Method:
    """A method that the project does not define: of a dict, of a file, of a library's object."""

    base: Atom
    name: str


@dataclass(frozen=True, slots=True)
class Partial:
    """A callable with some arguments already given."""

    target: Value
    args: tuple[Value, ...]
    keywords: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """A field that the config could have set, and does not: whoever asks for it gets the default."""

    node: Node
    default: Value


@dataclass(frozen=True, slots=True)
class Super:
    """`super()` in a method of `owner`."""

    owner: Class
    receiver: Value


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the project."""

    frame: Frame


Atom = (
    Opaque
    | Node
    | Const
    | Ext
    | Option
    | File
    | Dumped
    | Func
    | Class
    | Obj
    | Raw
    | Method
    | Partial
    | Missing
    | Super
    | Module
)
Value = frozenset[Atom]

FOREIGN: Value = frozenset({Opaque.FOREIGN})
STRANGE: Value = frozenset({Opaque.STRANGE})
UNKNOWN: Value = frozenset({Opaque.UNKNOWN})
NOTHING: Value = frozenset()
NONE: Value = frozenset({Const.of(None)})


def const(value: Any, is_key: bool = False) -> Value:
    """The value of a literal."""
    return frozenset({Const.of(value, is_key)})


def join(*values: Value) -> Value:
    """Everything that any of `values` may be."""
    return frozenset().union(*values)


def texts(value: Value) -> list[str]:
    """The literal strings that `value` may be."""
    return [atom.value for atom in value if isinstance(atom, Const) and isinstance(atom.value, str)]


def only_texts(value: Value) -> list[str] | None:
    """The literal strings that `value` may be, or None if it may be something else."""
    found = texts(value)
    return found if found and len(found) == len(value) else None


@dataclass
class Arguments:
    """What a call passes."""

    args: list[Value] = field(default_factory=list)
    keywords: dict[str, Value] = field(default_factory=dict)
    spread: list[Node] = field(default_factory=list)
    """Mappings of the config that were passed by `**`."""
    more: Value = NOTHING
    """What may be in further positions or under further names."""

    def all(self) -> Value:
        """Everything that is passed."""
        return join(*self.args, *self.keywords.values(), self.more)

    def first(self, *names: str) -> Value:
        """The first positional argument, or the first of `names` that is given."""
        if self.args:
            return self.args[0]
        return next((self.keywords[name] for name in names if name in self.keywords), self.more)
