"""Statements, one after the other."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from diagnose.usage.binding import assign
from diagnose.usage.calls import call_values
from diagnose.usage.entering import Given
from diagnose.usage.flow import Flow
from diagnose.usage.loops import loop
from diagnose.usage.trees import DEFINITIONS, is_main_test
from diagnose.usage.values import NOTHING, Bound, Instance, Scope


def statement(flow: Flow, node: Any, scope: Scope) -> None:
    """Bind what one statement binds, those inside it included."""
    if (
        isinstance(node, ast.stmt)
        and scope.kind == "module"
        and scope.module is not flow.project.main
        and is_main_test(node)
    ):
        return
    follow = FOLLOW.get(type(node), _anything_else)
    follow(flow, node, scope)


def _statements(flow: Flow, nodes: list[Any], scope: Scope) -> None:
    for node in nodes:
        statement(flow, node, scope)


def _definition(flow: Flow, node: Any, scope: Scope) -> None:
    inner = scope.module.scopes[node]
    if inner.reached:
        for one in node.decorator_list:
            given = Given([frozenset({inner})], {}, [], node, scope)
            made = call_values(flow, flow.value(one, scope), given, "")
            functions = frozenset(value for value in made if isinstance(value, Scope | Bound))
            flow.put(scope.variables, node.name, functions)


def _assign(flow: Flow, node: ast.Assign, scope: Scope) -> None:
    values = flow.value(node.value, scope)
    for target in node.targets:
        assign(flow, target, values, scope)


def _annotated(flow: Flow, node: ast.AnnAssign, scope: Scope) -> None:
    if node.value is not None:
        assign(flow, node.target, flow.value(node.value, scope), scope)


def _augmented(flow: Flow, node: ast.AugAssign, scope: Scope) -> None:
    assign(flow, node.target, flow.values([node.value, node.target], scope), scope)


def _for(flow: Flow, node: ast.For | ast.AsyncFor, scope: Scope) -> None:
    loop(flow, node.target, node.iter, node.body, node, scope)
    _statements(flow, [*node.body, *node.orelse], scope)


def _with(flow: Flow, node: ast.With | ast.AsyncWith, scope: Scope) -> None:
    for item in node.items:
        values = flow.value(item.context_expr, scope)
        entered = [value.cls.method("__enter__") for value in values if isinstance(value, Instance)]
        values = values.union(*[method.returned.get("", NOTHING) for method in entered if method])
        if item.optional_vars is not None:
            assign(flow, item.optional_vars, values, scope)
    _statements(flow, node.body, scope)


def _return(flow: Flow, node: ast.Return, scope: Scope) -> None:
    if node.value is not None:
        flow.put(scope.returned, "", flow.value(node.value, scope))


def _raise(flow: Flow, node: ast.Raise, scope: Scope) -> None:
    if node.exc is not None:
        flow.put(flow.raised, "", flow.value(node.exc, scope))


def _try(flow: Flow, node: Any, scope: Scope) -> None:
    _statements(flow, [*node.body, *node.orelse, *node.finalbody], scope)
    for handler in node.handlers:
        if handler.name:
            flow.put(flow.variables_of(handler.name, scope), handler.name, flow.raised.get("", NOTHING))
        _statements(flow, handler.body, scope)


def _anything_else(flow: Flow, node: ast.AST, scope: Scope) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            flow.value(child, scope)
        elif isinstance(child, ast.stmt | ast.match_case):
            statement(flow, child, scope)


FOLLOW: Mapping[type, Callable[[Flow, Any, Scope], None]] = {
    **dict.fromkeys(DEFINITIONS, _definition),
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Return: _return,
    ast.Raise: _raise,
    ast.Try: _try,
}
