"""What the expressions of a trainer may be."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator
from typing import Any

from diagnose.keyflow._known import known
from diagnose.keyflow._machine import Machine
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
    only_texts,
)

LONGEST_TEXT = 200  # longer strings are no keys
BUILTINS = frozenset(dir(builtins))


class Expressions(Machine):
    """One method for each kind of expression."""

    def evaluate(self, node: ast.expr, frame: Frame) -> Value:
        """What the expression may be."""
        self.spend()
        follow: Callable[[Any, Frame], Value] | None = getattr(self, f"on_{type(node).__name__.lower()}", None)
        return UNKNOWN if follow is None else follow(node, frame)

    def on_constant(self, node: ast.Constant, frame: Frame) -> Value:
        return const(node.value)

    def on_name(self, node: ast.Name, frame: Frame) -> Value:
        return self.lookup(node.id, frame)

    def lookup(self, name: str, frame: Frame) -> Value:
        """What a name stands for, from the inside out."""
        scope: Frame | None = frame
        while scope is not None:
            if name in scope.names or name in scope.written:
                return self.refer(scope.names.get(name, NOTHING) | scope.written.get(name, NOTHING))
            scope = scope.parent
        if name in BUILTINS:
            return frozenset({Ext(f"builtins.{name}")})
        return const(frame.source.path.name) if name == "__file__" else UNKNOWN

    def refer(self, value: Value) -> Value:
        """Note the functions and classes that were named."""
        for atom in value:
            if isinstance(atom, Func | Class):
                self.referenced.setdefault(atom.node, atom)
        return value

    def on_attribute(self, node: ast.Attribute, frame: Frame) -> Value:
        return self.refer(self.attribute(self.evaluate(node.value, frame), node.attr, node, frame))

    def on_subscript(self, node: ast.Subscript, frame: Frame) -> Value:
        base = self.evaluate(node.value, frame)
        if isinstance(node.slice, ast.Slice):
            for bound in (node.slice.lower, node.slice.upper, node.slice.step):
                if bound is not None:
                    self.evaluate(bound, frame)
            self.read_leaves(base, self.place(node, frame))
            return base
        return self.refer(self.item(base, self.evaluate(node.slice, frame), node, frame))

    def on_binop(self, node: ast.BinOp, frame: Frame) -> Value:
        left, right = self.evaluate(node.left, frame), self.evaluate(node.right, frame)
        if isinstance(node.op, ast.BitOr):
            return left | right
        folded = _added(left, right) if isinstance(node.op, ast.Add) else None
        if folded is not None:
            return folded
        if any(isinstance(atom, Obj) for atom in left | right) and isinstance(node.op, ast.Add | ast.Mult):
            self.read_leaves(left | right, self.place(node, frame))
            return frozenset(atom for atom in left | right if isinstance(atom, Obj))
        place = self.place(node, frame)
        self.read_leaves(left | right, place)
        self.give(frozenset(atom for atom in left | right if isinstance(atom, Node)), place, "an operator")
        named = any(isinstance(atom, File | Option | Ext) or _is_text(atom) for atom in left | right)
        if not named or not isinstance(node.op, ast.Add | ast.Div | ast.Mod):
            return FOREIGN
        return frozenset({File(self.origin(left | right))})

    def origin(self, value: Value) -> frozenset[str]:
        """Where a file's name came from; empty if nothing in `value` is known to name a file."""
        found: set[str] = set()
        for atom in value:
            match atom:
                case File(origin):
                    found |= origin
                case Option(name):
                    found.add(f"--{name}")
                case Const(value=str(text)):
                    found.add(repr(text))
                case Node(path=path) if self.ledger.keys(atom) is None:
                    found.add("key " + ".".join(path))
                case Ext("sys.argv"):
                    found.add("argv")
        return frozenset(found)

    def on_slice(self, node: ast.Slice, frame: Frame) -> Value:
        return FOREIGN

    def on_boolop(self, node: ast.BoolOp, frame: Frame) -> Value:
        return join(*(self.evaluate(value, frame) for value in node.values))

    def on_unaryop(self, node: ast.UnaryOp, frame: Frame) -> Value:
        value = self.evaluate(node.operand, frame)
        numbers = [atom.value for atom in value if isinstance(atom, Const) and isinstance(atom.value, int | float)]
        if isinstance(node.op, ast.USub) and len(numbers) == len(value) == 1:
            return const(-numbers[0])
        self.read_leaves(value, self.place(node, frame))
        return FOREIGN

    def on_compare(self, node: ast.Compare, frame: Frame) -> Value:
        values = [self.evaluate(part, frame) for part in (node.left, *node.comparators)]
        place = self.place(node, frame)
        for operator, left, right in zip(node.ops, values, values[1:], strict=False):
            if isinstance(operator, ast.Is | ast.IsNot):
                continue
            if isinstance(operator, ast.In | ast.NotIn):
                self.test_presence(left, right, node, frame)
                self.read_leaves(left, place)
            else:
                self.read_leaves(left | right, place)
        return FOREIGN

    def test_presence(self, key: Value, holder: Value, node: ast.AST, frame: Frame) -> None:
        """`key in holder`, `hasattr(holder, key)`."""
        place = self.place(node, frame)
        for atom in holder:
            if not isinstance(atom, Node):
                continue
            keys = self.ledger.keys(atom)
            if keys is None:
                self.ledger.read(atom, place)
            for name in key:
                if isinstance(name, Const) and keys is not None and str(name.value) in keys:
                    child = Node(atom.root, (*atom.path, str(name.value)))
                    if not name.is_key:
                        self.ledger.name(child)
                        self.ledger.tested.setdefault(child, place)

    def on_ifexp(self, node: ast.IfExp, frame: Frame) -> Value:
        decided = self.decide(node.test, frame)
        self.test(node.test, frame)
        chosen = [node.body] * (decided is not False) + [node.orelse] * (decided is not True)
        return join(*(self.evaluate(part, frame) for part in chosen))

    def test(self, node: ast.expr, frame: Frame) -> None:
        """Evaluate a condition: the leaves that it looks at are read."""
        self.read_leaves(self.evaluate(node, frame), self.place(node, frame))

    def on_lambda(self, node: ast.Lambda, frame: Frame) -> Value:
        return frozenset({Func(node, frame)})

    def on_list(self, node: ast.List | ast.Tuple | ast.Set, frame: Frame) -> Value:
        made = self.object("list", node, frame)
        elements: list[Value] = []
        for part in node.elts:
            if isinstance(part, ast.Starred):
                exact, rest = self.steady(self.evaluate(part.value, frame), node, frame)
                elements += exact
                self.store_rest(made, rest)
            else:
                elements.append(self.evaluate(part, frame))
        self.set_elements(made, elements)
        return frozenset({made})

    on_tuple = on_set = on_list

    def set_elements(self, made: Obj, elements: list[Value]) -> None:
        """Let a list also hold `elements`, position by position."""
        for index, value in enumerate(elements):
            if index == len(made.elements):
                made.elements.append(value)
                self.growth += 1
            elif not value <= made.elements[index]:
                made.elements[index] |= value
                self.growth += 1

    def make_list(self, elements: list[Value], rest: Value, node: ast.AST, frame: Frame, part: str = "") -> Value:
        """A new list."""
        made = self.object("list", node, frame, part=part)
        self.set_elements(made, elements)
        self.store_rest(made, rest)
        return frozenset({made})

    def on_dict(self, node: ast.Dict, frame: Frame) -> Value:
        made = self.object("dict", node, frame)
        place = self.place(node, frame)
        for key, part in zip(node.keys, node.values, strict=True):
            value = self.evaluate(part, frame)
            if key is None:
                self.absorb(made, value, place)
            else:
                self.store_into(frozenset({made}), self.evaluate(key, frame), value, place)
        return frozenset({made})

    def absorb(self, target: Atom, source: Value, place: Any) -> None:
        """`target.update(source)`, `{**source}`."""
        for atom in source:
            for key, value in self.entries(atom):
                self.store_into(frozenset({target}), const(key), value, place)
            match atom:
                case Obj() | Raw():
                    holder = atom.obj if isinstance(atom, Raw) else atom
                    self.store_into(frozenset({target}), FOREIGN, holder.rest, place)
                    for pair in holder.elements:
                        self._absorb_pair(target, pair, place)
                case Opaque.UNKNOWN:
                    self.store_into(frozenset({target}), FOREIGN, UNKNOWN, place)

    def _absorb_pair(self, target: Atom, pair: Value, place: Any) -> None:
        for atom in pair:
            if isinstance(atom, Obj) and len(atom.elements) == 2:
                self.store_into(frozenset({target}), atom.elements[0], atom.elements[1], place)

    def entries(self, atom: Atom) -> list[tuple[str, Value]]:
        """The keys and values of a mapping, as far as they are known."""
        match atom:
            case Node():
                keys = self.ledger.keys(atom) or []
                children = {key: Node(atom.root, (*atom.path, key)) for key in keys}
                found: dict[str, Value] = {
                    key: frozenset({child}) | self.overlays.get(child, NOTHING) for key, child in children.items()
                }
                for at, value in self.overlays.items():
                    if at.root == atom.root and at.path[:-1] == atom.path:
                        found.setdefault(at.path[-1], value)
                return list(found.items())
            case Obj(kind="list"):
                return []
            case Raw(obj):
                return list(obj.fields.items())
            case Obj() | Class():
                return list(atom.fields.items())
        return []

    def on_joinedstr(self, node: ast.JoinedStr, frame: Frame) -> Value:
        parts = [
            self.evaluate(part.value if isinstance(part, ast.FormattedValue) else part, frame) for part in node.values
        ]
        folded = const("")
        for part in parts:
            added = _added(folded, part)
            if added is None:
                break
            folded = added
        else:
            return folded
        value = join(*parts)
        named = frozenset(atom for atom in value if isinstance(atom, File | Option))
        return frozenset({Dumped(value - named)}) | (frozenset({File(self.origin(named))}) if named else NOTHING)

    def on_await(self, node: ast.Await | ast.Starred, frame: Frame) -> Value:
        return self.evaluate(node.value, frame)

    on_starred = on_await

    def on_yield(self, node: ast.Yield, frame: Frame) -> Value:
        frame.yielded = True
        frame.returned |= self.evaluate(node.value, frame) if node.value is not None else NOTHING
        return UNKNOWN

    def on_yieldfrom(self, node: ast.YieldFrom, frame: Frame) -> Value:
        exact, rest = self.elements(self.evaluate(node.value, frame), node, frame)
        frame.yielded = True
        frame.returned |= join(rest, *exact)
        return UNKNOWN

    def on_namedexpr(self, node: ast.NamedExpr, frame: Frame) -> Value:
        value = self.evaluate(node.value, frame)
        self.assign(node.target, value, frame)
        return value

    # --- comprehensions

    def on_listcomp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, frame: Frame) -> Value:
        elements = [self.evaluate(node.elt, frame) for _ in self._generated(node.generators, frame)]
        if len(self.evaluate(node.generators[0].iter, frame)) > 1:
            return self.make_list([], join(*elements), node, frame)
        return self.make_list(elements, NOTHING, node, frame)

    on_setcomp = on_generatorexp = on_listcomp

    def on_dictcomp(self, node: ast.DictComp, frame: Frame) -> Value:
        made = self.object("dict", node, frame)
        place = self.place(node, frame)
        for _ in self._generated(node.generators, frame):
            key = self.evaluate(node.key, frame)
            self.store_into(frozenset({made}), key, self.evaluate(node.value, frame), place)
        return frozenset({made})

    def _generated(self, generators: list[ast.comprehension], frame: Frame) -> Iterator[None]:
        """Every binding of the generators' names that is not ruled out; the names of the scope are put back after."""
        names = dict(frame.names)
        yield from self._bindings(generators, frame)
        frame.names = names

    def _bindings(self, generators: list[ast.comprehension], frame: Frame) -> Iterator[None]:
        if not generators:
            yield
            return
        first, *others = generators
        exact, rest = self.elements(self.evaluate(first.iter, frame), first.iter, frame)
        for value in [*exact, rest] if rest else exact:
            self.assign(first.target, value, frame)
            if all(self._may_hold(test, frame) for test in first.ifs):
                yield from self._bindings(others, frame)

    def _may_hold(self, test: ast.expr, frame: Frame) -> bool:
        self.test(test, frame)
        return self.decide(test, frame) is not False

    def elements(self, value: Value, node: ast.AST, frame: Frame) -> tuple[list[Value], Value]:
        """What an iteration over `value` gives: the first elements one by one, and whatever follows."""
        exact: list[Value] = []
        rest: Value = NOTHING
        for atom in value:
            first, more = self._elements_of(atom, node, frame)
            exact += first
            rest |= more
        return exact, rest

    def steady(self, value: Value, node: ast.AST, frame: Frame) -> tuple[list[Value], Value]:
        """The same for what goes into another list: lists that feed on themselves must not grow in every pass."""
        exact, rest = self.elements(value, node, frame)
        return (exact, rest) if len(value) == 1 else ([], join(rest, *exact))

    def _elements_of(self, atom: Atom, node: ast.AST, frame: Frame) -> tuple[list[Value], Value]:  # noqa: PLR0911 - one case, one answer
        match atom:
            case Obj(kind="list"):
                return list(atom.elements), atom.rest
            case Obj():
                return self._object_elements(atom, node, frame)
            case Raw(obj):
                return [const(key, True) for key in obj.fields], FOREIGN if obj.rest else NOTHING
            case Node():
                keys = self.ledger.keys(atom)
                return ([], frozenset({atom})) if keys is None else ([const(key, True) for key in keys], NOTHING)
            case Opaque() | File():
                return [], frozenset({atom})
            case Module():
                return [], UNKNOWN
        return [], FOREIGN

    def _object_elements(self, obj: Obj, node: ast.AST, frame: Frame) -> tuple[list[Value], Value]:
        hook = self.member(obj.cls, "__iter__") if obj.cls else NOTHING
        if hook:
            bound = frozenset(self.bind(method, frozenset({obj})) for method in hook)
            made = self.call(bound, Arguments(), node, frame)
            return self.elements(made - {obj}, node, frame)
        if obj.cls is not None and not obj.fields:
            return [], UNKNOWN
        if any(base.endswith("NamedTuple") for base in self.outer_bases(obj.cls)):
            return list(obj.fields.values()), obj.rest
        return [const(key, True) for key in obj.fields], FOREIGN if obj.rest else NOTHING

    # --- conditions that hold, or do not, for this very config

    def decide(self, node: ast.expr, frame: Frame) -> bool | None:
        """Whether a condition holds, if it asks for the name or the kind of a key; else None."""
        match node:
            case ast.UnaryOp(op=ast.Not()):
                inner = self.decide(node.operand, frame)
                return None if inner is None else not inner
            case ast.BoolOp():
                return self._decide_all(node, frame)
            case ast.Compare(ops=[operator], comparators=[right]):
                return self._decide_compare(node, operator, right, frame)
            case ast.Call(func=ast.Name(id="isinstance"), args=[subject, kind]):
                return self._decide_kind(subject, kind, frame)
            case ast.Call(func=ast.Attribute(attr="startswith" | "endswith" | "isupper" | "islower")):
                return _truth(self.evaluate(node, frame))
        return None

    def _decide_all(self, node: ast.BoolOp, frame: Frame) -> bool | None:
        results = [self.decide(value, frame) for value in node.values]
        if isinstance(node.op, ast.And):
            return False if False in results else (None if None in results else True)
        return True if True in results else (None if None in results else False)

    def _decide_compare(self, node: ast.Compare, operator: ast.cmpop, right: ast.expr, frame: Frame) -> bool | None:
        match node.left, operator:
            case ast.Call(func=ast.Name(id="type"), args=[subject]), ast.Eq() | ast.Is():
                return self._decide_kind(subject, right, frame)
        left, other = self.evaluate(node.left, frame), self.evaluate(right, frame)
        if len(left) != 1:
            return None
        (atom,) = left
        if not isinstance(atom, Const) or not (atom.is_key or _has_key(other)):
            return None
        if isinstance(operator, ast.Eq | ast.NotEq):
            return _compared(atom, other, isinstance(operator, ast.NotEq))
        if isinstance(operator, ast.In | ast.NotIn):
            return _contained(atom, other, isinstance(operator, ast.NotIn))
        return None

    def _decide_kind(self, subject: ast.expr, kind: ast.expr, frame: Frame) -> bool | None:
        value = self.evaluate(subject, frame)
        kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
        names = {ast.unparse(part).rpartition(".")[2] for part in kinds}
        mappings = names & {"dict", "Mapping", "MutableMapping", "DictConfig", "OrderedDict", "Dict", "abc"}
        if not mappings or len(value) != 1 or not all(isinstance(atom, Node) for atom in value):
            return None
        (node,) = value
        assert isinstance(node, Node)
        return isinstance(self.ledger.at(node), dict)

    # --- names

    def assign(self, target: ast.expr, value: Value, frame: Frame) -> None:
        """`target = value`."""
        match target:
            case ast.Name(id=name):
                self.bind_name(name, value, frame)
            case ast.Tuple() | ast.List():
                self._unpack(target.elts, value, target, frame)
            case ast.Starred():
                self.assign(target.value, value, frame)
            case ast.Attribute():
                base = self.evaluate(target.value, frame)
                self._store_through(base, const(target.attr), value, target, frame, "__setattr__")
            case ast.Subscript():
                base = self.evaluate(target.value, frame)
                key = FOREIGN if isinstance(target.slice, ast.Slice) else self.evaluate(target.slice, frame)
                self._store_through(base, key, value, target, frame, "__setitem__")

    def bind_name(self, name: str, value: Value, frame: Frame) -> None:
        """Let a name stand for `value` from here on."""
        if name in frame.shared:
            scope = frame.parent
            while scope is not None and name not in scope.names and scope.parent is not None:
                scope = scope.parent
            holder = scope or frame
            if not value <= holder.written.get(name, NOTHING):
                holder.written[name] = holder.written.get(name, NOTHING) | value
                self.growth += 1
        else:
            frame.names[name] = value

    def _unpack(self, targets: list[ast.expr], value: Value, node: ast.AST, frame: Frame) -> None:
        starred = any(isinstance(target, ast.Starred) for target in targets)
        exact, rest = self.elements(value, node, frame)
        whole = len(value) == 1 and not rest and not starred and len(exact) == len(targets)
        for index, target in enumerate(targets):
            self.assign(target, exact[index] if whole else self._any_part(value, exact, rest, index), frame)

    def _any_part(self, value: Value, exact: list[Value], rest: Value, index: int) -> Value:
        parts = [
            atom.elements[index]
            for atom in value
            if isinstance(atom, Obj) and atom.kind == "list" and index < len(atom.elements) and not atom.rest
        ]
        if len(parts) == len(value):
            return join(*parts)
        return join(rest, *exact) or UNKNOWN

    def _store_through(self, base: Value, key: Value, value: Value, node: ast.AST, frame: Frame, special: str) -> None:
        for atom in base:
            hook = self.member(atom.cls, special) if isinstance(atom, Obj) and atom.cls is not None else NOTHING
            if hook:
                bound = frozenset(self.bind(method, frozenset({atom})) for method in hook)
                self.call(bound, Arguments([key, value]), node, frame)
        self.store_into(base, key, value, self.place(node, frame))

    # --- calls

    def on_call(self, node: ast.Call, frame: Frame) -> Value:
        callee = self._callee(node.func, frame)
        return self.refer(self.call(callee, self._arguments(node, frame), node, frame))

    def _callee(self, node: ast.expr, frame: Frame) -> Value:
        if not isinstance(node, ast.Attribute):
            return self.evaluate(node, frame)
        self.spend()
        base = self.evaluate(node.value, frame)
        if not base:
            self.wonder(node.attr, self.place(node, frame))
        return self.refer(join(*(self._method(atom, node.attr, node, frame) for atom in base)))

    def _method(self, atom: Atom, name: str, node: ast.AST, frame: Frame) -> Value:
        match atom:
            case Node():
                child = Node(atom.root, (*atom.path, name))
                if name in (self.ledger.keys(atom) or ()) and not known("dict_methods", name):
                    return self.attribute(frozenset({atom}), name, node, frame)
                return self.overlays.get(child, NOTHING) | {Method(atom, name)}
            case Obj(cls=None) if name not in atom.fields:
                return frozenset({Method(atom, name)}) | frozenset(a for a in atom.rest if isinstance(a, Func))
            case (
                Opaque()
                | Option()
                | Raw()
                | Dumped()
                | File()
                | Const()
                | Super()
                | Method()
                | Partial()
                | Missing()
                | Func()
            ):
                return frozenset({Method(atom, name)})
        return self.attribute(frozenset({atom}), name, node, frame)

    def _arguments(self, node: ast.Call, frame: Frame) -> Arguments:
        passed = Arguments()
        for part in node.args:
            if isinstance(part, ast.Starred):
                exact, rest = self.elements(self.evaluate(part.value, frame), node, frame)
                passed.args += exact
                passed.more |= rest
            else:
                passed.args.append(self.evaluate(part, frame))
        for keyword in node.keywords:
            value = self.evaluate(keyword.value, frame)
            if keyword.arg is None:
                self.spread(passed, value)
            else:
                passed.keywords[keyword.arg] = value
        return passed

    def spread(self, passed: Arguments, value: Value) -> None:
        """Add `**value` to what is passed."""
        for atom in value:
            for key, entry in self.entries(atom):
                passed.keywords[key] = passed.keywords.get(key, NOTHING) | entry
            match atom:
                case Node():
                    passed.spread.append(atom)
                    passed.more |= self.loose_overlays.get(atom, NOTHING)
                case Obj():
                    passed.more |= atom.rest
                case Opaque.UNKNOWN | Opaque.STRANGE:
                    passed.more |= UNKNOWN


def _added(left: Value, right: Value) -> Value | None:
    first, second = only_texts(left), only_texts(right)
    if first is None or second is None or len(first) * len(second) > 64:
        return None
    is_key = _has_key(left) or _has_key(right)
    made = [a + b for a in first for b in second]
    return frozenset(Const.of(text, is_key) for text in made) if max(map(len, made)) <= LONGEST_TEXT else None


def _is_text(atom: Atom) -> bool:
    return isinstance(atom, Const) and isinstance(atom.value, str)


def _has_key(value: Value) -> bool:
    return any(isinstance(atom, Const) and atom.is_key for atom in value)


def _truth(value: Value) -> bool | None:
    found = {atom.value for atom in value if isinstance(atom, Const) and atom.is_key}
    return bool(found.pop()) if len(found) == len(value) == 1 else None


def _compared(atom: Const, other: Value, negated: bool) -> bool | None:
    if len(other) != 1:
        return None
    (second,) = other
    return (atom.value == second.value) is not negated if isinstance(second, Const) else None


def _contained(atom: Const, other: Value, negated: bool) -> bool | None:
    if len(other) != 1:
        return None
    (holder,) = other
    if not isinstance(holder, Obj) or holder.kind != "list" or holder.rest:
        return None
    values = [part for element in holder.elements for part in element]
    if len(values) != len(holder.elements) or not all(isinstance(part, Const) for part in values):
        return None
    found = any(isinstance(part, Const) and part.value == atom.value for part in values)
    return found is not negated
