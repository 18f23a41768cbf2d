"""Loops and comprehensions: over the keys of a section, its values, or both."""

from __future__ import annotations

import ast
from typing import Any

from diagnose.usage.binding import RENAMED, assign
from diagnose.usage.flow import Flow
from diagnose.usage.syntax import is_pair, last_name
from diagnose.usage.values import NOTHING, KeysOf, Scope, Thing, Values, containers, looped_sections, sections


def loop(flow: Flow, target: ast.AST, source: ast.AST, scope: Scope) -> None:
    """Bind the loop's names."""
    if isinstance(source, ast.Call) and last_name(source) == "enumerate" and source.args and is_pair(target):
        target, source = target.elts[1], source.args[0]  # type: ignore[attr-defined]  # a pair has elements
    values = flow.value(source, scope)
    found, lists = sections(values), containers(values)
    keys = frozenset(KeysOf(section) for section in found if section.data)
    assign(flow, target, (values - found - set(lists)).union(keys, *[one.everything() for one in lists]), scope)


def view(flow: Flow, name: str, receiver: Values, node: ast.AST) -> Values:
    """`x.values()`, `x.items()`, `x.popitem()`: a list of what is in a mapping, a list of pairs, a pair."""
    listed, pair, found = flow.thing(node), flow.thing((node, "pair")), sections(receiver)
    content = NOTHING.union(*[one.each() for one in found], *[one.everything() for one in containers(receiver)])
    flow.put(pair.items, 0, frozenset(KeysOf(section) for section in found if section.data))
    flow.put(pair.items, 1, content)
    flow.put(listed.items, "*", content if name == "values" else frozenset({pair}))
    return frozenset({pair if name == "popitem" else listed})


def comprehension(flow: Flow, node: Any, scope: Scope) -> Values:
    """A list or dict of what it makes; a dict with the keys of a section is the section as well."""
    for part in node.generators:
        loop(flow, part.target, part.iter, scope)
        for test in part.ifs:
            flow.use(flow.value(test, scope), test, scope)
    made = flow.thing(node)
    if isinstance(node, ast.DictComp):
        return frozenset({made}) | keyed(flow, made, node.key, flow.value(node.value, scope), scope)
    flow.put(made.items, "*", flow.value(node.elt, scope))
    return frozenset({made})


def keyed(flow: Flow, made: Thing, key: ast.AST, values: Values, scope: Scope) -> Values:
    """`{key: value}` for a key that is no literal: the sections whose keys it has."""
    found = looped_sections(flow.value(key, scope))
    if not isinstance(key, ast.Name):
        flow.note(flow.notes.computed, found, RENAMED, key, scope)
    flow.put(made.items, "*", values.difference(*[section.each() for section in found]))
    return found
