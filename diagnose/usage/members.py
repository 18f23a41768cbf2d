"""Reading one member of a value: `x.key`, `x["key"]`, `x.get("key")`, `getattr(x, "key")`, `x[computed]`."""

from __future__ import annotations

import ast
import builtins
import re
from dataclasses import dataclass, replace
from typing import Any

from diagnose.usage.binding import Arguments, call_defined
from diagnose.usage.flow import SAVED, AbsentRead, Flow
from diagnose.usage.libraries import names_of
from diagnose.usage.project import Bindings
from diagnose.usage.syntax import constant, key_pattern, last_name
from diagnose.usage.values import (
    ITSELF,
    NOTHING,
    Bound,
    Each,
    Module,
    Node,
    Outside,
    Scope,
    Thing,
    Values,
    Variable,
    any_values,
    chosen_values,
    looped_sections,
    sections,
    texts,
    things,
)

READERS = {"__getitem__", "__getattr__", "__getattribute__"}


@dataclass(frozen=True)
class Access:
    """One place that reads a member under a key that is there."""

    key: str | int
    form: str
    """`attribute`, `subscript`, `get`, `getattr`, `method` where it is called, `presence` where `in` asks for it."""
    node: ast.AST
    scope: Scope
    default: str | None = None
    stores: bool = False
    written: ast.AST | None = None
    """The literal that is the key."""


def member(flow: Flow, base: Values, access: Access) -> Values:
    """What `base.key` may be; in the last round, the reading is noted."""
    key = access.key
    base = base.union(*[flow.wrapped(thing) for thing in things(base)])
    result = NOTHING.union(*[_of_value(flow, value, access, base) for value in base])
    if not base - {SAVED}:  # of something unknown: what was stored under that name anywhere
        result |= flow.stored_anywhere.get(str(key), NOTHING)
    if flow.final and isinstance(key, str) and not access.stores:
        _note_reading(flow, base, key, access)
    each = any_values(base)
    if access.form == "subscript" and isinstance(key, int):
        result |= each
    elif access.form in {"attribute", "method"} and key not in names_of("passers"):
        flow.use(each, access.node, access.scope)
    elif access.form != "presence":  # of a section; in a loop, it is followed by itself
        flow.use(chosen_values(each), access.node, access.scope)
    if key in {"__dict__", "hparams"}:
        result |= {value for value in base if isinstance(value, Node | Thing)}
    elif isinstance(key, str) and key.startswith("_") and access.form == "attribute":  # a library's: its own data
        result |= sections(base)
    return result


def _note_reading(flow: Flow, base: Values, key: str, access: Access) -> None:
    """Whether it is known what this key is read from, if it is none of the config."""
    place = flow.place(access.node, access.scope)
    hit = any(value.find(key) is not None for value in sections(base))
    explained = any(_explains(value, key) for value in base - ({SAVED} if flow.saves_config else NOTHING))
    if access.written is not None and (hit or explained):
        flow.notes.followed.add(access.written)
    if hit or access.form == "method":
        return
    if explained:
        flow.notes.elsewhere.setdefault(key, place)
    elif access.form != "attribute" or key not in names_of("tensor_attributes"):  # `x.device` is a tensor's
        flow.notes.unresolved.setdefault(key, place)


def _explains(value: Any, key: str) -> bool:
    if isinstance(value, Node):
        return True
    if isinstance(value, Thing) or (isinstance(value, Scope) and value.kind == "class"):
        return any(thing.has(key) for thing in things([value]))
    return isinstance(value, Scope | Bound) or (isinstance(value, Outside) and not value.name.endswith(".config"))


def _of_value(flow: Flow, value: Any, access: Access, base: Values) -> Values:
    if isinstance(value, Node):
        return _of_section(flow, value, access, base)
    if value == SAVED:
        return frozenset({SAVED})
    if isinstance(value, Module):  # `{"small": pack.small}[name].build`
        return _bound(flow, flow.project.attribute(value, str(access.key)), access.node, access.scope)
    if isinstance(value, Outside) and value.name.endswith("FLAGS") and access.key in flow.flags:
        return flow.given
    for thing in things([value]):
        return _of_object(flow, thing, value, access) if thing.cls else thing.at(access.key) | thing.at("*")
    return NOTHING


def _of_section(flow: Flow, value: Node, access: Access, base: Values) -> Values:
    key, added = access.key, value.items.get(access.key, NOTHING)
    if not isinstance(key, str):
        return added
    child = value.find(key)
    if not access.stores:
        _note_section(flow, value, child, key, access, base)
    if child is None and not added and access.form in {"attribute", "subscript"}:
        return flow.of_other_files(value, key)
    return added if child is None else added | child.followed


def _note_section(flow: Flow, value: Node, child: Node | None, key: str, access: Access, base: Values) -> None:
    if child is not None:
        flow.hits[value.site].add((value, key))
    elif access.form in {"attribute", "subscript"}:
        flow.misses[value.site].add((value, key))
    if not flow.final:
        return
    place = flow.place(access.node, access.scope)
    if child is not None:
        flow.notes.reads[child].add(place)
        flow.notes.by_attribute |= {value} if access.form == "attribute" else set()
    elif access.form not in {"method", "presence"} and key not in value.items:
        default = access.default or _field_default(base, key)
        flow.notes.absent.append(AbsentRead(value, key, default, place, access.form == "attribute"))


def _field_default(owners: Values, key: str) -> str | None:
    """What a data class has as the default of this field, as Python would write it."""
    classes = (part.cls for owner in things(owners) for part in owner.parts if part.cls)
    for node in (node for cls in classes for node in cls.body):
        if isinstance(node, ast.AnnAssign) and last_name(node.target) == key and node.value is not None:
            if not isinstance(node.value, ast.Call):
                return ast.unparse(node.value)
            given = [*node.value.args, *(word.value for word in node.value.keywords if word.arg == "default")]
            return ast.unparse(given[0]) if given else None
    return None


def _of_object(flow: Flow, thing: Thing, value: Thing | Scope, access: Access) -> Values:
    key, cls = access.key, thing.cls
    assert cls is not None
    result = thing.at(key)
    method = cls.method(key)
    if method is not None:
        is_property = method.decorators & {"property", "cached_property"}
        result |= method.returned if is_property else frozenset({Bound(method, value)})
    if access.form != "attribute":
        result |= thing.at("*")
    if access.form == "subscript" and isinstance(key, str):
        result |= _by_own_method(flow, thing, frozenset({key}), access.node, access.scope)
    elif access.form in {"attribute", "getattr"} and not access.stores and not thing.has(key):
        result |= _by_own_method(flow, thing, frozenset({key}), access.node, access.scope, "__getattr__")
    return result


def _by_own_method(
    flow: Flow, thing: Thing, keys: Values, node: ast.AST, scope: Scope, name: str = "__getitem__"
) -> Values:
    """`thing[key]` by the `__getitem__` of its class; an object that stands for a section is it anyway."""
    method = thing.cls.method(name) if thing.cls and not flow.wrapped(thing) else None
    given = Arguments([keys], {}, [], node, scope)
    return call_value(flow, Bound(method, thing), given) if method else NOTHING


def call_value(flow: Flow, value: Any, given: Arguments) -> Values:
    """What a call of something defined gives back; of one that only looks up a key, what is under this key."""
    function = value.method if isinstance(value, Bound) else value
    looked_up = function.looks_up if isinstance(function, Scope) and function.reached else None
    if looked_up is None:
        return call_defined(flow, value, given)
    held, name, form = looked_up
    parameters = function.positional[bool(function.first) :]
    bound = dict(zip(parameters, given.args, strict=False)) | given.keywords
    key = next(iter(bound.pop(name, NOTHING)), None)
    owner = function.owner or function
    if not isinstance(key, str) or key not in {getattr(given.node, "attr", None), *map(constant, ast.walk(given.node))}:
        flow.looked_up[owner] = True
        return call_defined(flow, value, given)
    flow.looked_up.setdefault(owner, False)
    if (function, key) in flow.asked:  # an object that may hold itself
        return NOTHING
    flow.asked.add((function, key))
    call_defined(flow, value, replace(given, args=[], keywords=bound))
    mine = bound.get(last_name(held), NOTHING) if isinstance(held, ast.Name) else NOTHING
    found = member(flow, mine or flow.value(held, function), Access(key, form, given.node, given.scope))
    flow.asked.discard((function, key))
    return found


def attribute(flow: Flow, node: ast.Attribute, scope: Scope, form: str = "attribute") -> Values:
    """What `x.name` may be."""
    found = flow.project.resolve(node, scope)
    if found:
        return _bound(flow, found, node, scope)
    if is_super(node, scope) and scope.owner:
        methods = [one.names.get(node.attr) for one in scope.owner.mro[1:]]
        return frozenset({Bound(method, scope.owner.instance) for method in methods if method})
    base = flow.value(node.value, scope)
    return member(flow, base, Access(node.attr, form, node, scope, stores=_stores(flow, node)))


def _stores(flow: Flow, node: ast.AST) -> bool:
    """Whether a member is assigned, or one of it: `cfg.model.width = 3` takes nothing of `cfg.model`."""
    return isinstance(getattr(node, "ctx", None), ast.Store) or node in flow.written


def is_super(node: ast.Attribute, scope: Scope) -> bool:
    """`super().name` in a method."""
    return isinstance(node.value, ast.Call) and last_name(node.value) == "super" and scope.owner is not None


def subscript(flow: Flow, node: ast.Subscript, scope: Scope) -> Values:
    """What `x[key]` may be."""
    base = flow.value(node.value, scope)
    if isinstance(node.slice, ast.Slice):
        flow.use(flow.value(node.slice, scope), node, scope)
        return base
    base -= sections(base) if isinstance(node.slice, ast.Tuple | ast.UnaryOp) else NOTHING  # of an array, a list
    key = constant(node.slice)
    if key is not None:
        stores = _stores(flow, node)
        found = member(flow, base, Access(key, "subscript", node, scope, stores=stores, written=node.slice))
        return found | texts(base) if isinstance(key, int) else found
    found = by_computed_key(flow, base, node.slice, node, scope)
    return found | texts(base) if isinstance(node.slice, ast.UnaryOp) else found  # `path.split(".")[-1]`


def by_computed_key(flow: Flow, base: Values, key: ast.AST, node: ast.AST, scope: Scope) -> Values:
    """`base[key]` for a key that is no literal there."""
    keys = flow.use(flow.value(key, scope), node, scope)
    result = chosen_values(base)
    for section in sections(base):
        result |= _of_section_by(flow, section, keys, key, node, scope)
    for thing in [value for value in base if isinstance(value, Thing)]:
        result |= thing.at("*") if thing.cls else thing.everything()
        result |= _by_own_method(flow, thing, keys, node, scope)
        reader = thing.cls.method("__getattr__") if thing.cls else None
        held = flow.value(reader.looks_up[0], reader) if reader and reader.looks_up else NOTHING
        for section in sections(held):  # that its attributes are asked of
            result |= _of_section_by(flow, section, keys, key, node, scope)
    return result


def _of_section_by(flow: Flow, value: Node, keys: Values, key: ast.AST, node: ast.AST, scope: Scope) -> Values:
    texts = {one for one in keys if isinstance(one, str)}
    loops = looped_sections(keys)
    flow.open(frozenset({value}))
    same = any(one.path == value.path for one in loops)  # of this load, or of another one of the same file
    found = [Access(text, "subscript", node, scope) for text in texts if value.find(text) is not None]
    result = NOTHING.union(*[member(flow, frozenset({value}), access) for access in found])
    if same:
        return result | value.each()
    if not flow.settled or (len(texts) > 1 and not loops):  # a loop over names that the source lists
        return result
    own = rf"(getattr\()?{scope.first}(\.\w+)*[\[(,][^\[(]*"  # `self[key]`, `self.a.get(key)`, `getattr(self, key)`
    if scope.name in READERS and scope.keeps and re.fullmatch(own, ast.unparse(node)):  # whoever calls it reads
        return result | value.children()
    if flow.final:
        flow.notes.patterns[value].append(key_pattern(key))
    return result | value.children() | {Each(value, chosen=True)}


def name(flow: Flow, node: ast.Name, scope: Scope) -> Values:
    """What a bare name may be."""
    found = flow.project.lookup(node.id, scope)
    world = scope.module.scope.variables.get(ITSELF, NOTHING)
    is_global = all(isinstance(one, Variable) and one.scope.kind == "module" for one in found)
    if world and is_global and (not found or any(value.find(node.id) for value in sections(world))):
        return _bound(flow, found, node, scope) | member(flow, world, Access(node.id, "get", node, scope))
    if found:
        return _bound(flow, found, node, scope)
    return frozenset({Outside(f"builtins.{node.id}")}) if hasattr(builtins, node.id) else NOTHING


def _bound(flow: Flow, bindings: Bindings, node: ast.AST, scope: Scope) -> Values:
    """The values behind the bindings of a name."""
    found: set[Any] = {one for one in bindings if isinstance(one, Outside | Module)}
    for one in bindings:
        if isinstance(one, Scope | Variable):
            home = one.scope if isinstance(one, Variable) else one.parent or one
            found |= home.instance.at(one.name) if home.kind == "class" else home.variables.get(one.name, NOTHING)
            found |= {one, *one.alternatives} if isinstance(one, Scope) else NOTHING
    return frozenset(found) | _of_own_module(flow, bindings, node, scope)


def _of_own_module(flow: Flow, bindings: Bindings, node: ast.AST, scope: Scope) -> Values:
    """What the config has under a name that its own module or a class there binds; all of it for the module itself."""
    own = flow.own
    if own is None:
        return NOTHING
    found = {own for one in bindings if isinstance(one, Module) and one.tree is own.site}
    for one in bindings:
        if isinstance(one, Variable):
            home = flow.own_section(one.scope)
            if home is not None and home.find(one.name):
                access = Access(one.name, "attribute", node, scope, stores=_stores(flow, node))
                found |= member(flow, frozenset({home}), access)
    return frozenset(found)
