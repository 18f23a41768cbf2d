"""Calling what the project defines: arguments go to parameters, and to the fields of classes that wrap a section."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import Any

from diagnose.usage.flow import Flow
from diagnose.usage.libraries import names_of
from diagnose.usage.values import NOTHING, Bound, Scope, Thing, Values, containers, nodes, sections

TAKES_ANY_KEYWORD = {"dict", "update", "set_defaults", "create", "partial", "init", "type", "Series"}


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

    def after(self, first: Any) -> Arguments:
        """The same with a further argument in front."""
        return replace(self, args=[frozenset({first}), *self.args])


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
    for index, values in enumerate(given.args):
        if index < len(func.positional):
            flow.put(func.variables, func.positional[index], values)
        else:
            _put_among(flow, func, func.star, index - len(func.positional), values)
    for word, values in given.keywords.items():
        if word in func.parameters:
            flow.put(func.variables, word, values)
        else:
            _put_among(flow, func, func.double_star, word, values)
    for pack in given.packs:
        _unpack_into(flow, func, pack)
    whole = nodes(NOTHING.union(*given.args, *given.keywords.values())) if func.is_walker else NOTHING
    returned = func.returned
    return whole | (returned - nodes(returned) - set(containers(returned))) if whole else returned


def _put_among(flow: Flow, func: Scope, name: str | None, key: str | int, values: Values) -> None:
    """Further arguments go into the list, or the dict, of the others, where the function takes them."""
    if name:
        others = flow.thing((func, name))
        flow.put(others.items, key, values)
        flow.put(func.variables, name, frozenset({others}))


def _unpack_into(flow: Flow, func: Scope, pack: Values) -> None:
    """`func(**pack)`."""
    if not pack and flow.final:
        flow.notes.open_parameters |= set(filter(func.uses, func.parameters))
    for section in sections(pack):
        for key in func.parameters & section.data.keys():
            child = section.find(key)
            assert child is not None
            flow.put(func.variables, key, child.followed)
            if flow.final and func.uses(key):
                flow.notes.reads[child].add(flow.place(func.node, func))
    for container in containers(pack):
        for key in func.parameters & container.items.keys():
            flow.put(func.variables, key, container.items[key])
        for one in nodes(container.at("*")):
            if one.path and one.path[-1] in func.parameters:
                flow.put(func.variables, one.path[-1], frozenset({one}))
    if func.double_star:
        flow.put(func.variables, func.double_star, sections(pack) | set(containers(pack)))


def construct(flow: Flow, cls: Scope, given: Arguments) -> Values:
    """An object of the class; one that wraps a section is the section as well."""
    method = cls.method("__init__") or cls.method("__new__")
    if method is not None:
        call_function(flow, method, given.after(cls.instance))
    held = nodes(given.everything)
    result = frozenset({cls.instance}) | (NOTHING if held else flow.wrapped(cls.instance))
    if held and cls.is_wrapper:
        result |= held
        flow.wrap([cls.instance], held)
        for inner in (inner for one in cls.mro for inner in one.names.values()):
            if inner is not None and inner.first and not inner.is_classmethod:
                flow.put(inner.variables, inner.first, held)
    if cls.is_record:
        for word, values in given.keywords.items():
            flow.put(cls.instance.items, word, values)
        bind_fields(flow, cls, held)
    if method is None and cls.outer_bases and not cls.is_wrapper:
        note_unpacked(flow, f"{cls.name}({cls.outer_bases[0]})", given)
        if cls.unfamiliar_base:
            how = f"handed to {cls.outer_bases[0]} of {cls.unfamiliar_base}"
            flow.escape(given.everything, how, given.node, given.scope)
    return result


def bind_fields(flow: Flow, cls: Scope, held: Values, seen: frozenset[Scope] = frozenset()) -> None:
    """Sections go to the fields of a data class, and to the classes that these are annotated with."""
    if not held or cls in seen:
        return
    flow.wrap([cls.instance], held)
    flow.notes.declared |= cls.annotated
    for node, home in ((node, one) for one in cls.mro for node in one.body):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found = [value.find(node.target.id) for value in sections(held)]
            parts = frozenset(part for part in found if part is not None)
            for name in ast.walk(node.annotation) if parts else ():
                for inner in flow.project.resolve(name, home):
                    if isinstance(inner, Scope) and inner.kind == "class":
                        bind_fields(flow, inner, parts, seen | {cls})


def note_unpacked(flow: Flow, what: str, given: Arguments) -> None:
    """Keywords that come from a section, for something that takes any."""
    if what.rpartition(".")[2] not in TAKES_ANY_KEYWORD | names_of("mapping_bases"):
        for pack in given.packs:
            flow.consume(pack, f"unpacked into {what}", given.node, given.scope)
