"""What expressions may be."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

from diagnose.usage.binding import assign
from diagnose.usage.calls import call, note_presence
from diagnose.usage.flow import Evaluator, Flow, nodes
from diagnose.usage.loops import comprehension
from diagnose.usage.members import attribute, name, subscript
from diagnose.usage.trees import constant
from diagnose.usage.values import NOTHING, Scope, Text, Values, text_value

CONFIG_FILE = re.compile(r".*\.(json|ya?ml|toml)", re.DOTALL)


def _constant(flow: Flow, node: ast.Constant, scope: Scope) -> Values:
    text = node.value
    if not isinstance(text, str):
        return NOTHING
    is_file = CONFIG_FILE.fullmatch(text) is not None
    return frozenset({text_value(text, is_file)}) if is_file or text.isidentifier() else NOTHING


def _sequence(flow: Flow, node: ast.Tuple | ast.List | ast.Set, scope: Scope) -> Values:
    container = flow.container(node)
    for index, one in enumerate(node.elts):
        starred = isinstance(one, ast.Starred)
        flow.store(container, "*" if starred else index, flow.value(one, scope))
    return frozenset({container})


def _dict(flow: Flow, node: ast.Dict, scope: Scope) -> Values:
    container = flow.container(node)
    result: set[Any] = {container}
    for key, one in zip(node.keys, node.values, strict=True):
        values = flow.value(one, scope)
        if key is None:
            result |= values
            continue
        flow.value(key, scope)
        known = constant(key)
        flow.store(container, "*" if known is None else known, values)
        if isinstance(known, str):
            flow.put(flow.loose_fields, known, nodes(values))
    return frozenset(result)


def _lambda(flow: Flow, node: ast.Lambda, scope: Scope) -> Values:
    return frozenset({scope.module.scopes[node]})


def _if(flow: Flow, node: ast.IfExp, scope: Scope) -> Values:
    flow.value(node.test, scope)
    return flow.values([node.body, node.orelse], scope)


def _bool(flow: Flow, node: ast.BoolOp, scope: Scope) -> Values:
    return flow.values(node.values, scope)


def _binary(flow: Flow, node: ast.BinOp, scope: Scope) -> Values:
    right = flow.value(node.right, scope)
    if isinstance(node.op, ast.Mod):
        flow.consume(right, "a text is formatted with it", node, scope)
    return _without_words(flow.value(node.left, scope) | right)


def _without_words(values: Values) -> Values:
    return frozenset(value for value in values if not isinstance(value, Text) or value.is_file)


def _walrus(flow: Flow, node: ast.NamedExpr, scope: Scope) -> Values:
    values = flow.value(node.value, scope)
    assign(flow, node.target, values, scope)
    return values


def _compare(flow: Flow, node: ast.Compare, scope: Scope) -> Values:
    flow.value(node.left, scope)
    for op, right in zip(node.ops, node.comparators, strict=True):
        values = flow.value(right, scope)
        key = constant(node.left)
        if isinstance(op, ast.In | ast.NotIn) and key is not None:
            note_presence(flow, values, key, node, scope)
    return NOTHING


def _inner(flow: Flow, node: Any, scope: Scope) -> Values:
    return flow.value(node.value, scope)


def _yield(flow: Flow, node: ast.Yield, scope: Scope) -> Values:
    if node.value is not None:
        flow.put(scope.returned, "", flow.value(node.value, scope))
    return NOTHING


def _text(flow: Flow, node: ast.JoinedStr, scope: Scope) -> Values:
    return _without_words(flow.values(node.values, scope))


EXPRESSIONS: Mapping[type, Evaluator] = {
    ast.Constant: _constant,
    ast.Name: name,
    ast.Attribute: attribute,
    ast.Subscript: subscript,
    ast.Call: call,
    ast.Tuple: _sequence,
    ast.List: _sequence,
    ast.Set: _sequence,
    ast.Dict: _dict,
    ast.ListComp: comprehension,
    ast.SetComp: comprehension,
    ast.GeneratorExp: comprehension,
    ast.DictComp: comprehension,
    ast.Lambda: _lambda,
    ast.IfExp: _if,
    ast.BoolOp: _bool,
    ast.BinOp: _binary,
    ast.NamedExpr: _walrus,
    ast.Compare: _compare,
    ast.Await: _inner,
    ast.Starred: _inner,
    ast.FormattedValue: _inner,
    ast.YieldFrom: _inner,
    ast.Yield: _yield,
    ast.JoinedStr: _text,
}
