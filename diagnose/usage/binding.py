"""Binding names, attributes and items to values."""

from __future__ import annotations

import ast
from typing import Any

from diagnose.usage.flow import Flow, classes, nodes
from diagnose.usage.syntax import constant
from diagnose.usage.values import NOTHING, Container, Instance, KeysOf, Module, Node, Scope, Text, Values


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
    if any(isinstance(value, Instance) and value.cls.is_record for value in values):
        flow.consume(values, "unpacked", target, scope)
    for index, one in enumerate(target.elts):
        part: set[Any] = set()
        for value in values:
            if isinstance(value, Container):
                part |= value.at(index)
            elif not isinstance(value, Text) or not value.is_file:
                part.add(value)
        assign(flow, one, frozenset(part), scope)


def _assign_attribute(flow: Flow, target: ast.Attribute, values: Values, scope: Scope) -> None:
    if target.attr == "__dict__":
        also_assign(flow, target.value, nodes(values), scope)
        wrap(flow, flow.value(target.value, scope), nodes(values))
    for value in flow.value(target.value, scope):
        set_attribute(flow, value, target.attr, values)
        if isinstance(value, Node):
            flow.put(value.extra, target.attr, values)
    found = flow.project.resolve(target.value, scope)
    if isinstance(found, Module):
        flow.put(found.scope.variables, target.attr, values)
    flow.put(flow.stored_anywhere, target.attr, values)


def set_attribute(flow: Flow, value: Any, key: str, values: Values) -> None:
    """`value.key = values`, where it is a class of the project or an object of one."""
    for cls in [value.cls] if isinstance(value, Instance) else classes([value]):
        cls.owned.add(key)
        flow.put(cls.fields, key, values)
    if isinstance(value, Container):
        flow.store(value, key, values)


def _assign_item(flow: Flow, target: ast.Subscript, values: Values, scope: Scope) -> None:
    key = constant(target.slice)
    bases = flow.value(target.value, scope)
    looped = frozenset(one.section for one in flow.value(target.slice, scope) if isinstance(one, KeysOf))
    if looped and key is None:
        wrap(flow, bases, looped)
        also_assign(flow, target.value, looped, scope)
        values -= NOTHING.union(*[section.children() for section in looped])
    for value in bases:
        if isinstance(value, Container):
            flow.store(value, "*" if key is None else key, values)
        elif isinstance(value, Node) and key is not None:
            flow.put(value.extra, key, values)
        elif isinstance(value, Instance):
            flow.put(value.cls.fields, "[]" if key is None else key, values)


def wrap(flow: Flow, objects: Values, wrapped: Values) -> None:
    """These objects, and all others of their classes, wrap a section from here on."""
    for value in objects:
        holder = value.cls if isinstance(value, Instance) else value
        if isinstance(holder, Container) or classes([holder]):
            flow.put(holder.wraps, "", wrapped)


def also_assign(flow: Flow, target: ast.AST, values: Values, scope: Scope) -> None:
    """Let a name, or the class that it is bound to, also be `values`."""
    if isinstance(target, ast.Name | ast.Attribute) and values:
        found = flow.project.resolve(target, scope)
        if isinstance(found, Scope) and found.kind == "class":
            flow.put(found.wraps, "", nodes(values))
        else:
            assign(flow, target, values, scope)
