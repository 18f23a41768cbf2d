"""Calling what the project defines: arguments go to parameters, and to the fields of classes that wrap a section."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from diagnose.usage.flow import Flow, nodes, sections
from diagnose.usage.libraries import names_of
from diagnose.usage.values import NOTHING, Bound, Container, Instance, Node, Scope, Values

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

    def after(self, *first: Values) -> Arguments:
        """The same with further arguments in front."""
        return replace(self, args=[*first, *self.args])


def call_defined(flow: Flow, value: Any, given: Arguments) -> Values:
    """What a call of a function, method, class or object of the project gives back."""
    if isinstance(value, Bound):
        owner = value.owner.cls if isinstance(value.owner, Instance) else value.owner
        method = value.method
        if method.is_static:
            return call_function(flow, method, given)
        return call_function(flow, method, given.after(frozenset({owner if method.is_classmethod else value.owner})))
    if isinstance(value, Scope) and value.kind == "class":
        return construct(flow, value, given)
    if isinstance(value, Scope):
        return call_function(flow, value, given.after(frozenset({value.owner})) if value.is_classmethod else given)
    if isinstance(value, Instance):
        hooks = [value.cls.method(hook) for hook in ("__call__", "forward")]
        return NOTHING.union(*[call_function(flow, hook, given.after(frozenset({value}))) for hook in hooks if hook])
    return NOTHING


def call_function(flow: Flow, func: Scope, given: Arguments) -> Values:
    """Bind the arguments to the parameters; what the function gives back."""
    if not func.reached:
        return NOTHING
    for index, values in enumerate(given.args):
        if index < len(func.positional):
            flow.put(func.variables, func.positional[index], values)
        elif func.star:
            container = flow.container(func)
            flow.store(container, index - len(func.positional), values)
            flow.put(func.variables, func.star, frozenset({container}))
    for word, values in given.keywords.items():
        if word in func.parameters:
            flow.put(func.variables, word, values)
        elif func.double_star:
            container = flow.container((func, "**"))
            flow.store(container, word, values)
            flow.put(func.variables, func.double_star, frozenset({container}))
    for pack in given.packs:
        _unpack_into(flow, func, pack)
    returned = func.returned.get("", NOTHING)
    whole = nodes(NOTHING.union(*given.args, *given.keywords.values())) if func.is_walker else NOTHING
    return whole | {value for value in returned if not isinstance(value, Node | Container)} if whole else returned


def _unpack_into(flow: Flow, func: Scope, pack: Values) -> None:
    """`func(**pack)`."""
    if not pack and flow.final:
        flow.notes.open_parameters |= set(filter(func.uses, func.parameters))
    for value in pack:
        if isinstance(value, Node) and value.is_section:
            _unpack_section(flow, func, value)
        elif isinstance(value, Container):
            _unpack_container(flow, func, value)
        else:
            continue
        if func.double_star:
            flow.put(func.variables, func.double_star, frozenset({value}))


def _unpack_section(flow: Flow, func: Scope, section: Node) -> None:
    for key in func.parameters & section.data.keys():
        flow.put(func.variables, key, section.child(key).followed)
        if flow.final and func.uses(key):
            flow.notes.reads[section.child(key)].add(flow.place(func.node, func))


def _unpack_container(flow: Flow, func: Scope, container: Container) -> None:
    for key in func.parameters & container.items.keys():
        flow.put(func.variables, key, container.items[key])
    for one in nodes(container.items.get("*", NOTHING)):
        if one.path and one.path[-1] in func.parameters:
            flow.put(func.variables, one.path[-1], frozenset({one}))


def construct(flow: Flow, cls: Scope, given: Arguments) -> Values:
    """An object of the class; one that wraps a section is the section as well."""
    result: set[Any] = {cls.instance}
    method = cls.method("__init__") or cls.method("__new__")
    if method is not None:
        call_function(flow, method, given.after(frozenset({cls.instance})))
    held = nodes(given.everything)
    if held and cls.is_wrapper:
        result |= held
        flow.put(cls.wraps, "", held)
        for inner in (inner for one in cls.mro for inner in one.names.values()):
            if inner is not None and inner.first and not inner.is_classmethod:
                flow.put(inner.variables, inner.first, held)
    if cls.is_record:
        for word, values in given.keywords.items():
            flow.put(cls.fields, word, values)
        bind_fields(flow, cls, held)
    if not held:
        result |= flow.wrapped(cls)
    if method is None and cls.outer_bases and not cls.is_wrapper:
        note_unpacked(flow, f"{cls.name}({cls.outer_bases[0]})", given)
        if cls.unfamiliar_base:
            how = f"handed to {cls.outer_bases[0]} of {cls.unfamiliar_base}"
            flow.escape(given.everything, how, given.node, given.scope)
    return frozenset(result)


def bind_fields(flow: Flow, cls: Scope, held: Values, seen: frozenset[Scope] = frozenset()) -> None:
    """Sections go to the fields of a data class, and to the classes that these are annotated with."""
    if not held or cls in seen:
        return
    flow.put(cls.wraps, "", held)
    for name, annotation, home in _annotations(cls):
        parts = frozenset(value.child(name) for value in sections(held) if name in value.data)
        for part in ast.walk(annotation) if parts else ():
            found = flow.project.resolve(part, home)
            if isinstance(found, Scope) and found.kind == "class":
                bind_fields(flow, found, parts, seen | {cls})


def _annotations(cls: Scope) -> Iterator[tuple[str, ast.AST, Scope]]:
    for one in cls.mro:
        for node in one.node.body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                yield node.target.id, node.annotation, one


def note_unpacked(flow: Flow, what: str, given: Arguments) -> None:
    """Keywords that come from a section, for something that takes any."""
    if what.rpartition(".")[2] not in TAKES_ANY_KEYWORD | names_of("mapping_bases"):
        for pack in given.packs:
            flow.consume(pack, f"unpacked into {what}", given.node, given.scope)
