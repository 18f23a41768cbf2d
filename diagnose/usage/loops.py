"""Loops and comprehensions over a section: whether they keep its keys, rename them, or use every value."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from enum import Enum
from typing import Any

from diagnose.usage.binding import assign
from diagnose.usage.flow import Flow
from diagnose.usage.libraries import names_of
from diagnose.usage.syntax import is_pair, last_name, names_in
from diagnose.usage.values import NOTHING, KeysOf, Node, Outside, Scope, Values, containers, sections

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


def loop(flow: Flow, target: ast.AST, source: ast.AST, body: list[Any], node: ast.AST, scope: Scope) -> Values:
    """Bind the loop's names, and note what it does with the sections that it goes through, which are given back."""
    if isinstance(source, ast.Call) and last_name(source) == "enumerate" and source.args and is_pair(target):
        target, source = target.elts[1], source.args[0]  # type: ignore[attr-defined]  # a pair has elements
    values = flow.value(source, scope)
    found = sections(values)
    while isinstance(source, ast.Call) and isinstance(source.func, ast.Name) and source.args:
        source = source.args[0]  # sorted(x.items())
    view = last_name(source) if isinstance(source, ast.Call) else ""
    keys, items = _bound_names(target, view, bool(found))
    one = Loop(keys, items, body, node, scope)
    for section in found:
        _go_through(flow, section, one)
    lists = containers(values)
    rest = (values - found - set(lists)).union(*[one.everything() for one in lists])
    if view == "items" and is_pair(target):
        target = target.elts[1]  # type: ignore[attr-defined]  # the keys of a dict are none of its values
    assign(flow, target, rest, scope)
    return found


def _bound_names(target: ast.AST, view: str, of_section: bool) -> tuple[list[str], list[str]]:
    if isinstance(target, ast.Tuple | ast.List) and is_pair(target) and (view == "items" or of_section):
        return names_in(target.elts[0]), names_in(target.elts[1])
    names = names_in(target)
    return ([], names) if view in {"values", "items"} else (names, [])


def _go_through(flow: Flow, section: Node, loop: Loop) -> None:
    for name in loop.values:
        flow.put(flow.variables_of(name, loop.scope), name, section.children())
    for name in loop.keys:
        flow.put(flow.variables_of(name, loop.scope), name, frozenset({KeysOf(section)}))
    if flow.final and section.data and (loop.keys or loop.values):
        effect = _effect(flow, section, loop)
        if effect is Effect.USE:
            flow.consume(frozenset({section}), "a loop uses its values", loop.node, loop.scope)
        elif effect is Effect.RENAME:
            how = "a loop stores it under computed keys"
            flow.note(flow.notes.computed, [section], how, loop.node, loop.scope)


def _effect(flow: Flow, section: Node, loop: Loop) -> Effect:
    parents = {child: node for top in loop.body for node in ast.walk(top) for child in ast.iter_child_nodes(node)}
    result, kept = Effect.KEEP, False
    for node in (node for top in loop.body for node in ast.walk(top)):
        if not (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)):
            continue
        up = parents.get(node)
        kept = kept or (node.id in loop.keys and _is_key_of_store(node, up))
        if node.id in loop.keys and _renames(up, parents):
            result = Effect.RENAME
        if node.id in loop.keys and isinstance(up, ast.Subscript) and up.slice is node and isinstance(up.ctx, ast.Load):
            if section in flow.value(up.value, loop.scope) and not _keeps(flow, up, parents, loop):
                return Effect.USE
        elif node.id in loop.values and not _keeps(flow, node, parents, loop):
            return Effect.USE
    return Effect.KEEP if kept else result


def _is_key_of_store(node: ast.AST, up: ast.AST | None) -> bool:
    """`x[key] = ...`, `{key: ...}`, `setattr(x, key, ...)`."""
    stored = isinstance(up, ast.Subscript) and isinstance(up.ctx, ast.Store)
    return stored or (isinstance(up, ast.Dict) and node in up.keys) or last_name(up) == "setattr"


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
        return _call_keeps(flow, up, loop.scope)
    return isinstance(up, ast.Subscript) and up.slice is not node


def _call_keeps(flow: Flow, call: ast.Call, scope: Scope) -> bool:
    """Whether a function keeps what it is given: it stores, copies or prints it, makes an object, or walks the tree.

    All others use it, as `os.makedirs(folder)` and the trainer's own `make_folder(folder)` do.
    """
    name = last_name(call)
    if name in names_of("keepers") | names_of("mapping_bases") | {"update", scope.name}:
        return True
    ours = flow.project.by_name.get(name, ())
    if ours:
        return any(one.is_wrapper if one.kind == "class" else one.is_walker for one in ours)
    outside = {one.top for one in flow.project.resolve(call.func, scope) if isinstance(one, Outside)}
    return name[:1].isupper() and not outside & (names_of("numeric") | sys.stdlib_module_names)


def comprehension(flow: Flow, node: Any, scope: Scope) -> Values:
    """A list or dict of what it makes; a dict, or pairs, made from a section is the section as well."""
    found: Values = NOTHING
    for part in node.generators:
        body = [ast.Expr(one) for one in (*_made(node), *part.ifs)]
        found |= loop(flow, part.target, part.iter, body, part, scope)
        flow.values(part.ifs, scope)
    is_dict = isinstance(node, ast.DictComp)
    flow.values([node.key] if is_dict else [], scope)
    made = flow.thing(node)
    flow.put(made.items, "*", flow.value(node.value if is_dict else node.elt, scope))
    return frozenset({made, *(found if is_dict or is_pair(node.elt) else ())})


def _made(node: Any) -> list[ast.AST]:
    """What a comprehension makes of each item; a list of bare values uses them."""
    if isinstance(node, ast.DictComp):
        return [node.key, node.value]
    if is_pair(node.elt):
        return [node.elt]
    taken = ast.Call(func=ast.Name(id="taken", ctx=ast.Load()), args=[node.elt], keywords=[])
    return [ast.copy_location(taken, node.elt)]
