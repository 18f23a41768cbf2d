"""Loops and comprehensions over a section: whether they keep its keys, rename them, or use every value."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from enum import Enum
from typing import Any

from diagnose.usage.binding import assign
from diagnose.usage.flow import Event, Flow, sections
from diagnose.usage.libraries import names_of
from diagnose.usage.syntax import calls_in, is_pair, last_name, names_in
from diagnose.usage.values import NOTHING, Container, Instance, Node, Scope, Values

VIEWS = {"items", "values", "keys"}
STORES = (ast.Assign, ast.AnnAssign, ast.Dict, ast.DictComp, ast.Yield, ast.Return, ast.Expr)
PASSED_ON = (ast.Starred, ast.IfExp, ast.NamedExpr, ast.Tuple, ast.List, ast.FormattedValue, ast.JoinedStr)
NAMED = (ast.BinOp, ast.JoinedStr, ast.FormattedValue, ast.Attribute)


class Effect(Enum):
    """What a loop does with the keys and values that it goes through."""

    KEEP = 0
    RENAME = 1
    USE = 2


@dataclass(frozen=True)
class Loop:
    """A loop with the names that it binds to keys and to values."""

    keys: list[str]
    values: list[str]
    body: list[Any]
    node: ast.AST
    scope: Scope


def loop(flow: Flow, target: ast.AST, source: ast.AST, body: list[Any], node: ast.AST, scope: Scope) -> None:
    """Bind the loop's names; in the last round, note what it does with the section that it goes through."""
    if isinstance(source, ast.Call) and last_name(source) == "enumerate" and source.args and is_pair(target):
        target, source = target.elts[1], source.args[0]  # type: ignore[attr-defined]  # a pair has elements
    values = flow.value(source, scope)
    keys, items = _bound_names(target, _view(source), bool(sections(values)))
    one = Loop(keys, items, body, node, scope)
    for section in sections(values):
        _go_through(flow, section, one, values)
    rest = NOTHING.union(*[_items_of(value) for value in values if value not in sections([value])])
    if rest:
        assign(flow, target, rest, scope)


def _bound_names(target: ast.AST, view: str, of_section: bool) -> tuple[list[str], list[str]]:
    if isinstance(target, ast.Tuple | ast.List) and is_pair(target) and (view == "items" or of_section):
        return names_in(target.elts[0]), names_in(target.elts[1])
    names = names_in(target)
    return ([], names) if view in {"values", "items"} else (names, [])


def _view(source: ast.AST) -> str:
    """`items` of `sorted(x.items())`."""
    while isinstance(source, ast.Call):
        view = source.func.attr if isinstance(source.func, ast.Attribute) else ""
        if view in VIEWS or not source.args:
            return view
        source = source.args[0]
    return ""


def _go_through(flow: Flow, section: Node, loop: Loop, others: Values) -> None:
    parts = section.children()
    for name in loop.values:
        flow.put(flow.variables_of(name, loop.scope), name, parts)
    for name in loop.keys:
        flow.put(flow.variables_of(name, loop.scope), name, frozenset({section.keys}))
    if flow.final and section.data and (loop.keys or loop.values):
        effect = _effect(flow, section, loop)
        if effect is Effect.USE:
            flow.consume(frozenset({section, *others}), "a loop uses its values", loop.node, loop.scope)
        elif effect is Effect.RENAME:
            place = flow.place(loop.node, loop.scope)
            flow.notes.computed.setdefault(section, Event("a loop stores it under computed keys", place))


def _items_of(value: Any) -> Values:
    """What a loop over a value of ours gets."""
    if isinstance(value, Container):
        return value.everything()
    if not isinstance(value, Instance):
        return frozenset({value})
    methods = [value.cls.method(hook) for hook in ("__iter__", "__getitem__", "__next__")]
    if not any(methods):
        return frozenset({value})
    found: set[Any] = set()
    for one in NOTHING.union(*[method.returned.get("", NOTHING) for method in methods if method]):
        found |= one.everything() if isinstance(one, Container) and one.items else {one}
    return frozenset(found)


def _effect(flow: Flow, section: Node, loop: Loop) -> Effect:
    parents = {child: node for top in loop.body for node in ast.walk(top) for child in ast.iter_child_nodes(node)}
    result = Effect.KEEP
    for node in (node for top in loop.body for node in ast.walk(top)):
        if not (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)):
            continue
        up = parents.get(node)
        if node.id in loop.keys and _renames(up, parents):
            result = Effect.RENAME
        if node.id in loop.keys and isinstance(up, ast.Subscript) and up.slice is node and isinstance(up.ctx, ast.Load):
            if section in flow.value(up.value, loop.scope) and not _keeps(flow, up, parents, loop):
                return Effect.USE
        elif node.id in loop.values and not _keeps(flow, node, parents, loop):
            return Effect.USE
    return result


def _renames(up: ast.AST | None, parents: dict[ast.AST, ast.AST]) -> bool:
    if not isinstance(up, ast.BinOp | ast.FormattedValue | ast.Attribute):
        return False
    while isinstance(up, NAMED):
        up = parents.get(up)
    return not (isinstance(up, ast.Call) and last_name(up) in names_of("keepers"))


def _keeps(flow: Flow, node: ast.AST, parents: dict[ast.AST, ast.AST], loop: Loop) -> bool:
    """Whether this mention of a value stores, copies, prints or passes it on, and no more."""
    up = parents.get(node)
    while isinstance(up, PASSED_ON):
        node, up = up, parents.get(up)
    if up is None or isinstance(up, STORES):
        return True
    if isinstance(up, ast.Compare):
        return all(isinstance(op, ast.Is | ast.IsNot) for op in up.ops)
    if isinstance(up, ast.keyword):
        up = parents.get(up)
    if isinstance(up, ast.Attribute):
        return up.attr in VIEWS | {"copy"}
    if isinstance(up, ast.Call):
        return _call_keeps(flow, last_name(up), loop.scope)
    return isinstance(up, ast.Subscript) and up.slice is not node


def _call_keeps(flow: Flow, name: str, scope: Scope) -> bool:
    """Whether a function of this name keeps what it is given: it copies, wraps, or walks the tree."""
    own = {scope.name, scope.owner.name if scope.owner else scope.name}
    if name in names_of("keepers") or name in own or name in {"dict", "Namespace", "SimpleNamespace", "update"}:
        return True
    for found in flow.project.by_name.get(name, ()):
        if found.kind == "class" and found.is_wrapper:
            return True
        if found.kind == "function" and any(found.name == last_name(call) for call in calls_in(found.node)):
            return True
    return name[:1].isupper() and name not in {"Path", "Tensor"}


def comprehension(flow: Flow, node: Any, scope: Scope) -> Values:
    """A container of what it makes; a dict, or pairs, made from a section is the section as well."""
    found: list[Node] = []
    makes_pairs = isinstance(node, ast.DictComp) or is_pair(node.elt)
    for part in node.generators:
        loop(flow, part.target, part.iter, [ast.Expr(one) for one in (*_made(node), *part.ifs)], part, scope)
        found += sections(flow.value(part.iter, scope))
        flow.values(part.ifs, scope)
    container = flow.container(node)
    flow.values([node.key] if isinstance(node, ast.DictComp) else [], scope)
    flow.store(container, "*", flow.value(node.value if isinstance(node, ast.DictComp) else node.elt, scope))
    return frozenset({container, *(found if makes_pairs else ())})


def _made(node: Any) -> list[ast.AST]:
    """What a comprehension makes of each item; a list of bare values uses them."""
    if isinstance(node, ast.DictComp):
        return [node.key, node.value]
    if is_pair(node.elt):
        return [node.elt]
    taken = ast.Call(func=ast.Name(id="taken", ctx=ast.Load()), args=[node.elt], keywords=[])
    return [ast.copy_location(taken, node.elt)]
