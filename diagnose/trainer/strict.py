"""A strict reader of YAML into dataclasses: unknown keys, wrong types and broken rules are refused, with their line."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, fields
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml

from diagnose.errors import ConfigError


def above(bound: float, default: Any) -> Any:
    """A number that must be greater than `bound`."""
    return field(default=default, metadata={"rule": f"must be above {bound:g}", "holds": lambda value: value > bound})


def at_least(bound: float, default: Any) -> Any:
    """A number that must not be less than `bound`."""
    return field(
        default=default, metadata={"rule": f"must be {bound:g} or more", "holds": lambda value: value >= bound}
    )


def share(default: float) -> Any:
    """A part of one: 0 is allowed, 1 is not."""
    return field(default=default, metadata={"rule": "must be from 0 to below 1", "holds": lambda value: 0 <= value < 1})


def compose(text: str, source: str, sections: Iterable[str]) -> yaml.Node:
    """The YAML document in `text`. Raises ConfigError where it is none, or empty."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(f"{source}{line}: not valid YAML: {error.problem}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{source}: not valid YAML: {' '.join(str(error).split())}") from error
    if node is None:
        raise ConfigError(f"{source}: the file is empty; a config has sections {', '.join(sections)}")
    return node


def entries(node: yaml.Node, source: str, section: str) -> Iterator[tuple[str, yaml.Node]]:
    """(key, value) of a mapping. Raises ConfigError for anything else and for a key given twice."""
    if node.tag == "tag:yaml.org,2002:null":  # a section of comments alone
        return
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError(f"{at(source, node)}: {section or 'a config'} must hold `key: value` lines")
    seen: set[str] = set()
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise ConfigError(f"{at(source, key)}: a key must be a word")
        if key.value in seen:
            raise ConfigError(f"{at(source, key)}: {section}{'.' if section else ''}{key.value} is given twice")
        seen.add(key.value)
        yield key.value, value


def read_section(kind: Any, node: yaml.Node, source: str, section: str, lines: dict[str, int]) -> Any:
    """The dataclass `kind` from a mapping; notes in `lines` the line of each key. Raises ConfigError."""
    hints = get_type_hints(kind)
    rules = {item.name: item.metadata for item in fields(kind)}
    values = {}
    for key, value in entries(node, source, section):
        where = f"{at(source, value)}: {section}.{key}"
        if key not in hints:
            raise ConfigError(f"{where}: this trainer does not read such a key; remove it{_nearest(key, hints)}")
        values[key] = _value(value, hints[key], where)
        if rules[key] and values[key] is not None and not rules[key]["holds"](values[key]):
            raise ConfigError(f"{where}: {value.value} {rules[key]['rule']}")
        lines[f"{section}.{key}"] = value.start_mark.line + 1
    return kind(**values)


def _nearest(key: str, known: Mapping[str, Any]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(key, known, n=1)
    return f", or did you mean {close[0]}?" if close else ""


def _value(node: yaml.Node, hint: Any, where: str) -> Any:
    """What the node says, if it is of the type that `hint` asks for."""
    try:
        value = yaml.SafeLoader("").construct_object(node, deep=True)
    except yaml.YAMLError as error:
        raise ConfigError(f"{where}: only plain values can be read here") from error
    try:
        return _fit(value, hint)
    except TypeError as error:
        raise ConfigError(f"{where}: {_mistyped(value, str(error))}") from error


def _mistyped(value: object, expected: str) -> str:
    if isinstance(value, str) and "number" in expected:
        try:
            number = float(value)
        except ValueError:
            return f"{value!r} is text, {expected} is needed"
        return f"YAML reads {value} as text, not as a number; write {_float_text(number)}"
    return f"{value!r} is not {expected}"


def _float_text(number: float) -> str:
    """The number as YAML 1.1 and 1.2 both read it: with a point, and a sign in the exponent."""
    return str(yaml.safe_dump(number)).splitlines()[0]


def _fit(value: Any, hint: Any) -> Any:
    """`value` as the type `hint`. Raises TypeError with the name of what was expected."""
    if get_origin(hint) in (types.UnionType, Union):
        return None if value is None else _fit(value, get_args(hint)[0])
    if get_origin(hint) is Literal:
        if value in get_args(hint):
            return value
        raise TypeError("one of " + ", ".join(get_args(hint)))
    if get_origin(hint) is tuple:
        return _fit_list(value, get_args(hint))
    if hint is float and type(value) in (int, float):
        return float(value)
    if type(value) is hint:
        return value
    raise TypeError(_EXPECTED[hint])


_EXPECTED = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def _fit_list(value: Any, items: tuple[Any, ...]) -> tuple[Any, ...]:
    count = None if items[-1] is ... else len(items)
    if not isinstance(value, list) or count not in (None, len(value)):
        raise TypeError(f"a list of {count} values" if count else "a list")
    return tuple(_fit(item, items[0]) for item in value)


def at(source: str, node: yaml.Node) -> str:
    """`file:line` of a node."""
    return f"{source}:{node.start_mark.line + 1}"
