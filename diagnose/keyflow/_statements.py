"""What the statements of a trainer do to its names."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Any

from diagnose.keyflow._library import Library
from diagnose.keyflow._project import SourceFile
from diagnose.keyflow._values import (
    FOREIGN,
    NOTHING,
    UNKNOWN,
    Arguments,
    Const,
    Ext,
    File,
    Frame,
    Module,
    Obj,
    Value,
    join,
)

ROUNDS_OF_A_LOOP = 2  # what one round stores, the next one sees; later ones are covered by the further passes


class Interpreter(Library):
    """One method for each kind of statement. Both ways of a condition are followed unless one is ruled out."""

    def run(self, body: Iterable[ast.stmt], frame: Frame) -> None:
        """Follow statements in order."""
        for statement in body:
            self.spend()
            follow: Callable[[Any, Frame], None] | None = getattr(self, f"do_{type(statement).__name__.lower()}", None)
            if follow is not None:
                follow(statement, frame)

    def run_module(self, source: SourceFile) -> Frame:
        """Follow a module from top to bottom, once a pass."""
        frame = self.frames.setdefault(source, Frame(source))
        if frame not in self.followed:
            self.followed.add(frame)
            self.run(source.tree.body, frame)
        return frame

    def do_expr(self, node: ast.Expr, frame: Frame) -> None:
        self.evaluate(node.value, frame)

    def do_assign(self, node: ast.Assign, frame: Frame) -> None:
        value = self.evaluate(node.value, frame)
        for target in node.targets:
            self.assign(target, value, frame)

    def do_annassign(self, node: ast.AnnAssign, frame: Frame) -> None:
        if node.value is not None:
            self.assign(node.target, self.evaluate(node.value, frame), frame)

    def do_augassign(self, node: ast.AugAssign, frame: Frame) -> None:
        as_load = ast.copy_location(ast.BinOp(_loaded(node.target), node.op, node.value), node)
        if isinstance(node.op, ast.BitOr):
            place = self.place(node, frame)
            value = self.evaluate(node.value, frame)
            for atom in self.evaluate(_loaded(node.target), frame):
                self.absorb(atom, value, place)
        else:
            self.assign(node.target, self.on_binop(as_load, frame), frame)

    def do_return(self, node: ast.Return, frame: Frame) -> None:
        if node.value is not None:
            frame.returned |= self.evaluate(node.value, frame)

    def do_functiondef(self, node: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> None:
        owner = frame.owner if frame.owner is not None and node in frame.owner.node.body else None
        frame.names[node.name] = self.define_function(node, frame, owner)

    do_asyncfunctiondef = do_functiondef

    def do_classdef(self, node: ast.ClassDef, frame: Frame) -> None:
        frame.names[node.name] = self.define_class(node, frame)

    def do_if(self, node: ast.If, frame: Frame) -> None:
        decided = self.decide(node.test, frame)
        self.test(node.test, frame)
        before = dict(frame.names)
        if decided is not False:
            self.run(node.body, frame)
        after = frame.names
        if decided is not True:
            frame.names = before
            self.run(node.orelse, frame)
            frame.names = _merged(after, frame.names) if decided is None else frame.names

    def do_for(self, node: ast.For | ast.AsyncFor, frame: Frame) -> None:
        exact, rest = self.elements(self.evaluate(node.iter, frame), node.iter, frame)
        before = dict(frame.names)
        for value in exact:
            self.assign(node.target, value, frame)
            self.run(node.body, frame)
        for _ in range(ROUNDS_OF_A_LOOP if rest else 0):
            self.assign(node.target, rest, frame)
            self.run(node.body, frame)
            frame.names = _merged(before, frame.names)
        frame.names = _merged(before, frame.names)
        self.run(node.orelse, frame)

    do_asyncfor = do_for

    def do_while(self, node: ast.While, frame: Frame) -> None:
        for _ in range(ROUNDS_OF_A_LOOP):
            before = dict(frame.names)
            self.test(node.test, frame)
            self.run(node.body, frame)
            frame.names = _merged(before, frame.names)
        self.run(node.orelse, frame)

    def do_with(self, node: ast.With | ast.AsyncWith, frame: Frame) -> None:
        for part in node.items:
            value = self.evaluate(part.context_expr, frame)
            entered = self._entered(value, node, frame)
            if part.optional_vars is not None:
                self.assign(part.optional_vars, entered, frame)
        self.run(node.body, frame)

    do_asyncwith = do_with

    def _entered(self, value: Value, node: ast.AST, frame: Frame) -> Value:
        found = []
        for atom in value:
            if isinstance(atom, Obj) and atom.kind == "list":  # a generator that is a context manager
                found.append(join(atom.rest, *atom.elements))
                continue
            cls = getattr(atom, "cls", None)
            hook = self.member(cls, "__enter__") if cls is not None else NOTHING
            bound = frozenset(self.bind(method, frozenset({atom})) for method in hook)
            found.append(self.call(bound, Arguments(), node, frame) if bound else frozenset({atom}))
        return join(*found)

    def do_try(self, node: ast.Try, frame: Frame) -> None:
        before = dict(frame.names)
        self.run(node.body, frame)
        self.run(node.orelse, frame)
        frame.names = _merged(before, frame.names)
        for handler in node.handlers:
            if handler.type is not None:
                self.evaluate(handler.type, frame)
            if handler.name:
                frame.names[handler.name] = FOREIGN
            reached = dict(frame.names)
            self.run(handler.body, frame)
            frame.names = _merged(reached, frame.names)
        self.run(node.finalbody, frame)

    do_trystar = do_try

    def do_raise(self, node: ast.Raise, frame: Frame) -> None:
        if node.exc is not None:
            self.evaluate(node.exc, frame)

    def do_assert(self, node: ast.Assert, frame: Frame) -> None:
        self.test(node.test, frame)

    def do_global(self, node: ast.Global, frame: Frame) -> None:
        for name in node.names:
            frame.module.written.setdefault(name, NOTHING)
        frame.shared |= set(node.names)

    def do_nonlocal(self, node: ast.Nonlocal, frame: Frame) -> None:
        frame.shared |= set(node.names)

    def do_match(self, node: ast.Match, frame: Frame) -> None:
        subject = self.evaluate(node.subject, frame)
        self.read_leaves(subject, self.place(node, frame))
        before = dict(frame.names)
        merged = before
        for case in node.cases:
            frame.names = dict(before)
            for part in ast.walk(case.pattern):
                name = getattr(part, "name", None) or getattr(part, "rest", None)
                if name:
                    frame.names[name] = self._captured(subject, node, frame)
            self.run(case.body, frame)
            merged = _merged(merged, frame.names)
        frame.names = merged

    def _captured(self, subject: Value, node: ast.AST, frame: Frame) -> Value:
        self.give(subject, self.place(node, frame), "a match statement")
        return subject | UNKNOWN

    # --- imports

    def do_import(self, node: ast.Import, frame: Frame) -> None:
        for alias in node.names:
            value = self.load_module(alias.name, frame)
            head = alias.name.partition(".")[0]
            if alias.asname or head == alias.name:
                frame.names[alias.asname or head] = value
            else:
                frame.names[head] = join(frame.names.get(head, NOTHING), self.load_module(head, frame))

    def do_importfrom(self, node: ast.ImportFrom, frame: Frame) -> None:
        base = self.load_module(node.module or "", frame, node.level)
        for alias in node.names:
            if alias.name == "*":
                self._import_star(base, frame)
                continue
            found = join(*(self._imported(atom, node, alias.name, frame) for atom in base))
            frame.names[alias.asname or alias.name] = found

    def _imported(self, atom: Any, node: ast.ImportFrom, name: str, frame: Frame) -> Value:
        if isinstance(atom, Module):
            return self.load_member(atom.frame, name, frame)
        if isinstance(atom, Ext):
            dotted = f"{node.module}.{name}" if node.module else name
            inside = self.project.find(dotted, frame.source, node.level)
            return self.load_module(dotted, frame, node.level) if inside else frozenset({Ext(f"{atom.name}.{name}")})
        return UNKNOWN

    def _import_star(self, base: Value, frame: Frame) -> None:
        for atom in base:
            if isinstance(atom, Module):
                names = {**atom.frame.written, **atom.frame.names}
                frame.names |= {name: value for name, value in names.items() if not name.startswith("_")}

    def load_module(self, name: str, frame: Frame, level: int = 0) -> Value:
        """The project's module of that name, followed; or the library's."""
        path = self.project.find(name, frame.source, level)
        if path is None:
            return frozenset({Ext(name)})
        if path.is_dir():
            return frozenset({Ext(name or path.name)})
        source = self.project.open(path)
        if source is None:
            self.broken[path.stem] = name
            return UNKNOWN
        return frozenset({Module(self.run_module(source))})

    def load_member(self, module: Frame, name: str, frame: Frame) -> Value:
        """A name of a module of the project, or a module below it."""
        if name in module.names or name in module.written:
            return module.names.get(name, NOTHING) | module.written.get(name, NOTHING)
        if name == "__dict__":
            return frozenset({Module(module)})
        if module.source.path.name == "__init__.py":
            path = self.project.find(name, module.source, level=1)
            if path is not None and path.is_file():
                return self.load_module(name, module, level=1)
        hook = module.names.get("__getattr__", NOTHING)
        if hook:
            return self.call(hook, Arguments([frozenset({Const.of(name)})]), module.source.tree, frame)
        return frozenset({File(frozenset({repr(module.source.path.name)}))}) if name == "__file__" else UNKNOWN


def _loaded(target: ast.expr) -> ast.expr:
    """The expression that reads what an augmented assignment writes."""
    match target:
        case ast.Name(id=name):
            return ast.copy_location(ast.Name(name, ast.Load()), target)
        case ast.Attribute(value=value, attr=attr):
            return ast.copy_location(ast.Attribute(value, attr, ast.Load()), target)
        case ast.Subscript(value=value, slice=key):
            return ast.copy_location(ast.Subscript(value, key, ast.Load()), target)
    return target


def _merged(first: dict[str, Value], second: dict[str, Value]) -> dict[str, Value]:
    """The names after two ways meet."""
    return {name: join(first.get(name, NOTHING), second.get(name, NOTHING)) for name in {**first, **second}}
