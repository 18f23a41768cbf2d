"""The ground on which source is followed: objects, and how a value is asked, used and handed on."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from diagnose.keyflow._known import is_familiar, known
from diagnose.keyflow._ledger import Ledger
from diagnose.keyflow._project import Project
from diagnose.keyflow._values import (
    FOREIGN,
    NOTHING,
    UNKNOWN,
    Arguments,
    Atom,
    Class,
    Const,
    Dumped,
    Ext,
    File,
    Frame,
    Func,
    Method,
    Missing,
    Module,
    Node,
    Obj,
    Opaque,
    Option,
    Partial,
    Raw,
    Super,
    Value,
    const,
    join,
    texts,
)
from diagnose.keyflow.report import CHOSEN_BY_THE_RUN, Place

MOST_WORK = 600_000  # expressions looked at: about ten seconds
MOST_GENERATIONS = 6  # objects made from objects: config, model, optimiser, engine; deeper ones are taken together
DATA_KINDS = {"dict", "list", "namespace", "parser"}


class TooMuchError(Exception):
    """The source asks for more work than is reasonable."""


@dataclass
class Machine(ABC):
    """State shared by all that follow the source. A value is looked at only through the methods here."""

    project: Project
    config: Mapping[str, Any]
    ledger: Ledger
    frames: dict[Any, Frame] = field(default_factory=dict)
    objects: dict[Any, Obj] = field(default_factory=dict)
    classes: dict[Any, Class] = field(default_factory=dict)
    overlays: dict[Node, Value] = field(default_factory=dict)
    """What the trainer itself stored into the config, by the place where it did."""
    loose_overlays: dict[Node, Value] = field(default_factory=dict)
    """The same, under keys that are not known."""
    saved: Value = NOTHING
    """What went into checkpoints, from which it may be read again."""
    remembered: dict[str, Value] = field(default_factory=dict)
    """Attributes of libraries that the trainer set: `wandb.config`."""
    referenced: dict[Any, Func | Class] = field(default_factory=dict)
    """Functions and classes that were named in code that was followed."""
    called: set[Any] = field(default_factory=set)
    followed: set[Frame] = field(default_factory=set)
    """Activations followed in this pass."""
    activations: dict[Any, int] = field(default_factory=dict)
    made: dict[Obj, None] = field(default_factory=dict)
    """Objects of the project's classes."""
    handed: dict[Obj, None] = field(default_factory=dict)
    """Objects that a library holds: it may call any of their methods."""
    pending: dict[Any, tuple[Value, Arguments]] = field(default_factory=dict)
    """Callables handed to a library, which may call them."""
    taken: dict[str, tuple[Value, str]] = field(default_factory=dict)
    """Keys that a library's dataclass takes unless one of the trainer's own does."""
    own_fields: set[str] = field(default_factory=set)
    broken: dict[str, str] = field(default_factory=dict)
    """Modules of the project that could not be parsed."""
    growth: int = 0
    """Rises whenever an object learns something new."""
    work: int = 0

    @abstractmethod
    def evaluate(self, node: ast.expr, frame: Frame) -> Value:
        """What an expression may be."""

    @abstractmethod
    def call(self, callee: Value, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """What a call may return."""

    @abstractmethod
    def run(self, body: Iterable[ast.stmt], frame: Frame) -> None:
        """Follow statements."""

    @abstractmethod
    def load_module(self, name: str, frame: Frame, level: int = 0) -> Value:
        """The module of that name as imported from `frame`."""

    def forget(self) -> None:
        """Begin a new pass: what was learnt of objects stays, what was done does not."""
        for noted in (self.followed, self.called):
            noted.clear()
        for kept in (self.referenced, self.made, self.handed, self.pending):
            kept.clear()

    def spend(self) -> None:
        """Count one more piece of work. Raises TooMuchError."""
        self.work += 1
        if self.work > MOST_WORK:
            raise TooMuchError

    def place(self, node: ast.AST, frame: Frame) -> Place:
        """Where `node` stands."""
        return Place(frame.source.shown, getattr(node, "lineno", 1))

    def object(self, kind: str, node: ast.AST, frame: Frame, cls: Class | None = None, part: str = "") -> Obj:
        """The object made by `node` in this activation; the same one whenever that is followed again.

        A loop `model = step(model)` would make a new object from the last one without end: after some generations
        all activations share one.
        """
        old = frame.generation >= MOST_GENERATIONS
        key = (id(node), "old" if old else id(frame), kind, cls, part)
        if key not in self.objects:
            self.objects[key] = Obj(kind, cls, generation=frame.generation + (not old))
        return self.objects[key]

    # --- storing

    def store(self, obj: Obj | Class, key: str, value: Value) -> None:
        """Let `obj` also hold `value` under `key`."""
        before = obj.fields.get(key, NOTHING)
        if not value <= before:
            obj.fields[key] = before | value
            self.growth += 1

    def store_rest(self, obj: Obj, value: Value) -> None:
        """Let `obj` also hold `value` somewhere."""
        if not value <= obj.rest:
            obj.rest |= value
            self.growth += 1

    def store_into(self, target: Value, key: Value, value: Value, place: Place) -> None:
        """`target[key] = value` or `setattr(target, key, value)`."""
        names = [str(atom.value) for atom in key if isinstance(atom, Const)]
        certain = len(names) == len(key)
        for part in target:
            atom = part.obj if isinstance(part, Raw) else part
            for name in names:
                self._store_at(atom, name, value, place)
            if not certain:
                self._store_anywhere(atom, value)

    def _store_at(self, atom: Atom, key: str, value: Value, place: Place) -> None:
        match atom:
            case Obj(kind="list"):
                self.store_rest(atom, value)
            case Obj():
                self.store(atom, key, value)
                self.keep(atom, value, place)
            case Class():
                self.store(atom, key, value)
            case Node():
                self._overlay(self.overlays, Node(atom.root, (*atom.path, key)), value)
            case Ext(name):
                self.remember(f"{name}.{key}", value)
            case Module(frame):
                frame.names[key] = join(frame.names.get(key, NOTHING), value)
            case _:
                self.give(value, place, "code that is not followed")

    def _store_anywhere(self, atom: Atom, value: Value) -> None:
        match atom:
            case Obj():
                self.store_rest(atom, value)
            case Node():
                self._overlay(self.loose_overlays, atom, value)
            case Class():
                self.store(atom, "*", value)

    def _overlay(self, overlays: dict[Node, Value], node: Node, value: Value) -> None:
        if not value <= overlays.get(node, NOTHING):
            overlays[node] = overlays.get(node, NOTHING) | value
            self.growth += 1

    def remember(self, name: str, value: Value) -> None:
        """Keep what the trainer put into an attribute of a library."""
        if not value <= self.remembered.get(name, NOTHING):
            self.remembered[name] = self.remembered.get(name, NOTHING) | value
            self.growth += 1

    def keep(self, obj: Obj, value: Value, place: Place) -> None:
        """A library that is not known may read what an object of a class derived from it holds."""
        strange = [base for base in self.outer_bases(obj.cls) if not is_familiar(base) or _is_settings(base)]
        if strange:
            self.give(value, place, strange[0])

    # --- classes

    def lineage(self, cls: Class) -> Iterator[Class]:
        """The class and those of the project that it derives from."""
        seen: list[Class] = []
        queue = [cls]
        while queue:
            current = queue.pop(0)
            if current not in seen:
                seen.append(current)
                yield current
                queue += [base for base in current.bases if isinstance(base, Class)]

    def outer_bases(self, cls: Class | None) -> list[str]:
        """The library classes that it derives from; `?` for one that is not known."""
        found = []
        for ancestor in self.lineage(cls) if cls else ():
            for base in ancestor.bases:
                if isinstance(base, Ext):
                    found.append(base.name)
                elif not isinstance(base, Class):
                    found.append("?")
        return [name for name in found if name != "builtins.object"]

    def member(self, cls: Class, name: str) -> Value:
        """What the class or the nearest of its ancestors holds under `name`."""
        for ancestor in self.lineage(cls):
            if name in ancestor.fields:
                return ancestor.fields[name]
        return NOTHING

    # --- asking

    def attribute(self, base: Value, name: str, node: ast.AST, frame: Frame) -> Value:
        """`base.name`."""
        if not base:  # nothing known yet; if it stays so, the name must not be thought unread
            self.wonder(name, self.place(node, frame))
        return join(*(self._attribute_of(atom, name, node, frame) for atom in base))

    def _attribute_of(self, atom: Atom, name: str, node: ast.AST, frame: Frame) -> Value:  # noqa: PLR0911 - one case, one answer
        place = self.place(node, frame)
        match atom:
            case Node():
                if known("dict_methods", name) and name not in (self.ledger.keys(atom) or ()):
                    return frozenset({Method(atom, name)})
                return self.ask_node(atom, name, place, NOTHING)
            case Obj():
                return self._object_attribute(atom, name, node, frame)
            case Class():
                return self._class_attribute(atom, name)
            case Module(inner):
                return self.load_member(inner, name, frame)
            case Ext(owner):
                dotted = f"{owner}.{name}"
                return frozenset({Ext(dotted)}) | self.remembered.get(dotted, NOTHING)
            case Opaque.FOREIGN | Opaque.STRANGE | Option():
                return frozenset({atom})
            case Const() | File() | Super() | Dumped() | Raw():
                return frozenset({Method(atom, name)})
            case _:
                return self.wonder(name, place)

    @abstractmethod
    def load_member(self, module: Frame, name: str, frame: Frame) -> Value:
        """`module.name`, a submodule perhaps."""

    def _class_attribute(self, cls: Class, name: str) -> Value:
        if name == "__dict__":
            return frozenset({cls})
        found = self.member(cls, name) | self.member(cls, "*")
        self.read_leaves(found, Place(cls.scope.source.shown, cls.node.lineno))
        bound = frozenset(self.bind(atom, frozenset({cls})) if _is_classmethod(atom) else atom for atom in found)
        place = Place(cls.scope.source.shown, cls.node.lineno)
        made_to_order = any(keyword.arg == "metaclass" for keyword in cls.node.keywords)
        lost = NOTHING if bound else self.wonder(name, place)
        inherited = frozenset({Method(cls, name)}) if self.outer_bases(cls) and not made_to_order else lost
        return frozenset(bound) or inherited

    def _object_attribute(self, obj: Obj, name: str, node: ast.AST, frame: Frame) -> Value:
        if name == "__dict__":
            return frozenset({raw(obj)})
        if name == "__class__" and obj.cls is not None:
            return frozenset({obj.cls})
        if obj.cls is None:
            if known("dict_methods", name) and name not in obj.fields:
                return frozenset({Method(obj, name)})
            return self.ask_object(obj, name, node, frame)
        inherited = self.member(obj.cls, name)
        methods = {atom for atom in inherited if isinstance(atom, Func)}
        found = self.ask_object(obj, name, node, frame) | (inherited - methods)
        for method in methods:
            found |= self._bound(method, obj, node, frame)
        if found:
            return found
        return self._missing_attribute(obj, name, node, frame)

    def _bound(self, method: Func, obj: Obj, node: ast.AST, frame: Frame) -> Value:
        kinds = decorator_names(method.node)
        if kinds & {"property", "cached_property"}:
            return self.call(frozenset({self.bind(method, frozenset({obj}))}), Arguments(), node, frame)
        if "staticmethod" in kinds:
            return frozenset({method})
        receiver: Value = frozenset({obj.cls}) if "classmethod" in kinds and obj.cls else frozenset({obj})
        return frozenset({self.bind(method, receiver)})

    def _missing_attribute(self, obj: Obj, name: str, node: ast.AST, frame: Frame) -> Value:
        assert obj.cls is not None
        for special in ("__getattr__", "__getattribute__"):
            hook = self.member(obj.cls, special)
            if hook:
                bound = frozenset(self.bind(atom, frozenset({obj})) for atom in hook)
                return self.call(bound, Arguments([const(name)]), node, frame)
        if known("dict_methods", name) or self.outer_bases(obj.cls):
            return frozenset({Method(obj, name)})
        return self.wonder(name, self.place(node, frame))

    def wonder_all(self, passed: Arguments, node: ast.AST, frame: Frame) -> None:
        """The same for every literal that is passed: `get(unknown, "lr")`."""
        for name in texts(passed.all()):
            self.wonder(name, self.place(node, frame))

    def bind(self, atom: Atom, receiver: Value) -> Atom:
        """A method bound to what it was asked of."""
        if isinstance(atom, Func) and atom.bound is None and "staticmethod" not in decorator_names(atom.node):
            return Func(atom.node, atom.scope, atom.owner, receiver)
        return atom

    def ask_object(self, obj: Obj, key: str, node: ast.AST, frame: Frame) -> Value:
        """What an object holds under a literal key. Whatever leaf of the config lies there is thereby read."""
        place = self.place(node, frame)
        found = obj.fields.get(key, NOTHING) | obj.rest
        if obj.kind == "list":
            found |= join(*obj.elements) if key.lstrip("-").isdigit() else self.wonder(key, place)
        for atom in found:
            if isinstance(atom, Option):
                self.ledger.option(atom, found, place)
            if isinstance(atom, Missing):
                self.ledger.miss(atom.node, place, atom.default)
                found -= {atom}
        self.read_leaves(found, place)
        if not found and obj.cls is None:
            return self.wonder(key, place)
        return found

    def wonder(self, name: str, place: Place) -> Value:
        """What is asked by name of something that is not understood: it may be the config."""
        self.ledger.loose.setdefault(name, place)
        return UNKNOWN

    def ask_node(self, node: Node, key: str, place: Place, default: Value) -> Value:
        """What the config holds under a literal key; `default` where the file does not have it."""
        keys = self.ledger.keys(node)
        if keys is None:
            self.ledger.read(node, place)
            return frozenset({node})
        child = Node(node.root, (*node.path, key))
        stored = self.overlays.get(child, NOTHING) | self.loose_overlays.get(node, NOTHING)
        if key in keys:
            self.ledger.read(child, place)
            return frozenset({child}) | stored
        if not stored:
            self.ledger.miss(child, place, default)
        self.ledger.name(child)
        return stored | default | (NOTHING if default else FOREIGN)

    def item(self, base: Value, key: Value, node: ast.AST, frame: Frame, default: Value = NOTHING) -> Value:
        """`base[key]` or `base.get(key, default)`."""
        if not base:
            self.wonder_all(Arguments([key]), node, frame)
        return join(*(self._item(atom, key, node, frame, default) for atom in base))

    def _item(self, atom: Atom, key: Value, node: ast.AST, frame: Frame, default: Value) -> Value:  # noqa: PLR0911 - one case, one answer
        names = [str(part.value) for part in key if isinstance(part, Const)]
        certain = len(names) == len(key)
        match atom:
            case Node():
                return self._node_item(atom, names, certain, self.place(node, frame), default)
            case Obj():
                return self._object_item(atom, key, node, frame) | default
            case Raw(obj):
                return self.raw_item(obj, key, node, frame) | default
            case Ext("sys.argv"):
                return frozenset({File(frozenset({"argv"}))})
            case Ext(name):
                kept = self.remembered.get(name, NOTHING)
                return self.item(kept, key, node, frame, default) if kept else FOREIGN | default
            case Class():
                return frozenset({atom})  # `list[int]`, in an annotation
            case Opaque.FOREIGN | Opaque.STRANGE | File() | Option() | Dumped() | Const():
                return frozenset({atom}) | default
            case _:
                return join(default, UNKNOWN, *(self.wonder(name, self.place(node, frame)) for name in names))

    def _node_item(self, node: Node, names: list[str], certain: bool, place: Place, default: Value) -> Value:
        found = join(*(self._dotted(node, name, place, default) for name in names))
        if not certain:
            if self.ledger.keys(node) is None:
                self.ledger.read(node, place)
                return found | {node}
            self.ledger.escape(node, f"{CHOSEN_BY_THE_RUN} ({place})")
            found |= FOREIGN | default
        return found

    def _dotted(self, node: Node, name: str, place: Place, default: Value) -> Value:
        """One key, or `a.b.c` as OmegaConf.select and its like take it."""
        keys = self.ledger.keys(node) or []
        head, dot, tail = name.partition(".")
        if dot and name not in keys and head in keys:
            inner = Node(node.root, (*node.path, head))
            return self._dotted(inner, tail, place, default)
        return self.ask_node(node, name, place, default)

    def _object_item(self, obj: Obj, key: Value, node: ast.AST, frame: Frame) -> Value:
        hook = self.member(obj.cls, "__getitem__") if obj.cls else NOTHING
        if hook:
            bound = frozenset(self.bind(atom, frozenset({obj})) for atom in hook)
            return self.call(bound, Arguments([key]), node, frame)
        return self.raw_item(obj, key, node, frame)

    def raw_item(self, obj: Obj, key: Value, node: ast.AST, frame: Frame) -> Value:
        """What an object holds under a key, without asking its own `__getitem__`."""
        names = [str(part.value) for part in key if isinstance(part, Const)]
        found = join(
            *(self.ask_object(obj, name, node, frame) or self.wonder(name, self.place(node, frame)) for name in names)
        )
        if len(names) < len(key):
            found |= join(*_contents(obj))
            self.read_leaves(found, self.place(node, frame))
        return found or UNKNOWN

    # --- using

    def read_leaves(self, value: Value, place: Place) -> None:
        """Note that every leaf of the config in `value` is read here."""
        for atom in value:
            if isinstance(atom, Node) and self.ledger.keys(atom) is None:
                self.ledger.read(atom, place)

    def give(self, value: Value, place: Place, to: str, deep: bool = True) -> None:
        """Hand values to code that is not followed: leaves are read, sections are lost sight of.

        `deep`: the receiver may look into the trainer's own objects too. A well-known library does not: it calls
        their methods.
        """
        self._give(value, place, to, deep, set())

    def _give(self, value: Value, place: Place, to: str, deep: bool, seen: set[Atom]) -> None:
        for atom in value:
            match atom:
                case Node():
                    self._give_node(atom, place, to, deep, seen)
                case Obj():
                    self._give_object(atom, place, to, deep, seen)
                case Func() | Class() | Partial():
                    self.hand_callable(atom)
                case Method(base) | Raw(base):
                    self._give(frozenset({base}), place, to, deep, seen)
                case Dumped(content):  # a well-known library does not parse text back
                    leaves = frozenset(part for part in content if not self._is_section(part))
                    self._give(content if deep else leaves, place, to, deep, seen)
                case File(origin):
                    self.ledger.files.setdefault(origin, f"the file is also handed to {to} ({place})")
                case Option(name):
                    self.ledger.files.setdefault(frozenset({f"--{name}"}), f"the file is also handed to {to} ({place})")
                    self.ledger.option(atom, value, place)

    def _is_section(self, atom: Atom) -> bool:
        return isinstance(atom, Obj) or (isinstance(atom, Node) and self.ledger.keys(atom) is not None)

    def _give_node(self, node: Node, place: Place, to: str, deep: bool, seen: set[Atom]) -> None:
        if self.ledger.keys(node) is None:
            self.ledger.read(node, place)
            return
        self.ledger.escape(node, f"handed to {to} ({place})")
        stored = [value for at, value in self.overlays.items() if at.root == node.root]
        if node not in seen:
            seen.add(node)
            self._give(join(*stored, self.loose_overlays.get(node, NOTHING)), place, to, deep, seen)

    def _give_object(self, obj: Obj, place: Place, to: str, deep: bool, seen: set[Atom]) -> None:
        if obj in seen:
            return
        seen.add(obj)
        if obj.cls is not None and obj not in self.handed:
            self.handed[obj] = None
        if deep or obj.kind in DATA_KINDS or (obj.cls is not None and self.holds_settings(obj.cls)):
            self._give(join(*_contents(obj)), place, to, deep, seen)

    def held(self, obj: Obj) -> Value:
        """One of the things, or a pair of a key and one of them, that an object holds."""
        held = join(*_contents(obj))
        if obj.kind == "list" or not held:
            return held
        pair = self.objects.setdefault(("pair", obj), Obj("list", None, elements=[FOREIGN]))
        self.store_rest(pair, held)
        return held | {pair}

    def carried(self, value: Value) -> Value:
        """The trainer's own objects in `value`: what a library makes of them (DDP, a module list) still has them."""
        inner = [part for atom in value if isinstance(atom, Obj) and atom.kind == "list" for part in _contents(atom)]
        found = join(value, *inner)
        objects = (atom for atom in found if isinstance(atom, Obj) and atom.cls is not None)
        return frozenset(obj for obj in objects if obj.cls is not None and not self.holds_settings(obj.cls))

    def holds_settings(self, cls: Class) -> bool:
        """Whether a class is a bag of settings: a library may look into it."""
        names = {base.rpartition(".")[2] for base in self.outer_bases(cls)}
        bags = {"dict", "OrderedDict", "UserDict", "Namespace", "SimpleNamespace", "TrainingArguments", "BaseModel"}
        by_key = any(self.member(cls, name) for name in ("__setitem__", "__setattr__", "__getattr__", "__contains__"))
        return any(ancestor.fielded for ancestor in self.lineage(cls)) or bool(names & bags) or by_key

    def hand_callable(self, atom: Func | Class | Partial) -> None:
        """A library may call it, with arguments that are not known."""
        self.pending.setdefault(atom, (frozenset({atom}), Arguments(more=UNKNOWN)))

    def alternatives(self, base: Value, pick: Callable[[Atom], Value]) -> Value:
        """The union of `pick` over what `base` may be."""
        return join(*(pick(atom) for atom in base))


def _contents(obj: Obj) -> list[Value]:
    return [*obj.fields.values(), *obj.elements, obj.rest]


def _is_settings(base: str) -> bool:
    """A class whose library reads the attributes of objects derived from it: transformers.PretrainedConfig."""
    return base.endswith(("Config", "Arguments", "Args"))


def raw(obj: Obj) -> Obj | Raw:
    """`obj.__dict__`."""
    return obj if obj.cls is None else Raw(obj)


def decorator_names(node: ast.AST) -> frozenset[str]:
    """The last part of the name of each decorator."""
    names = []
    for decorator in getattr(node, "decorator_list", ()):
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        names.append(target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "?"))
    return frozenset(names)


def _is_classmethod(atom: Atom) -> bool:
    return isinstance(atom, Func) and "classmethod" in decorator_names(atom.node)
