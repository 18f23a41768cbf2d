"""Splices: the characters of one scalar replaced, or one line added, and the proof that nothing else has changed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from diagnose.config.document import parse_document
from diagnose.config.hyperparameters import HYPERPARAMETERS, SHARE_OF_EPOCH, SHARE_OF_RUN, Clock, Kind
from diagnose.config.node import COMPUTED, Alias, Array, Document, Path, Scalar, Table, dotted, resolved
from diagnose.config.reading import Site
from diagnose.errors import ConfigError
from diagnose.numbers import PlainValue, is_number

_PLAIN_WORD = re.compile(r"[A-Za-z][\w.\-]*")
BLOCKS = frozenset("|>")
"""Signs that open a text of several lines, whose end is behind its line break."""


class EditError(Exception):
    """An edit that cannot be made. The message is the reason, for the user."""


@dataclass(frozen=True, slots=True)
class Splice:
    """The characters from `start` to `end` become `text`."""

    start: int
    end: int
    text: str


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """The text with every splice made; they must not overlap."""
    for splice in sorted(splices, key=lambda splice: splice.start, reverse=True):
        text = text[: splice.start] + splice.text + text[splice.end :]
    return text


def float_text(value: float) -> str:
    """A float that YAML 1.1 and 1.2, JSON and Python all read as one: `5.0e-05`, with a dot and a signed exponent."""
    text = repr(float(f"{value:.12g}"))
    mantissa, sign, exponent = text.partition("e")
    if sign and "." not in mantissa:
        mantissa += ".0"
    if sign and exponent[0] not in "+-":
        exponent = "+" + exponent
    return mantissa + sign + exponent


def value_text(value: PlainValue, old: str, syntax: str, quote: str) -> str:
    """`value` written in the manner of `old`, the characters that it replaces. Raises EditError where it cannot be."""
    if isinstance(value, bool):
        capital = syntax == "python" or (syntax == "yaml" and old in {"True", "False"})
        return str(value) if capital else str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return float_text(value)
    if not _PLAIN_WORD.fullmatch(value):
        raise EditError(f"{value!r:.60} is not a plain word")
    sign = quote if quote in {"'", '"'} else '"' if syntax in {"json", "toml", "python"} else ""
    return sign + value + sign


def replacement(document: Document, scalar: Scalar, value: PlainValue) -> Splice:
    """The splice that makes `scalar` say `value`."""
    old = document.text[scalar.start : scalar.end]
    if scalar.style in BLOCKS:
        raise EditError("it is written as a block of text")
    text = value_text(value, old, document.syntax, old[:1] if scalar.style else "")
    return Splice(scalar.start, scalar.end, text if old else f" {text}")


def addition(document: Document, table: Table, key: str, value: PlainValue) -> Splice:
    """The splice that adds `key: value` to `table`, beside its siblings and in their indentation."""
    quoted = document.syntax == "json" or (table.flow and any(key.style == '"' for key, _ in table.entries))
    name = f'"{key}"' if quoted else key
    text = f"{name}{' = ' if document.syntax == 'toml' else ': '}{value_text(value, '', document.syntax, '')}"
    if document.syntax == "python":
        raise EditError("a line would have to be added to a Python file")
    lines = document.text
    for entry_key, child in reversed(table.entries):
        start = lines.rfind("\n", 0, entry_key.start) + 1
        indent = lines[start : entry_key.start].lstrip("\ufeff")
        if indent.strip(" \t") or not isinstance(child, Scalar) or child.style in BLOCKS:
            continue
        bom = len(lines[start : entry_key.start]) - len(indent)
        if not table.flow:
            return _line_below(lines, indent, child, text)
        return Splice(start + bom, start + bom, f"{indent}{text},{_line_end(lines, start)}")
    return _inline(table, text)


def _line_end(text: str, at: int) -> str:
    """The line end that the line of index `at` has."""
    end = text.find("\n", at)
    return "\r\n" if end > 0 and text[end - 1] == "\r" else "\n"


def _line_below(text: str, indent: str, child: Scalar, line: str) -> Splice:
    end = text.find("\n", child.end)
    if end == -1:
        before = text.find("\n")
        return Splice(len(text), len(text), ("\n" if before < 1 else _line_end(text, 0)) + indent + line)
    return Splice(end + 1, end + 1, indent + line + _line_end(text, child.end))


def _inline(table: Table, text: str) -> Splice:
    """Into a mapping that is on one line."""
    if not table.flow:
        raise EditError("no sibling line shows where a new key would belong")
    if not table.entries:
        return Splice(table.start + 1, table.start + 1, text)
    end = table.entries[-1][1].end
    return Splice(end, end, f", {text}")


def verified(before: Document, text: str, changed: dict[int, PlainValue], added: Path | None) -> Document:
    """The edited text, parsed: everything but the `changed` scalars (by `id`) and the `added` path is what it was.

    Raises EditError where that does not hold.
    """
    try:
        after = replace(parse_document(text, before.source), under=before.under, over=before.over)
    except ConfigError:
        raise EditError("the edited text would not parse") from None
    old = [(path, _said(node, changed)) for path, node in before.scalars()]
    new = [(path, _said(node, {})) for path, node in after.scalars() if path != added]
    if len(old) != len(new) or (added is not None and len(new) + 1 != sum(1 for _ in after.scalars())):
        raise EditError("the edit would change the structure of the file")
    for was, now in zip(old, new, strict=True):
        if was != now:
            raise EditError(f"the edit would also change {dotted(was[0])}")
    return after


def _said(node: Scalar | Alias, changed: dict[int, PlainValue]) -> tuple[Any, ...]:
    """What an unchanged node says, with the value that it is changed to; NaN equals NaN."""
    if isinstance(node, Alias):
        return ("alias",)
    if node.tag == COMPUTED:
        return (COMPUTED,)  # it follows the names that it is calculated from
    value = changed.get(id(node), node.value)
    return type(value), repr(value), node.anchor, node.tag


def table_at(document: Document, path: Path) -> Table:
    """The mapping at `path` of the file itself. Raises EditError where there is none or where it is shared."""
    node = document.node(path, own=True)
    inside = None if node is None else resolved(node)
    if inside is None or isinstance(inside, Array | Scalar):
        raise EditError(f"the file has no section {dotted(path)} to put it in")
    if inside is not node:
        raise EditError(f"the section {dotted(path)} is an alias of another")
    return inside


def share_of(name: str, value: PlainValue, site: Site, first: Site) -> PlainValue:
    """What a copy gets: the new value, or its share of it where the two differ on purpose (200 epochs and then 100)."""
    if site.value == first.value or site.unit != first.unit or not first.value or not site.value:
        return value
    if not (is_number(value) and is_number(site.value) and is_number(first.value)):
        return value
    scaled: float = value * site.value / first.value
    if not math.isfinite(scaled):
        return value
    return max(1, round(scaled)) if HYPERPARAMETERS[name].kind is Kind.COUNT else scaled


def unwritable(scalar: Scalar) -> str | None:
    """Why this scalar cannot be replaced by a plain value."""
    if scalar.value == "???":
        return "is `???`: the command line gives it"
    if scalar.tag == COMPUTED:
        return "is calculated from other names"
    if scalar.tag is not None and not scalar.tag.startswith("tag:yaml.org,2002:"):
        return f"carries the tag {scalar.tag}"
    if isinstance(scalar.value, str) and "${" in scalar.value:
        return f"is computed from other keys: {scalar.value:.60}"
    return None


def says(scalar: Scalar, value: PlainValue) -> bool:
    """Whether the trainer already gets this value from the file."""
    if isinstance(scalar.value, str) and not isinstance(value, str):
        return False
    return bool(scalar.value == value) and isinstance(scalar.value, bool) == isinstance(value, bool)


def plain_value(name: str, value: PlainValue) -> PlainValue:
    """`value`, or one member of a list, in the type of the hyperparameter. Raises EditError where it has another."""
    kind = HYPERPARAMETERS[name].kind
    if kind is Kind.CHOICE or (kind is Kind.SWITCH and isinstance(value, bool)):
        return value
    if isinstance(value, bool | str) or not math.isfinite(value):
        raise EditError(f"{value!r:.60} is not a number that can be written")
    if kind in {Kind.RATE, Kind.LIST}:
        return float(f"{value:.12g}")  # without the dust of binary arithmetic: 0.3 * 3e-4 is 9e-05
    if float(value) != int(value):
        raise EditError(f"{value} is not a whole number")
    return int(value)


def in_unit(name: str, value: PlainValue, unit: str | None, clock: Clock) -> PlainValue:
    """`value`, given in the canonical unit, in the unit of the file. Raises UnitError."""
    hyperparameter = HYPERPARAMETERS[name]
    # A number of steps is as good to the frameworks that take a share of the run.
    if hyperparameter.unit is None or unit in {None, SHARE_OF_RUN}:
        return value
    converted = clock.convert(float(value), hyperparameter.unit, str(unit))
    return converted if unit == SHARE_OF_EPOCH or hyperparameter.kind is Kind.RATE else round(converted)


def typed(name: str, value: PlainValue, clock: Clock, site: Site, scalar: Scalar) -> PlainValue:
    """`value` in the unit of the place and the type of its scalar. Raises EditError, UnitError."""
    hyperparameter = HYPERPARAMETERS[name]
    new = plain_value(name, value)
    if hyperparameter.kind is Kind.CHOICE:
        if site.value is not None and type(value) is not type(site.value):
            raise EditError(f"the file says {site.value!r:.40}, which is another kind of value than {value!r:.40}")
        return new
    if hyperparameter.unit == "steps" and site.unit is None:
        raise EditError(f"whether {dotted(site.path)} counts steps or epochs is not known")
    new = in_unit(name, new, site.unit, clock)
    was_float = isinstance(scalar.value, float)
    return float(new) if was_float and site.unit != SHARE_OF_RUN else new
