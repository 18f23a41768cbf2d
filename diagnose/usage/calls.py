"""Calls: of mappings' own methods, of `getattr` and its like, of the project's functions, of libraries."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from typing import Any

from diagnose.usage.binding import RENAMED, Arguments, also_assign, kept, store
from diagnose.usage.flow import SAVED, Flow
from diagnose.usage.libraries import names_of
from diagnose.usage.library import call_library
from diagnose.usage.members import READERS, Access, attribute, by_computed_key, call_value, is_super, member
from diagnose.usage.syntax import constant, last_name
from diagnose.usage.values import (
    ITSELF,
    NOTHING,
    Bound,
    KeysOf,
    Named,
    Node,
    Outside,
    Scope,
    Thing,
    Values,
    chosen_values,
    containers,
    is_object,
    looped_sections,
    sections,
    texts,
    things,
    with_contents,
)

GETTERS = {"get", "pop", "setdefault", *READERS}
MERGERS = {"update", "merge_with", "merge", "set_defaults"}
ADDERS = {"append", "put", "extend", "add", "insert", "appendleft"}
VIEWS = {"items", "values", "popitem"}
COPIES = {"keys", "copy", "to_dict", "toDict", "as_dict"}
TYPE_ARGUMENTS = 3
STAR_ARGUMENTS = 4  # parameters that `f(*values)` may reach


def call(flow: Flow, node: ast.Call, scope: Scope) -> Values:
    """What a call gives back."""
    given = _given(flow, node, scope)
    name = last_name(node.func) if not isinstance(node.func, ast.Call) else ""
    receiver: Values = NOTHING
    if isinstance(node.func, ast.Attribute):
        if not is_super(node.func, scope) and not flow.project.resolve(node.func, scope):
            receiver = flow.value(node.func.value, scope)
            found = _mapping_method(flow, name, receiver, given, node)
            if found is not None:
                return found
            if name in {"__setattr__", "__setitem__"} and len(node.args) >= 2:  # of `self`, or of `object` for it
                _set_by_name(flow, [node.func.value, *node.args][-3:], [receiver, *given.args][-3:], given)
        called = attribute(flow, node.func, scope, "method")
        if not called:
            owners = [scope.owner] if is_super(node.func, scope) else [one.cls for one in filter(is_object, receiver)]
            _to_base(flow, filter(None, owners), name, given)
    elif name in {"getattr", "hasattr", "setattr"} and len(node.args) >= 2:
        return _by_name(flow, name, node, given)
    elif name == "vars" and given.args:
        return given.args[0]
    elif name == "type" and len(given.args) == TYPE_ARGUMENTS:  # a class with the keys as attributes
        flow.wrap([flow.thing(node)], sections(given.args[-1]))
        return frozenset({flow.thing(node)})
    else:
        called = flow.value(node.func, scope)
        if isinstance(node.func, ast.Call):
            called |= frozenset(flow.project.evaluated(node.func, scope))
    return call_values(flow, called, given, name, receiver)


def _to_base(flow: Flow, classes: Iterable[Scope], name: str, given: Arguments) -> None:
    """`super().__init__(config)`, `brain.fit(**sections)`: a method that a class has of a base in no file here."""
    keeps = name in names_of("keepers") or name.startswith("save")
    held = NOTHING if keeps else sections(NOTHING.union(*given.args, *given.keywords.values()))
    for cls in classes:
        bases = [base for one in cls.mro for base in (one.strange_bases or one.outer_bases)]
        strange = any(one.strange_bases for one in cls.mro)
        if cls.is_wrapper:
            flow.wrap([cls.instance], sections(given.everything) if name == "__init__" else NOTHING)
        elif bases:
            given_there = frozenset(one for one in held if one.path or strange)  # a known library looks up no own keys
            flow.escape(given_there, f"handed to {bases[0]}", given.node, given.scope)


def _given(flow: Flow, node: ast.Call, scope: Scope) -> Arguments:
    args: list[Values] = []
    for one in node.args:
        if not isinstance(one, ast.Starred):
            args.append(flow.value(one, scope))
            continue
        values = flow.value(one.value, scope)
        flow.consume(values, "unpacked", node, scope)
        args += _unpacked(values)
    named = {word.arg: flow.value(word.value, scope) for word in node.keywords if word.arg}
    packs = [flow.value(word.value, scope) for word in node.keywords if not word.arg]
    flow.use(chosen_values(NOTHING.union(*packs)), node, scope)
    return Arguments(args, named, packs, node, scope)


def _unpacked(values: Values) -> list[Values]:
    """The arguments that `*values` makes, each by its position where that is known."""
    lists = containers(values)
    count = max([STAR_ARGUMENTS, *(key + 1 for one in lists for key in one.items if isinstance(key, int))])
    rest = values - set(lists) - sections(values)  # a mapping gives its keys
    return [rest.union(*[one.at(index) | one.at("*") for one in lists]) for index in range(count)]


def call_values(flow: Flow, called: Values, given: Arguments, name: str, receiver: Values = NOTHING) -> Values:
    """What a call of any of these gives back; of something outside where nothing is known of what is called."""
    result: Values = frozenset(one for one in containers(called) if flow.wrapped(one))  # a class that `type` made
    outside = [value for value in called if isinstance(value, Outside | Node)]
    defined = [(value, given) for value in called if isinstance(value, Scope | Bound) or is_object(value)]
    unknown = [given] if outside else []
    texts_called = [value.text for value in called if isinstance(value, Named)]
    is_name = not called and not isinstance(getattr(given.node, "func", None), ast.Attribute)
    for text in [*texts_called, *([None] if is_name else [])]:
        near = given.beside(text, texts_called) if text else given
        named = [one for one in flow.named(text) if _takes(one, near)] if text else []
        named = named or [one for one in flow.project.plugged_in if sections(near.everything)]
        defined += [(one, near) for one in named]
        unknown += [] if named else [near]
    for value, near in defined:
        result |= call_value(flow, value, near)
    what = next((value for value in outside if isinstance(value, Outside)), None)
    unknown = unknown or ([] if defined else [given])
    return result.union(*[call_library(flow, what, name, receiver, near) for near in unknown])


def _takes(function: Scope, given: Arguments) -> bool:
    """Whether a function has a parameter for each key that is unpacked for it, but for that of its own name."""
    method = function.method("__init__") if function.kind == "class" else function
    packs = (section.data for section in sections(NOTHING.union(*given.packs)))
    keys = {key for data in packs for key, value in data.items() if value != function.name}
    return method is not None and (method.double_star is not None or keys <= method.parameters)


# --- methods of mappings and lists


def _mapping_method(flow: Flow, name: str, receiver: Values, given: Arguments, node: ast.Call) -> Values | None:
    """A method that every mapping or list has, where the receiver may be one; None: it is another call."""
    updates = name in MERGERS and isinstance(node.func, ast.Attribute) and _object_of_dict(node.func.value)
    if not updates and name not in READERS and any(value.cls.method(name) for value in filter(is_object, receiver)):
        return None
    lists = containers(receiver)
    held = sections(receiver) | set(lists)
    if name in GETTERS and node.args and (held or SAVED in receiver):
        return _get(flow, receiver, given, node)
    if name in VIEWS | COPIES and held:
        return _view(flow, name, held, node) if name in VIEWS else held
    if name in MERGERS | ADDERS:
        return _merge(flow, name, receiver, given, node)
    return None


def _view(flow: Flow, name: str, receiver: Values, node: ast.AST) -> Values:
    """`x.values()`, `x.items()`, `x.popitem()`: a list of what is in a mapping, a list of pairs, a pair."""
    listed, pair, found = flow.thing(node), flow.thing((node, "pair")), sections(receiver)
    content = NOTHING.union(*[one.each() for one in found], *[one.everything() for one in containers(receiver)])
    flow.open(found)
    flow.put(pair.items, 0, frozenset(KeysOf(section) for section in found if section.data))
    flow.put(pair.items, 1, content)
    flow.put(listed.items, "*", content if name == "values" else frozenset({pair}))
    return frozenset({pair if name == "popitem" else listed})


def _object_of_dict(node: ast.AST) -> ast.AST | None:
    """`x` of `x.__dict__` and of `vars(x)`."""
    if isinstance(node, ast.Attribute) and node.attr == "__dict__":
        return node.value
    return node.args[0] if isinstance(node, ast.Call) and last_name(node) == "vars" and node.args else None


def _get(flow: Flow, receiver: Values, given: Arguments, node: ast.Call) -> Values:
    key, fallback = constant(node.args[0]), NOTHING.union(*given.args[1:])
    if key is None:
        return fallback | by_computed_key(flow, receiver, node.args[0], node, given.scope)
    default = ast.unparse(node.args[1]) if len(node.args) > 1 else "None"
    form = "get" if len(node.args) > 1 or last_name(node) != "pop" else "subscript"
    return fallback | member(flow, receiver, Access(key, form, node, given.scope, default, written=node.args[0]))


def _merge(flow: Flow, name: str, receiver: Values, given: Arguments, node: Any) -> Values | None:
    """`x.update(y)`, `x.append(y)`: x is y as well, or holds it."""
    added = given.everything | looped_sections(with_contents(given.everything))
    lists = frozenset(containers(receiver))
    merged = [given.keywords, *(part.items for part in containers(added))]
    for key, values in [("*", added)] if name in ADDERS else [pair for items in merged for pair in items.items()]:
        store(flow, lists, key, values)
    if name in MERGERS:
        flow.wrap(things(receiver), sections(added))
    else:
        flow.wrap(filter(is_object, receiver), sections(added))
    target = node.func.value
    if added and (name in MERGERS or not receiver):
        target = _object_of_dict(target) or target
        if isinstance(target, ast.Call) and last_name(target) in {"globals", "locals"}:
            flow.put(given.scope.module.scope.variables, ITSELF, sections(added))
        also_assign(flow, target, kept(added), given.scope)
    return NOTHING if receiver else None


# --- getattr, setattr, hasattr


def _by_name(flow: Flow, name: str, node: ast.Call, given: Arguments) -> Values:
    key, base = constant(node.args[1]), given.args[0]
    fallback = NOTHING.union(*given.args[2:])
    if name == "setattr":
        _set_by_name(flow, node.args, given.args, given)
        return NOTHING
    if key is None:
        of_module = name == "getattr" and not any(isinstance(value, Node | Thing | Scope | Outside) for value in base)
        fallback |= {Named(text) for text in texts(given.args[1])} if of_module else NOTHING
        return fallback | by_computed_key(flow, base, node.args[1], node, given.scope)
    default = ast.unparse(node.args[2]) if len(node.args) > 2 else None
    form = "getattr" if name == "getattr" else "presence"
    found = member(flow, base, Access(key, form, node, given.scope, default, written=node.args[1]))
    return fallback | found if name == "getattr" else NOTHING


def _set_by_name(flow: Flow, nodes: Sequence[ast.AST], values: Sequence[Values], given: Arguments) -> None:
    """`setattr(object, key, value)`: the nodes and the values of these three."""
    key = constant(nodes[1])
    if key is not None:
        store(flow, values[0], key, NOTHING.union(*values[2:]))
        return
    looped = looped_sections(values[1])
    if not isinstance(nodes[1], ast.Name):
        flow.note(flow.notes.computed, looped, RENAMED, given.node, given.scope)
    flow.wrap(things(values[0]), looped)
    also_assign(flow, nodes[0], looped, given.scope)
