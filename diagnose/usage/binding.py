"""Binding names, attributes, items, parameters and the fields of classes to values."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import Any

from diagnose.usage.flow import Flow
from diagnose.usage.libraries import names_of
from diagnose.usage.syntax import constant, last_name
from diagnose.usage.values import (
    NOTHING,
    Bound,
    Module,
    Node,
    Scope,
    Text,
    Thing,
    Values,
    any_values,
    containers,
    is_object,
    looped_sections,
    sections,
    things,
)

RENAMED = "a loop stores it under computed keys"
TAKES_ANY_KEYWORD = {"dict", "update", "set_defaults", "create", "partial", "init", "type", "Series"}


# --- assignments


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
    if any(one.cls.is_record and not one.cls.decorators for one in filter(is_object, values)):  # not a data class
        flow.consume(values, "unpacked", target, scope)
    lists = containers(values)
    for index, one in enumerate(target.elts):
        parts = NOTHING.union(*[listed.at(index) | listed.at("*") for listed in lists])
        assign(flow, one, (values - set(lists)) | parts, scope)


def _assign_attribute(flow: Flow, target: ast.Attribute, values: Values, scope: Scope) -> None:
    bases = _written(flow, target, scope)
    if target.attr == "__dict__":
        also_assign(flow, target.value, sections(values), scope)
        flow.wrap(things(bases), sections(values))
    store(flow, bases, target.attr, values)
    for found in flow.project.resolve(target.value, scope):
        if isinstance(found, Module):
            flow.put(found.scope.variables, target.attr, values)
    flow.put(flow.stored_anywhere, target.attr, kept(values))


def _assign_item(flow: Flow, target: ast.Subscript, values: Values, scope: Scope) -> None:
    key = constant(target.slice)
    bases = _written(flow, target, scope)
    looped = looped_sections(flow.use(flow.value(target.slice, scope), target, scope))
    if looped and key is None:
        flow.wrap(things(bases), looped)
        also_assign(flow, target.value, looped, scope)
        values -= looped.union(*[section.each() for section in looped])
        if not isinstance(target.slice, ast.Name):
            flow.note(flow.notes.computed, looped, RENAMED, target, scope)
    store(flow, bases, "*" if key is None else key, values)
    if isinstance(key, str) and not bases:
        flow.put(flow.stored_anywhere, key, sections(values))


def _written(flow: Flow, target: ast.Attribute | ast.Subscript, scope: Scope) -> Values:
    """What a member is assigned of: that reads nothing."""
    flow.written.add(target.value)
    return flow.value(target.value, scope)


def store(flow: Flow, bases: Values, key: Any, values: Values) -> None:
    """`base.key = values`, `base[key] = values`; under `*` where the key is not known."""
    flow.open(NOTHING if things(bases) else values)  # of something not followed
    for holder in [*things(bases), *sections(bases)]:
        flow.put(holder.items, key, values)


def also_assign(flow: Flow, target: ast.AST, values: Values, scope: Scope) -> None:
    """Let a name, or the class that it is bound to, also be `values`."""
    if isinstance(target, ast.Name | ast.Attribute) and values:
        found = [one for one in flow.project.resolve(target, scope) if isinstance(one, Scope)]
        if any(one.kind == "class" for one in found):
            flow.wrap(things(found), sections(values))
        else:
            assign(flow, target, values, scope)


def kept(values: Values) -> Values:
    """The values that may be, or may hold, a section."""
    return frozenset(value for value in values if isinstance(value, Node | Thing))


# --- calls of what the project defines


@dataclass(frozen=True)
class Arguments:
    """The arguments of one call, and where it is."""

    args: list[Values]
    keywords: dict[str, Values]
    packs: list[Values]
    """What is unpacked by `**`."""
    node: ast.AST
    scope: Scope
    everything: Values = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "everything", NOTHING.union(*self.args, *self.keywords.values(), *self.packs))

    def beside(self, text: Text, all_texts: list[Text]) -> Arguments:
        """The same for what one of several texts of the config names: without the sections that are for the others."""
        others = [one.section for one in all_texts if one.section != text.section[: len(one.section)]]
        keywords = {name: _without(values, others) for name, values in self.keywords.items()}
        args, packs = ([_without(values, others) for values in listed] for listed in (self.args, self.packs))
        return replace(self, args=args, keywords=keywords, packs=packs)

    def after(self, first: Any) -> Arguments:
        """The same with a further argument in front."""
        return replace(self, args=[frozenset({first}), *self.args])


def _without(values: Values, others: list[tuple[str, ...]]) -> Values:
    return values - {one for one in sections(values) if any(one.path[: len(its)] == its for its in others)}


def call_defined(flow: Flow, value: Any, given: Arguments) -> Values:
    """What a call of a function, method, class or object of the project gives back."""
    if isinstance(value, Bound):
        cls = value.owner.cls if isinstance(value.owner, Thing) else value.owner
        takes = cls if value.method.is_classmethod else value.owner
        return call_function(flow, value.method, given.after(takes) if value.method.first else given)
    if isinstance(value, Scope) and value.kind == "class":
        return construct(flow, value, given)
    if isinstance(value, Scope):
        return call_function(flow, value, given.after(value.owner) if value.is_classmethod else given)
    if isinstance(value, Thing) and value.cls:
        hooks = [value.cls.method(hook) for hook in ("__call__", "forward")]
        return NOTHING.union(*[call_function(flow, hook, given.after(value)) for hook in hooks if hook])
    return NOTHING


def call_function(flow: Flow, func: Scope, given: Arguments) -> Values:
    """Bind the arguments to the parameters; what the function gives back."""
    if not func.reached:
        return NOTHING
    each = any_values(given.everything) if func.keeps else NOTHING
    for index, values in enumerate(given.args):
        if index < len(func.positional):
            flow.put(func.variables, func.positional[index], values - each)
        else:
            _put_among(flow, func, func.star, index - len(func.positional), values)
    for word, values in given.keywords.items():
        if word in func.parameters:
            flow.put(func.variables, word, values - each)
        else:
            _put_among(flow, func, func.double_star, word, values)
    for pack in given.packs:
        _unpack_into(flow, func, pack)
    if not func.is_walker:
        return func.returned - any_values(func.returned) if func.keeps else func.returned
    _fill(flow, func, given)
    entered = sections(NOTHING.union(*[func.variables.get(name, NOTHING) for name in func.parameters]))
    made = set(containers(func.returned)) if entered else NOTHING
    return sections(NOTHING.union(*given.args, *given.keywords.values())) | each | (func.returned - entered - made)


def _fill(flow: Flow, func: Scope, given: Arguments) -> None:
    """`deep_update(defaults, config)`: what a walk puts its items into is the config, too."""
    nodes = given.node.args if isinstance(given.node, ast.Call) else []
    items = [node for node in ast.walk(func.node) if isinstance(node, ast.Subscript)]
    filled = {last_name(item.value) for item in items if isinstance(item.ctx, ast.Store)}
    for name, node in zip(func.positional[bool(func.first) :], nodes, strict=False):
        if name in filled:
            also_assign(flow, node, sections(given.everything), given.scope)


def _put_among(flow: Flow, func: Scope, name: str | None, key: str | int, values: Values) -> None:
    """Further arguments go into the list, or the dict, of the others, where the function takes them."""
    if name:
        others = flow.thing((func, name))
        flow.put(others.items, key, values)
        flow.put(func.variables, name, frozenset({others}))


def _unpack_into(flow: Flow, func: Scope, pack: Values) -> None:
    """`func(**pack)`."""
    for section in sections(pack):
        for key in func.parameters & section.data.keys():
            child = section.find(key)
            assert child is not None
            flow.put(func.variables, key, child.followed)
            if flow.final and flow.reach.uses(func, key):
                flow.notes.reads[child].add(flow.place(func.node, func))
    for container in containers(pack):
        for key in func.parameters & container.items.keys():
            flow.put(func.variables, key, container.items[key])
    if func.double_star:
        rest = frozenset(flow.rest_of(section, func) for section in sections(pack))
        flow.put(func.variables, func.double_star, rest | frozenset(containers(pack)))


def construct(flow: Flow, cls: Scope, given: Arguments) -> Values:
    """An object of the class; one that wraps a section is the section as well."""
    method = cls.method("__init__") or cls.method("__new__")
    if method is not None:
        call_function(flow, method, given.after(cls.instance))
    by_field = method is None and not any("TypedDict" in one.outer_bases for one in cls.mro)
    for name, values in (
        (dict(zip(cls.annotated, given.args, strict=False)) | given.keywords).items() if by_field else ()
    ):
        flow.put(cls.instance.items, name, values)
    held = sections(NOTHING.union(*given.packs) if cls.is_record and by_field else given.everything)
    result = frozenset({cls.instance}) | (NOTHING if held else flow.wrapped(cls.instance))
    if held and cls.is_wrapper:
        result |= held
        flow.wrap([cls.instance], held)
    if cls.is_record:
        bind_fields(flow, cls, held)
    if method is None and cls.outer_bases and not cls.is_wrapper:
        note_unpacked(flow, f"{cls.name}({cls.outer_bases[0]})", given)
    return result


def bind_fields(flow: Flow, cls: Scope, held: Values, seen: frozenset[Scope] = frozenset()) -> None:
    """Sections go to the fields of a data class, and to the classes that these are annotated with."""
    if not held or cls in seen:
        return
    flow.wrap([cls.instance], held)
    flow.notes.declared.update(cls.annotated)
    for node, home in ((node, one) for one in cls.mro for node in one.body):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found = [value.find(node.target.id) for value in sections(held)]
            parts = frozenset(part for part in found if part is not None and part.is_section)
            for name in ast.walk(node.annotation) if parts else ():
                for inner in flow.project.resolve(name, home):
                    if isinstance(inner, Scope) and inner.kind == "class":
                        bind_fields(flow, inner, parts, seen | {cls})


def note_unpacked(flow: Flow, what: str, given: Arguments) -> None:
    """Keywords that come from a section, for something that takes any; what becomes of the sections in it is open."""
    if what.rpartition(".")[2] not in TAKES_ANY_KEYWORD | names_of("mapping_bases"):
        for pack in given.packs:
            flow.consume(pack, f"unpacked into {what}", given.node, given.scope)
            inner = NOTHING.union(*[section.children() for section in sections(pack)])
            flow.escape(inner, f"handed to {what}", given.node, given.scope)
