"""Binding names, attributes and items to values."""

from __future__ import annotations

import ast
from typing import Any

from diagnose.usage.flow import Flow
from diagnose.usage.syntax import constant
from diagnose.usage.values import (
    NOTHING,
    KeysOf,
    Module,
    Node,
    Scope,
    Thing,
    Values,
    containers,
    is_object,
    nodes,
    things,
)


def assign(flow: Flow, target: ast.AST, values: Values, scope: Scope) -> None:
    """Bind the targets on the left of `=`."""
    if isinstance(target, ast.Name):
        flow.put(flow.variables_of(target.id, scope), target.id, values)
    elif isinstance(target, ast.Starred):
        assign(flow, target.value, values, scope)
    elif isinstance(target, ast.Tuple | ast.List):
        _unpack(flow, target, values, scope)
    elif isinstance(target, ast.Attribute):
        _assign_attribute(flow, target, values, scope)
    elif isinstance(target, ast.Subscript):
        _assign_item(flow, target, values, scope)


def _unpack(flow: Flow, target: ast.Tuple | ast.List, values: Values, scope: Scope) -> None:
    if any(value.cls.is_record for value in filter(is_object, values)):
        flow.consume(values, "unpacked", target, scope)
    lists = containers(values)
    for index, one in enumerate(target.elts):
        parts = NOTHING.union(*[listed.at(index) | listed.at("*") for listed in lists])
        assign(flow, one, (values - set(lists)) | parts, scope)


def _assign_attribute(flow: Flow, target: ast.Attribute, values: Values, scope: Scope) -> None:
    bases = flow.value(target.value, scope)
    if target.attr == "__dict__":
        also_assign(flow, target.value, nodes(values), scope)
        flow.wrap(things(bases), nodes(values))
    store(flow, bases, target.attr, values)
    for found in flow.project.resolve(target.value, scope):
        if isinstance(found, Module):
            flow.put(found.scope.variables, target.attr, values)
    flow.put(flow.stored_anywhere, target.attr, values)


def _assign_item(flow: Flow, target: ast.Subscript, values: Values, scope: Scope) -> None:
    key = constant(target.slice)
    bases = flow.value(target.value, scope)
    looped = looped_sections(flow.value(target.slice, scope))
    if looped and key is None:
        flow.wrap(things(bases), looped)
        also_assign(flow, target.value, looped, scope)
        values -= NOTHING.union(*[section.children() for section in looped])
    store(flow, bases, "*" if key is None else key, values)


def looped_sections(keys: Values) -> Values:
    """The sections whose keys a loop goes through."""
    return frozenset(one.section for one in keys if isinstance(one, KeysOf))


def store(flow: Flow, bases: Values, key: Any, values: Values) -> None:
    """`base.key = values`, `base[key] = values`; under `*` where the key is not known."""
    for holder in [*things(bases), *nodes(bases)]:
        flow.put(holder.items, key, values)


def also_assign(flow: Flow, target: ast.AST, values: Values, scope: Scope) -> None:
    """Let a name, or the class that it is bound to, also be `values`."""
    if isinstance(target, ast.Name | ast.Attribute) and values:
        found = [one for one in flow.project.resolve(target, scope) if isinstance(one, Scope)]
        if any(one.kind == "class" for one in found):
            flow.wrap(things(found), nodes(values))
        else:
            assign(flow, target, values, scope)


def kept(values: Values) -> Values:
    """The values that may be, or may hold, a section."""
    return frozenset(value for value in values if isinstance(value, Node | Thing))
