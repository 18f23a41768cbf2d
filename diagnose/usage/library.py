"""Calls of what is not in the project: what they give back, and what they may do with a section."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from diagnose.usage.binding import Arguments, bind_fields, call_defined, construct, note_unpacked
from diagnose.usage.flow import SAVED, Flow
from diagnose.usage.libraries import is_familiar, names_of
from diagnose.usage.values import (
    ITSELF,
    NOTHING,
    Bound,
    Each,
    KeysOf,
    Node,
    Outside,
    Scope,
    Text,
    Thing,
    Values,
    any_values,
    chosen_values,
    is_object,
    looped_sections,
    sections,
    things,
    with_contents,
)

CONFIG_FILE = re.compile(r".*\.(json|ya?ml|toml)", re.DOTALL)
OWN_LOADER = re.compile(r"(load|from|read|parse|merge)_(from_)?(json|ya?ml|toml|file|config)")
LOADS_SEVERAL = re.compile(r".*load_all|parse_\w+_file")
PARSER = Outside("argparse.ArgumentParser()")
MAKERS = {"instantiate", "from_config", "from_pretrained", "from_argparse_args"}


def call_library(flow: Flow, what: Outside | None, name: str, receiver: Values, given: Arguments) -> Values:
    """A call of something outside (`what`), or of a method `name` of something not followed."""
    name = what.name.rpartition(".")[2] if what else name  # whatever it is imported as
    if _is_loader(flow, what, name, receiver, given):
        return _load(flow, name, receiver, given)
    for cls in _classes(given.everything | receiver):  # `from_dict(Config, section)`
        if cls.is_record:
            bind_fields(flow, cls, sections(given.everything | receiver))
    functions = _functions(given.everything)
    made = NOTHING.union(*[one.returned for one in functions if isinstance(one, Scope)])
    if flow.final and name not in names_of("keepers"):
        flow.open(with_contents(given.everything | made))
    called = _functions(given.args[0]) if given.args and name in {"partial", "submit"} else NOTHING
    result = NOTHING.union(*[call_defined(flow, value, replace(given, args=given.args[1:])) for value in called])
    if called:
        return called if name == "partial" else result  # `pool.submit(load).result()`
    # a library calls what it is given, with what it is given beside
    _give_to(flow, functions, given.everything - functions, given)
    if flow.final:
        _note_uses(flow, what, name, given)
    if what and what.name.endswith("argparse.ArgumentParser"):
        return frozenset({PARSER})
    if name in {"parse_args", "parse_known_args"} and PARSER in receiver:
        return _parse_arguments(flow, name, receiver, given)
    made = flow.use(made, given.node, given.scope)
    return _passed_on(flow, what, name, receiver, given) | made  # `Fire(build)`


def _passed_on(flow: Flow, what: Outside | None, name: str, receiver: Values, given: Arguments) -> Values:
    """What is left of a call's arguments in what it gives back.

    Tensors are no configs; a method of something unknown gives back itself, or something made of plain values.
    """
    held = _held(given.everything | receiver)
    if what and what.top in names_of("numeric") and name == "load":
        return frozenset({SAVED})
    if name.startswith("save"):
        inside = with_contents(given.everything)
        wrapped = [flow.wrapped(thing) for thing in things(inside)]
        flow.saves_config |= name == "save_hyperparameters" or bool(sections(inside.union(*wrapped)))
    if name in names_of("counters") and what and what.top == "builtins":
        return NOTHING
    if name not in names_of("passers"):
        held -= any_values(held)
    if name in names_of("mapping_bases"):
        held |= looped_sections(with_contents(held))  # `dict(x.items())`
        held |= NOTHING if sections(held) else {flow.thing(given.node)}
    if name.endswith("Parser"):  # `HfArgumentParser(TrainingArguments)`: the fields are a library's
        held |= {one for one in given.everything if isinstance(one, Outside)}
    is_method = not what and isinstance(getattr(given.node, "func", None), ast.Attribute | ast.Call)
    if (what and what.top in names_of("numeric")) or (is_method and held and name not in names_of("loaders")):
        held = frozenset(value for value in held if value in receiver or not _is_config_like(value))
    if not is_method:
        return held
    classes = _classes(held & receiver)  # `Model.from_pretrained(...)` is no class any more
    return held - _functions(given.everything) - set(classes) | {cls.instance for cls in classes}


def _held(values: Values) -> Values:
    kinds = Node | Text | KeysOf | Each | Scope | Bound | str
    return frozenset(value for value in values if isinstance(value, kinds) or _is_list(value))


def _is_list(value: Any) -> bool:
    return isinstance(value, Thing) and value.cls is None


def _is_config_like(value: Any) -> bool:
    return _is_list(value) or bool(sections([value])) or (isinstance(value, str) and not CONFIG_FILE.fullmatch(value))


def _classes(values: Values) -> list[Scope]:
    return [value for value in values if isinstance(value, Scope) and value.kind == "class"]


def _parse_arguments(flow: Flow, name: str, receiver: Values, given: Arguments) -> Values:
    """The namespace that argparse makes: with the options, and the sections that were given to the parser."""
    namespace, pair = flow.thing((given.node, "options")), flow.thing((given.node, "pair"))
    flow.wrap([namespace], sections(receiver | given.everything))
    for option in flow.options:
        flow.put(namespace.items, option, NOTHING)
    made = frozenset({namespace, *given.keywords.get("namespace", NOTHING)})
    flow.put(pair.items, 0, made)
    return made if name == "parse_args" else frozenset({pair})


# --- loading a config


def _is_loader(flow: Flow, what: Outside | None, name: str, receiver: Values, given: Arguments) -> bool:
    if name == "create" and what and what.top == "omegaconf":  # of a text
        return bool(given.args) and not sections(given.everything) and not things(given.everything)
    if name in names_of("module_loaders"):  # `exec(open("config/small.py").read())`, `module_from_spec(spec)`
        return flow.file_name.endswith(".py") and (what is None or what.top in sys.stdlib_module_names | {"builtins"})
    if OWN_LOADER.fullmatch(name) and any(_may_load(thing) for thing in things(receiver)):
        return True
    homes = {value.top for value in receiver if isinstance(value, Outside)} | ({what.top} if what else set())
    of_unknown = what is None and all(isinstance(one, str) for one in receiver)  # a text has no such method
    known = homes & names_of("loader_homes") or of_unknown or name.startswith("parse_")
    by_base = any(cls.is_record and cls.outer_bases for cls in _classes(receiver))  # `Config.load(file)`
    return name in names_of("loaders") and bool(known or by_base)


def _may_load(thing: Thing) -> bool:
    """`config.load_json(file)`, `config.merge_from_file(file)` of a dict, or of an object that wraps one."""
    return thing.cls is None or thing.cls.is_wrapper


def _load(flow: Flow, name: str, receiver: Values, given: Arguments) -> Values:
    """`yaml.load(file)` and its like: the config, as far as it is known here.

    The fields of the classes at hand, as in `HfArgumentParser((A, B)).parse_yaml_file(file)`, are the file's keys.
    """
    site = given.node
    flow.named_otherwise.discard(site)
    if _is_another_file(flow, site, given.everything):
        flow.named_otherwise.add(site)
    result: Values = frozenset({flow.load(site, given.scope)})
    flow.wrap(filter(_may_load, things(receiver)) if OWN_LOADER.fullmatch(name) else (), result)
    if name == "exec":
        flow.put(given.scope.module.scope.variables, ITSELF, result)
    at_hand = with_contents(receiver | given.everything)
    # a parser of classes refuses a key that is a field of none
    parses = name.startswith("parse_") and "allow_extra_keys" not in given.keywords
    taken = flow.notes.fields if parses else flow.notes.escaped
    for cls in _classes(at_hand):
        bind_fields(flow, cls, result)
        if any(base.outer_bases for base in cls.mro):
            flow.note(taken, result, f"fields of the base of {cls.name}", site, given.scope)
    for other in [one for one in at_hand if isinstance(one, Outside)] if name.startswith("parse_") else ():
        flow.note(taken, result, f"a field of {other.name}", site, given.scope)
    result |= {cls.instance for cls in _classes(at_hand)}
    if not LOADS_SEVERAL.fullmatch(name):
        return result
    flow.put(flow.thing(site).items, "*", result)
    return frozenset({flow.thing(site)})


def _is_another_file(flow: Flow, site: Any, source: Values) -> bool:
    """Whether a file is not the config: a value of the config names it, or a literal with another name or format."""
    if any(isinstance(value, Text) and value.site is not site for value in source):
        return True
    files = [Path(value) for value in source if isinstance(value, str) and CONFIG_FILE.fullmatch(value)]
    ours = Path(flow.file_name)
    same = [file for file in files if file.suffix == ours.suffix or {file.suffix, ours.suffix} == {".yml", ".yaml"}]
    return bool(flow.file_name and files) and not any("*" in file.name or file.name == ours.name for file in same)


# --- what a library does with what it is given


def _functions(values: Values) -> Values:
    return frozenset(value for value in values if isinstance(value, Scope | Bound))


def _give_to(flow: Flow, functions: Iterable[Scope | Bound], values: Values, given: Arguments) -> None:
    passed = frozenset(value for value in with_contents(values) if isinstance(value, Node) or is_object(value))
    for one in functions:
        func = one.method if isinstance(one, Bound) else one
        if func.kind == "class":
            construct(flow, func, replace(given, args=[], keywords={}))
            continue
        for name in func.parameters - {func.first}:
            flow.put(func.variables, name, passed)


def _note_uses(flow: Flow, what: Outside | None, name: str, given: Arguments) -> None:
    keeps = name in names_of("keepers") | names_of("passers") | names_of("mapping_bases") | {"update"}
    makes = name[:1].isupper() and not (what and what.top in names_of("numeric") | sys.stdlib_module_names)
    used = with_contents(given.everything) if name not in names_of("passers") | {"type", "isinstance"} else NOTHING
    flow.use(chosen_values(used) if keeps or makes else used, given.node, given.scope)
    shown = what.name if what else name or "what another call gives"
    note_unpacked(flow, shown, given)
    familiar = what is None or is_familiar(what.top) or name in names_of("keepers") | names_of("passers")
    if not familiar or name in MAKERS:
        plain = with_contents(NOTHING.union(*given.args, *given.keywords.values()))
        flow.escape(plain, f"handed to {shown}", given.node, given.scope)
