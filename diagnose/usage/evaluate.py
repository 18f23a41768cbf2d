"""What the nodes of a source do: statements bind names, expressions have values."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import Any

from diagnose.usage.binding import RENAMED, Arguments, assign, call_function
from diagnose.usage.calls import call, call_values
from diagnose.usage.flow import Evaluator, Flow
from diagnose.usage.library import CONFIG_FILE
from diagnose.usage.members import READERS, Access, attribute, member, name, subscript
from diagnose.usage.syntax import DEFINITIONS, constant, last_name
from diagnose.usage.values import (
    NOTHING,
    RETURNED,
    Bound,
    KeysOf,
    Scope,
    Thing,
    Values,
    containers,
    looped_sections,
    sections,
)

SACRED = {"main", "automain", "capture", "command"}
"""Decorators of sacred's experiments, which give a function the keys that its parameters name."""

# --- statements


def _definition(flow: Flow, node: Any, scope: Scope) -> Values:
    inner = scope.module.scopes[node]
    if inner.decorators & SACRED and flow.project.imports("sacred"):
        call_function(flow, inner, Arguments([], {"_config": flow.given}, [flow.given], node, scope))
    for one in node.decorator_list if inner.reached else ():
        given = Arguments([frozenset({inner})], {}, [], node, scope)
        made = call_values(flow, flow.value(one, scope), given, "")
        functions = frozenset(value for value in made if isinstance(value, Scope | Bound))
        flow.put(scope.variables, node.name, functions)
    return NOTHING


def _assign(flow: Flow, node: ast.Assign | ast.AnnAssign | ast.NamedExpr, scope: Scope) -> Values:
    values = flow.value(node.value, scope) if node.value is not None else NOTHING
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        assign(flow, target, values | _own_section(flow, target, scope), scope)
    return values


def _own_section(flow: Flow, target: ast.AST, scope: Scope) -> Values:
    """The section that a variable of the config's own module is: `hparams = HParams(lr=1e-3)`, in a function or not."""
    if flow.own is None or scope.module.tree is not flow.own.site or not isinstance(target, ast.Name):
        return NOTHING
    found = flow.own.find(target.id)
    return sections(found.followed) if found else NOTHING


def _augmented(flow: Flow, node: ast.AugAssign, scope: Scope) -> Values:
    assign(flow, node.target, flow.value(node.value, scope) | flow.value(node.target, scope), scope)
    return NOTHING


def _for(flow: Flow, node: ast.For | ast.AsyncFor, scope: Scope) -> Values:
    _loop(flow, node.target, node.iter, scope)
    return flow.values([*node.body, *node.orelse], scope)


def _with(flow: Flow, node: ast.withitem, scope: Scope) -> Values:
    values = flow.value(node.context_expr, scope)
    if node.optional_vars is not None:
        assign(flow, node.optional_vars, values, scope)
    return values


def _return(flow: Flow, node: ast.Return | ast.Yield, scope: Scope) -> Values:
    if node.value is not None:
        values = flow.value(node.value, scope)
        flow.put(scope.variables, RETURNED, flow.use(values, node, scope) if scope.name in READERS else values)
    return NOTHING


def _raise(flow: Flow, node: ast.Raise, scope: Scope) -> Values:
    return _message(flow, ast.iter_child_nodes(node), scope)


def _assert(flow: Flow, node: ast.Assert, scope: Scope) -> Values:
    flow.use(flow.value(node.test, scope), node, scope)
    return _message(flow, [node.msg] if node.msg else [], scope)


def _message(flow: Flow, nodes: Iterable[ast.AST], scope: Scope) -> Values:
    """What an error shows of a section is no use of its values."""
    flow.in_message = True
    flow.values(nodes, scope)
    flow.in_message = False
    return NOTHING


def _branch(flow: Flow, node: Any, scope: Scope) -> Values:
    test = node.subject if isinstance(node, ast.Match) else node.test
    flow.use(flow.value(test, scope), node, scope)
    found = flow.values((one for one in ast.iter_child_nodes(node) if one is not test), scope)
    return found if isinstance(node, ast.IfExp) else NOTHING


# --- expressions


def _constant(_flow: Flow, node: ast.Constant, _scope: Scope) -> Values:
    """A name, or a file that may be a config."""
    text = node.value
    known = isinstance(text, str) and (text.isidentifier() or CONFIG_FILE.fullmatch(text))
    return frozenset({text}) if known else NOTHING


def _sequence(flow: Flow, node: ast.Tuple | ast.List | ast.Set, scope: Scope) -> Values:
    made = flow.thing(node)
    for index, one in enumerate(node.elts):
        flow.put(made.items, "*" if isinstance(one, ast.Starred) else index, flow.value(one, scope))
    return frozenset({made})


def _dict(flow: Flow, node: ast.Dict, scope: Scope) -> Values:
    made = flow.thing(node)
    result: set[Any] = {made}
    for key, one in zip(node.keys, node.values, strict=True):
        values = flow.value(one, scope)
        if key is None:
            result |= values
            continue
        known = constant(key)
        if known is None:
            result |= _keyed(flow, made, key, values, scope)
            continue
        flow.put(made.items, known, values)
        if isinstance(known, str):
            flow.put(flow.stored_anywhere, known, sections(values))
    return frozenset(result)


def _lambda(_flow: Flow, node: ast.Lambda, scope: Scope) -> Values:
    return frozenset({scope.module.scopes[node]})


def _binary(flow: Flow, node: ast.BinOp, scope: Scope) -> Values:
    right = flow.value(node.right, scope)
    if isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant | ast.JoinedStr):
        flow.consume(right, "a text is formatted with it", node, scope)
        return _without_words(right - sections(right))
    found = _without_words(flow.value(node.left, scope) | right)
    return found if isinstance(node.op, ast.Add | ast.BitOr) else flow.use(found - sections(found), node, scope)


def _text(flow: Flow, node: ast.JoinedStr, scope: Scope) -> Values:
    return _without_words(flow.values(node.values, scope))


def _without_words(values: Values) -> Values:
    return frozenset(value for value in values if not isinstance(value, str) or CONFIG_FILE.fullmatch(value))


def _compare(flow: Flow, node: ast.Compare, scope: Scope) -> Values:
    key, left = constant(node.left), flow.value(node.left, scope)
    for op, right in zip(node.ops, node.comparators, strict=True):
        values = flow.value(right, scope)
        if not isinstance(op, ast.Is | ast.IsNot):
            flow.use(left | values, node, scope)
        if isinstance(op, ast.In | ast.NotIn) and key is not None and sections(values):
            member(flow, values, Access(key, "presence", node, scope, written=node.left))
    return NOTHING


# --- loops and comprehensions: over the keys of a section, its values, or both


def _loop(flow: Flow, target: ast.AST, source: ast.AST, scope: Scope) -> None:
    """Bind the loop's names."""
    is_pair = isinstance(target, ast.Tuple | ast.List) and len(target.elts) == 2
    if isinstance(source, ast.Call) and last_name(source) == "enumerate" and source.args and is_pair:
        target, source = target.elts[1], source.args[0]  # type: ignore[attr-defined]  # a pair has elements
    values = flow.value(source, scope)
    found, lists = sections(values), containers(values)
    keys = frozenset(KeysOf(section) for section in found if section.data)
    assign(flow, target, (values - found - set(lists)).union(keys, *[one.everything() for one in lists]), scope)


def _comprehension(flow: Flow, node: Any, scope: Scope) -> Values:
    """A list or dict of what it makes; a dict with the keys of a section is the section as well."""
    for part in node.generators:
        _loop(flow, part.target, part.iter, scope)
        for test in part.ifs:
            flow.use(flow.value(test, scope), test, scope)
    made = flow.thing(node)
    if isinstance(node, ast.DictComp):
        return frozenset({made}) | _keyed(flow, made, node.key, flow.value(node.value, scope), scope)
    flow.put(made.items, "*", flow.value(node.elt, scope))
    return frozenset({made})


def _keyed(flow: Flow, made: Thing, key: ast.AST, values: Values, scope: Scope) -> Values:
    """`{key: value}` for a key that is no literal: the sections whose keys it has."""
    found = looped_sections(flow.value(key, scope))
    if not isinstance(key, ast.Name):
        flow.note(flow.notes.computed, found, RENAMED, key, scope)
    flow.put(made.items, "*", values.difference(found, *[section.each() for section in found]))
    return found


EVALUATORS: Mapping[type, Evaluator] = {
    **dict.fromkeys(DEFINITIONS, _definition),
    **dict.fromkeys((ast.Assign, ast.AnnAssign, ast.NamedExpr), _assign),
    **dict.fromkeys((ast.For, ast.AsyncFor), _for),
    **dict.fromkeys((ast.Return, ast.Yield), _return),
    **dict.fromkeys((ast.Tuple, ast.List, ast.Set), _sequence),
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp), _comprehension),
    **dict.fromkeys((ast.If, ast.While, ast.Match, ast.IfExp), _branch),
    ast.Assert: _assert,
    ast.Raise: _raise,
    ast.AugAssign: _augmented,
    ast.withitem: _with,
    ast.Constant: _constant,
    ast.Name: name,
    ast.Attribute: attribute,
    ast.Subscript: subscript,
    ast.Call: call,
    ast.Dict: _dict,
    ast.Lambda: _lambda,
    ast.BinOp: _binary,
    ast.Compare: _compare,
    ast.JoinedStr: _text,
}
