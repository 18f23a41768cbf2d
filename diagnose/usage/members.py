"""Reading one member of a value: `x.key`, `x["key"]`, `x.get("key")`, `getattr(x, "key")`, `x[computed]`."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass, replace
from typing import Any

from diagnose.usage.arguments import Arguments, call_function
from diagnose.usage.flow import CHOSEN_BY_THE_RUN, AbsentRead, Event, Flow, classes, sections
from diagnose.usage.libraries import names_of
from diagnose.usage.project import Binding
from diagnose.usage.syntax import constant, key_pattern, last_name
from diagnose.usage.values import (
    NOTHING,
    OTHER_FILE,
    Bound,
    Choice,
    Container,
    Instance,
    KeysOf,
    Module,
    Node,
    Outside,
    Scope,
    Text,
    Values,
    Variable,
    outside,
    text_value,
)

MAPPING_METHODS = {"items", "keys", "values", "get", "pop", "update", "copy"}


@dataclass(frozen=True)
class Access:
    """One place that reads a member under a key that is there."""

    key: str | int
    form: str
    """`attribute`, `subscript`, `get`, `getattr`, or `method` where the member is called."""
    node: ast.AST
    scope: Scope
    default: str | None = None
    stores: bool = False
    written: ast.AST | None = None
    """The literal that is the key."""


def member(flow: Flow, base: Values, access: Access) -> Values:
    """What `base.key` may be; in the last round, the reading is noted."""
    key = access.key
    objects = {value.cls for value in base if isinstance(value, Instance)} | set(classes(base))
    base = base.union(*[flow.wrapped(cls) for cls in objects])
    base = base.union(*[value.wraps.get("", NOTHING) for value in base if isinstance(value, Container)])
    if flow.final:
        access = replace(access, default=access.default or _field_default(objects, key))
    hit = any(value.find(key) is not None for value in sections(base))
    explained = any(_explains(value, key) for value in base)
    result = set(NOTHING.union(*[_of_value(flow, value, access) for value in base]))
    if not base and flow.guesses and isinstance(key, str):
        result |= _of_anything(flow, key, called=access.form == "method")
    if flow.final and isinstance(key, str) and not access.stores and not hit and access.form != "method":
        _note_other(flow, key, access, explained=bool(base) and explained)
    if flow.final and access.written is not None and base and (hit or explained):
        flow.notes.followed.add(access.written)
    if key in {"__dict__", "hparams"}:
        result |= {value for value in base if isinstance(value, Node | Container)}
    return frozenset(result)


def _explains(value: Any, key: str | int) -> bool:
    """Whether it is known what this key of the value is."""
    if isinstance(value, Node):
        return value.is_section
    if isinstance(value, Container):
        return key in value.items
    cls = value.cls if isinstance(value, Instance) else value
    if isinstance(cls, Scope) and cls.kind == "class":
        return cls.method(key) is not None or cls.has(key)
    return isinstance(value, Outside | Scope | Bound)


def _of_value(flow: Flow, value: Any, access: Access) -> Values:
    if isinstance(value, Node):
        return _of_section(flow, value, access)
    if isinstance(value, Container):
        return value.at(access.key)
    if value is OTHER_FILE:
        return frozenset({value})
    cls = value.cls if isinstance(value, Instance) else value
    return _of_object(flow, cls, value, access) if isinstance(cls, Scope) and cls.kind == "class" else NOTHING


def _field_default(owners: set[Scope], key: Any) -> str | None:
    """What a data class has as the default of this field, as Python would write it."""
    for node in (node for cls in owners for one in cls.mro for node in one.node.body):
        if isinstance(node, ast.AnnAssign) and last_name(node.target) == key and node.value is not None:
            if not isinstance(node.value, ast.Call):
                return ast.unparse(node.value)
            given = [*node.value.args, *(word.value for word in node.value.keywords if word.arg == "default")]
            return ast.unparse(given[0]) if given else None
    return None


def _note_other(flow: Flow, key: str, access: Access, *, explained: bool) -> None:
    place = flow.place(access.node, access.scope)
    if explained:
        flow.notes.elsewhere.setdefault(key, place)
        flow.notes.settled.add(key)
    elif access.form == "attribute" and key in names_of("tensor_attributes"):
        flow.notes.of_tensors.setdefault(key, f"{access.form} at {place}")
    else:
        flow.notes.unresolved.setdefault(key, f"{access.form} at {place}")


def _of_section(flow: Flow, value: Node, access: Access) -> Values:
    key, added = access.key, value.extra.get(access.key, NOTHING)
    if not value.is_section:
        return added
    child = value.find(key)
    if not access.stores and access.form in {"attribute", "subscript"} and isinstance(key, str):
        (flow.misses if child is None else flow.hits)[value.site].add((value, key))
    if child is not None:
        if flow.final and not access.stores:
            flow.notes.reads[child].add(flow.place(access.node, access.scope))
            flow.notes.by_attribute |= {value} if access.form == "attribute" else set()
        return added | child.followed
    if flow.final and not access.stores and access.form != "method" and isinstance(key, str) and key not in value.extra:
        place = flow.place(access.node, access.scope)
        flow.notes.absent.append(AbsentRead(value, key, access.default, place, access.form))
    return added


def _of_object(flow: Flow, cls: Scope, value: Instance | Scope, access: Access) -> Values:
    key = access.key
    result = set(cls.field_values(key))
    method = cls.method(key)
    if method is not None and method.decorators & {"property", "cached_property"}:
        result |= method.returned.get("", NOTHING)
    elif method is not None:
        result.add(value.bind(method) if isinstance(value, Instance) else Bound(method, value))
    if access.form != "attribute":
        result |= cls.field_values("[]")
    if access.form == "subscript" and isinstance(key, str) and isinstance(value, Instance):
        keys = frozenset({text_value(key, is_file=False)})
        result |= _by_own_method(flow, value, keys, access.node, access.scope)
    fallback = cls.method("__getattr__")
    if fallback is not None and isinstance(key, str):
        held = [one for one in sections(fallback.returned.get("", NOTHING)) if key in one.data]
        result = result.union(*[one.child(key).followed for one in held])
    if key == "module" or (key == "__dict__" and cls.is_wrapper):
        result.add(value)
    return frozenset(result)


def _by_own_method(flow: Flow, value: Instance, keys: Values, node: ast.AST, scope: Scope) -> Values:
    """`value[key]` by the `__getitem__` of its class; a class that wraps a section is it anyway."""
    method = value.cls.method("__getitem__")
    if method is None or value.cls.is_wrapper:
        return method.returned.get("", NOTHING) if method else NOTHING
    return call_function(flow, method, Arguments([frozenset({value}), keys], {}, [], node, scope))


def _of_anything(flow: Flow, key: str, *, called: bool) -> Values:
    """A member of something unknown: what was stored under that name anywhere, or the methods that a call may mean.

    A method of mappings (`items`, `get`) is one of any dict, not of the class that wraps the config.
    """
    result = set(flow.stored_anywhere.get(key, NOTHING))
    for found in flow.project.by_name.get(key, ()) if called else ():
        if found.owner and found.reached and not (key in MAPPING_METHODS and found.owner.is_wrapper):
            result.add(found.owner.instance.bind(found))
    return frozenset(result)


def attribute(flow: Flow, node: ast.Attribute, scope: Scope, form: str = "attribute") -> Values:
    """What `x.name` may be."""
    found = _bound(flow.project.resolve(node, scope), node.attr)
    if found is not None:
        return found
    base = flow.value(node.value, scope)
    return member(flow, base, Access(node.attr, form, node, scope, stores=isinstance(node.ctx, ast.Store)))


def subscript(flow: Flow, node: ast.Subscript, scope: Scope) -> Values:
    """What `x[key]` may be."""
    base = flow.value(node.value, scope)
    if isinstance(node.slice, ast.Slice):
        flow.value(node.slice, scope)
        return base
    key = constant(node.slice)
    if key is not None:
        stores = isinstance(node.ctx, ast.Store)
        return member(flow, base, Access(key, "subscript", node, scope, stores=stores, written=node.slice))
    return by_computed_key(flow, base, node.slice, node, scope)


def by_computed_key(flow: Flow, base: Values, key: ast.AST, node: ast.AST, scope: Scope) -> Values:
    """`base[key]` for a key that is no literal there."""
    keys = flow.value(key, scope)
    result: set[Any] = set()
    for value in base:
        if isinstance(value, Container):
            result |= value.everything()
        elif isinstance(value, Instance):
            result |= value.cls.field_values("[]") | _by_own_method(flow, value, keys, node, scope)
        elif isinstance(value, Node) and value.is_section:
            result |= _of_section_by(flow, value, keys, key, node, scope)
        elif isinstance(value, Node) or value is OTHER_FILE:
            result.add(value)
    return frozenset(result)


def _of_section_by(flow: Flow, value: Node, keys: Values, key: ast.AST, node: ast.AST, scope: Scope) -> Values:
    texts = {one.text for one in keys if isinstance(one, Text)}
    loops = {one.section for one in keys if isinstance(one, KeysOf)}
    result: set[Any] = set()
    for text in texts & set(value.data):
        result |= member(flow, frozenset({value}), Access(text, "subscript", node, scope))
    if value in loops:
        return value.children().union(result)
    if not texts or loops:
        result |= value.children()
        stores = isinstance(getattr(node, "ctx", None), ast.Store)
        if flow.final and not stores and node not in flow.reach.walks and not _is_accessor(node, scope):
            flow.notes.patterns[value].append(key_pattern(key))
            flow.notes.computed.setdefault(value, Event(CHOSEN_BY_THE_RUN, flow.place(node, scope)))
    return frozenset(result)


def _is_accessor(node: Any, scope: Scope) -> bool:
    """`self[key]`, `getattr(self, key)` in a method of a wrapper: what counts are the calls of the method."""
    base = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
        base = node.args[0]
    while isinstance(base, ast.Attribute | ast.Subscript):
        base = base.value
    if not (scope.owner and scope.owner.is_wrapper and scope.positional and isinstance(base, ast.Name | ast.Call)):
        return False
    return last_name(base) in {scope.positional[0], "super"}


def name(flow: Flow, node: ast.Name, scope: Scope) -> Values:
    """What a bare name may be."""
    found = _bound(flow.project.lookup(node.id, scope), node.id)
    if found is not None:
        return found
    world = scope.module.globals.get("", NOTHING)
    if world:
        return member(flow, world, Access(node.id, "get", node, scope))
    return _builtin(node.id)


def _bound(binding: Binding, name: str) -> Values | None:
    """The values behind a binding; None where there is none to be had of it."""
    if isinstance(binding, Choice):
        parts = [_bound(option, name) for option in binding.options]
        return NOTHING.union(*[part for part in parts if part is not None])
    if isinstance(binding, Outside):
        return frozenset({binding})
    if isinstance(binding, Scope | Variable):
        home = binding.scope if isinstance(binding, Variable) else binding.parent or binding
        held = home.field_values(name) if home.kind == "class" else home.variables.get(name, NOTHING)
        return held.union([binding, *binding.alternatives]) if isinstance(binding, Scope) else held
    return NOTHING if isinstance(binding, Module) else None


def _builtin(name: str) -> Values:
    """A function of Python itself; nothing where it has none of this name."""
    return frozenset({outside(f"builtins.{name}")}) if hasattr(builtins, name) else NOTHING
