"""Calls of the trainer's own functions and classes."""

from __future__ import annotations

import ast
from typing import Any

from diagnose.keyflow._expressions import Expressions
from diagnose.keyflow._known import is_familiar, known
from diagnose.keyflow._machine import decorator_names
from diagnose.keyflow._values import (
    FOREIGN,
    NONE,
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
    Super,
    Value,
    join,
    texts,
)
from diagnose.keyflow.report import Place

DEEPEST = 40  # calls within calls; hand-written trainers stay below 20
MOST_ACTIVATIONS = 60  # of one function, each with arguments of its own, before they are taken together
FIELD_MAKERS = {"dataclass", "define", "frozen", "attrs", "s", "attrib", "struct", "configclass", "chex"}
FIELD_BASES = {"BaseModel", "BaseSettings", "NamedTuple", "Coqpit", "TypedDict", "Struct", "ConfigBase"}


class Calls(Expressions):
    """Functions are followed once for each set of arguments; objects are made by their class's constructor."""

    def call(self, callee: Value, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """What the call may return."""
        if not callee:
            self.wonder_all(passed, node, frame)
        return join(*(self.call_atom(atom, passed, node, frame) for atom in callee))

    def call_atom(self, atom: Atom, passed: Arguments, node: ast.AST, frame: Frame) -> Value:  # noqa: PLR0911 - one case, one answer
        """The same for one callable."""
        self.spend()
        match atom:
            case Func():
                return self.call_function(atom, passed, node, frame)
            case Class():
                return self.instantiate(atom, passed, node, frame)
            case Partial():
                return self._call_partial(atom, passed, node, frame)
            case Method(Super() as base, name):
                return self._call_super(base, name, passed, node, frame)
            case Method(base, name):
                return self.call_method(base, name, passed, node, frame)
            case Ext(name):
                return self.call_library(name, passed, node, frame)
            case Obj():
                return self._call_object(atom, passed, node, frame)
        return self.call_opaque(atom, passed, node, frame)

    def call_method(self, base: Atom, name: str, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """A method that the project does not define."""
        raise NotImplementedError

    def call_library(self, name: str, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """A function from outside the project."""
        raise NotImplementedError

    def call_opaque(self, atom: Atom, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """A callable of which nothing is known."""
        deep = atom is not Opaque.FOREIGN
        if atom not in {Opaque.FOREIGN, Opaque.STRANGE}:
            self.wonder_all(passed, node, frame)
        self.give(passed.all(), self.place(node, frame), "code that is not followed", deep=deep)
        return (frozenset({atom}) if isinstance(atom, Opaque) else UNKNOWN) | self.carried(passed.all())

    def _call_partial(self, atom: Partial, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        merged = Arguments(
            [*atom.args, *passed.args], {**dict(atom.keywords), **passed.keywords}, passed.spread, passed.more
        )
        return self.call(atom.target, merged, node, frame)

    def _call_object(self, obj: Obj, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        for special in ("__call__", "forward"):
            hook = self.member(obj.cls, special) if obj.cls is not None else NOTHING
            if hook:
                return self.call(frozenset(self.bind(m, frozenset({obj})) for m in hook), passed, node, frame)
        called = Opaque.UNKNOWN if obj.kind != "instance" else Opaque.FOREIGN
        return self.call_opaque(called, passed, node, frame) | {obj}

    def _call_super(self, base: Super, name: str, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        for ancestor in list(self.lineage(base.owner))[1:]:
            if name in ancestor.fields:
                bound = frozenset(self.bind(atom, base.receiver) for atom in ancestor.fields[name])
                return self.call(bound, passed, node, frame)
        if name in {"__getattr__", "__getattribute__", "__getitem__", "get"}:
            keys = passed.first()
            return join(*(self.raw_item(atom, keys, node, frame) for atom in base.receiver if isinstance(atom, Obj)))
        if name in {"__setattr__", "__setitem__"} and len(passed.args) == 2:
            self.store_into(base.receiver, passed.args[0], passed.args[1], self.place(node, frame))
            return NONE
        if name == "__init__":
            for atom in base.receiver:
                if isinstance(atom, Obj):
                    self.construct_outside(atom, passed, node, frame)
            return NONE
        return join(*(self.call_method(atom, name, passed, node, frame) for atom in base.receiver))

    # --- functions

    def call_function(self, func: Func, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """Follow a function with these arguments; once a pass for each set of them."""
        self.called.add(func.node)
        if frame.depth >= DEEPEST:
            self.give(passed.all(), self.place(node, frame), "calls nested too deep to follow")
            return UNKNOWN
        inner, passed = self._activation(func, passed)
        if inner in self.followed:
            return inner.returned
        self.followed.add(inner)
        inner.depth = frame.depth + 1
        inner.names = {}
        inner.owner, inner.receiver = func.owner, func.bound or NOTHING
        self._bind_parameters(func, passed, node, inner)
        if isinstance(func.node, ast.Lambda):
            inner.returned |= self.evaluate(func.node.body, inner)
        else:
            self.run(func.node.body, inner)
        if inner.yielded:
            return self.make_list([], inner.returned, func.node, inner)
        return inner.returned or NONE

    def _activation(self, func: Func, passed: Arguments) -> tuple[Frame, Arguments]:
        plain = not _tells(passed.all()) and not _names_a_key(passed)
        passed = Arguments(list(passed.args), dict(passed.keywords), passed.spread, passed.more)
        passed.args = [self._blurred(value, plain) for value in passed.args]
        passed.keywords = {name: self._blurred(value, plain) for name, value in passed.keywords.items()}
        keywords = frozenset(passed.keywords.items())
        key: Any = (func.node, func.scope, func.bound, tuple(passed.args), keywords, tuple(passed.spread), passed.more)
        if key not in self.frames:
            self.activations[func.node] = self.activations.get(func.node, 0) + 1
            if self.activations[func.node] > MOST_ACTIVATIONS and plain:
                key = (func.node, func.scope, "further")
        if key not in self.frames:
            given = passed.all() | (func.bound or NOTHING)
            older = max((atom.generation for atom in given if isinstance(atom, Obj)), default=0)
            self.frames[key] = Frame(func.scope.source, func.scope, generation=max(older, func.scope.generation))
        return self.frames[key], passed

    def _blurred(self, value: Value, plain: bool) -> Value:
        """Only what can still make a difference: not numbers of the config that are known to be read.

        In calls that no config enters (`plain`), other numbers cannot either: they matter only as defaults of keys.
        """
        kept = frozenset(atom for atom in value if not self._is_settled(atom, plain))
        return kept if len(kept) == len(value) else kept | FOREIGN

    def _is_settled(self, atom: Atom, plain: bool) -> bool:
        match atom:
            case Const(value=number):
                return plain and isinstance(number, int | float | complex | bytes) and not isinstance(number, bool)
            case Node():
                return atom in self.ledger.reads and not isinstance(self.ledger.at(atom), str | dict)
        return False

    def _bind_parameters(self, func: Func, passed: Arguments, node: ast.AST, inner: Frame) -> None:
        spec = func.node.args
        positional = [*spec.posonlyargs, *spec.args]
        given = ([func.bound] if func.bound is not None else []) + passed.args
        keywords = dict(passed.keywords)
        defaults = dict(zip([arg.arg for arg in reversed(positional)], reversed(spec.defaults), strict=False))
        defaults |= {
            arg.arg: default
            for arg, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True)
            if default is not None
        }
        for index, arg in enumerate([*positional, *spec.kwonlyargs]):
            value = given[index] if index < min(len(given), len(positional)) else keywords.pop(arg.arg, None)
            default = defaults.get(arg.arg)
            inner.names[arg.arg] = self._parameter(arg.arg, value, default, passed, func.scope, node)
        if spec.vararg is not None:
            extra = given[len(positional) :]
            inner.names[spec.vararg.arg] = self.make_list(extra, passed.more, spec.vararg, inner)
        if spec.kwarg is not None:
            inner.names[spec.kwarg.arg] = self._rest_of_keywords(spec.kwarg, keywords, passed, inner)

    def _parameter(
        self, name: str, value: Value | None, default: ast.expr | None, passed: Arguments, scope: Frame, node: ast.AST
    ) -> Value:
        if value is not None:
            return value
        found = passed.more
        if default is not None:
            used = self.evaluate(default, scope)
            for section in passed.spread:
                self.ledger.miss(Node(section.root, (*section.path, name)), self.place(default, scope), used)
            found |= used
        return found or UNKNOWN

    def _rest_of_keywords(self, arg: ast.arg, keywords: dict[str, Value], passed: Arguments, inner: Frame) -> Value:
        made = self.object("dict", arg, inner)
        for key, value in keywords.items():
            self.store(made, key, value)
        self.store_rest(made, passed.more)
        return frozenset({made})

    # --- classes

    def instantiate(self, cls: Class, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """A new object of the class."""
        self.called.add(cls.node)
        simple = not _tells(passed.all()) and not passed.spread
        made = self.object("instance", node, frame.module if simple else frame, cls)
        self.made.setdefault(made, None)
        receiver: Value = frozenset({made})
        constructor = self.member(cls, "__init__")
        if constructor:
            bound = frozenset(self.bind(atom, receiver) for atom in constructor)
            self.call(bound, passed, node, frame)
        elif self.fielded(cls):
            self.set_fields(made, passed, node, frame)
        else:
            self.construct_outside(made, passed, node, frame)
        after = self.member(cls, "__post_init__")
        if after:
            self.call(frozenset(self.bind(atom, receiver) for atom in after), Arguments(), node, frame)
        return receiver

    def fielded(self, cls: Class) -> bool:
        """Whether the annotated names of the class body are the parameters of its constructor."""
        return any(ancestor.fielded for ancestor in self.lineage(cls))

    def field_names(self, cls: Class) -> dict[str, tuple[ast.AnnAssign, Class]]:
        """The annotated names, the ancestors' first."""
        found: dict[str, tuple[ast.AnnAssign, Class]] = {}
        for ancestor in reversed(list(self.lineage(cls))):
            for part in ancestor.node.body:
                if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                    found[part.target.id] = (part, ancestor)
        return found

    def set_fields(self, made: Obj, passed: Arguments, node: ast.AST, frame: Frame) -> None:
        """The constructor of a dataclass, a pydantic model and the like."""
        assert made.cls is not None
        names = self.field_names(made.cls)
        given = dict(zip(names, passed.args, strict=False)) | passed.keywords
        for source in passed.args:
            if any(isinstance(atom, Node) and self.ledger.keys(atom) is not None for atom in source):
                self.absorb(made, source, self.place(node, frame))
        for name, value in given.items():
            annotated = names.get(name)
            wrapped = value if annotated is None else self._wrapped(value, annotated, node, frame)
            self.store_into(frozenset({made}), frozenset({Const.of(name)}), wrapped, self.place(node, frame))
        for name, (part, _) in names.items():
            if name not in given:
                self._take_alias(made, name, part, given, self.place(node, frame))
            if name not in given and passed.spread and name not in made.fields:
                default = self.member(made.cls, name)
                missing = {Missing(Node(at.root, (*at.path, name)), default) for at in passed.spread}
                self.store(made, name, frozenset(missing))
        self.store_rest(made, passed.more)

    def _take_alias(self, made: Obj, name: str, field: ast.AnnAssign, given: dict[str, Value], place: Place) -> None:
        """`learning_rate: float = Field(alias="lr")`: the field takes another key."""
        keywords = field.value.keywords if isinstance(field.value, ast.Call) else []
        for keyword in keywords:
            if keyword.arg in {"alias", "validation_alias", "metadata"}:
                literals = [part.value for part in ast.walk(keyword.value) if isinstance(part, ast.Constant)]
                taken = join(*(given[key] for key in literals if isinstance(key, str) and key in given))
                self.store_into(frozenset({made}), frozenset({Const.of(name)}), taken, place)

    def _wrapped(self, value: Value, annotated: tuple[ast.AnnAssign, Class], node: ast.AST, frame: Frame) -> Value:
        """A section that fills a field whose type is such a class becomes an object of that class."""
        field, owner = annotated
        kinds = [atom for atom in self.annotation(field.annotation, owner.scope) if self.fielded(atom)]
        sections = [atom for atom in value if isinstance(atom, Node) and self.ledger.keys(atom) is not None]
        if not kinds or not sections:
            return value
        made = value - frozenset(sections)
        for section in sections:
            passed = Arguments()
            self.spread(passed, frozenset({section}))
            for kind in kinds:
                inner = self.object("instance", field, frame, kind, part=".".join(section.path))
                self.made.setdefault(inner, None)
                self.set_fields(inner, passed, node, frame)
                made |= {inner}
        return made

    def annotation(self, node: ast.expr, scope: Frame) -> list[Class]:
        """The classes of the project that an annotation names."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                node = ast.parse(node.value, mode="eval").body
            except SyntaxError:
                return []
        names = [part for part in ast.walk(node) if isinstance(part, ast.Name | ast.Attribute)]
        return [atom for part in names for atom in self.evaluate(part, scope) if isinstance(atom, Class)]

    def construct_outside(self, made: Obj, passed: Arguments, node: ast.AST, frame: Frame) -> None:
        """The constructor of a library's class, on an object of a class derived from it."""
        bases = self.outer_bases(made.cls)
        names = {base.rpartition(".")[2] for base in bases}
        place = self.place(node, frame)
        if names & {
            "dict",
            "OrderedDict",
            "UserDict",
            "Namespace",
            "SimpleNamespace",
            "EasyDict",
            "Box",
            "Munch",
            "Dict",
        }:
            for source in passed.args:
                self.absorb(made, source, place)
            for key, value in passed.keywords.items():
                self.store(made, key, value)
            self.store_rest(made, passed.more)
        elif "ArgumentParser" not in names:
            deep = not all(is_familiar(base) for base in bases)
            self.give(passed.all(), place, bases[0] if bases else "its class", deep=deep)

    # --- statements that make functions and classes

    def define_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame, owner: Class | None) -> Value:
        """The function, with its decorators."""
        scope = frame if owner is None else owner.scope
        value: Value = frozenset({Func(node, scope, owner)})
        for default in [*node.args.defaults, *(part for part in node.args.kw_defaults if part is not None)]:
            self.evaluate(default, scope)
        for decorator in reversed(node.decorator_list):
            value = self._decorated(decorator, value, frame)
        return value

    def _decorated(self, node: ast.expr, value: Value, frame: Frame) -> Value:
        name = ast.unparse(node.func if isinstance(node, ast.Call) else node)
        last = name.rpartition(".")[2]
        if known("harmless_decorators", last):
            return value
        made = self.call(self.evaluate(node, frame), Arguments([value]), node, frame)
        kept = frozenset(atom for atom in made if isinstance(atom, Func | Partial | Class | Obj))
        return kept or value

    def define_class(self, node: ast.ClassDef, frame: Frame) -> Value:
        """The class; its body is followed at once."""
        key = (node, frame)
        referenced = dict(self.referenced)
        bases = tuple(atom for base in node.bases for atom in self.evaluate(base, frame))
        self.referenced = referenced  # to derive from a class is not to make an object of it
        if key not in self.classes:
            self.classes[key] = Class(node, frame, bases)
        cls = self.classes[key]
        cls.bases = bases
        outer = {base.rpartition(".")[2] for base in self.outer_bases(cls)}
        cls.fielded = bool(decorator_names(node) & FIELD_MAKERS or outer & FIELD_BASES)
        body = self.frames.setdefault(("class", *key), Frame(frame.source, frame, owner=cls, depth=frame.depth))
        self.run(node.body, body)
        for name, value in body.names.items():
            self.store(cls, name, value)
        made: Value = frozenset({cls})
        for decorator in reversed(node.decorator_list):
            made = self._decorated(decorator, made, frame)
        return made


def _tells(value: Value) -> bool:
    """Whether config may travel in `value`."""
    harmless = (Const, Opaque, Ext, Option, File, Func, Class, Dumped, Module, Partial)
    return any(not isinstance(atom, harmless) for atom in value)


def _names_a_key(passed: Arguments) -> bool:
    """Whether this may be `get("batch_size", 16)`, whose number is a default."""
    return len(passed.args) <= 3 and any(texts(value) for value in passed.args)
