"""What a hyperparameter does, which values are usual, and where it stands in each framework's config."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from diagnose.config.dialect_files import dialects
from diagnose.config.hyperparameters import HYPERPARAMETERS
from diagnose.config.place import ALWAYS


@dataclass(frozen=True, slots=True)
class Entry:
    """One hyperparameter."""

    name: str
    says: str
    low: str = ""
    """What too little of it does."""
    high: str = ""
    """What too much of it does."""
    note: str = ""
    usual: dict[str, str] = field(default_factory=dict)
    """Dialect -> values in published configs."""


@cache
def entries() -> dict[str, Entry]:
    """Canonical name -> entry, from `presets/hyperparameters.yaml`."""
    raw: dict[str, Any] = yaml.safe_load((files("diagnose.presets") / "hyperparameters.yaml").read_text("utf-8"))
    return {name: Entry(name, **fields) for name, fields in raw.items()}


def page_of(name: str) -> str | None:
    """The Markdown on one hyperparameter; None for what is none."""
    entry = entries().get(name.strip().lower().replace("-", "_"))
    return None if entry is None else "\n".join(_lines(entry)) + "\n"


def _lines(entry: Entry) -> Iterator[str]:
    unit = HYPERPARAMETERS[entry.name].unit
    yield from (f"# {entry.name}", "", entry.says + (f" Unit: {unit}." if unit else ""))
    yield from ("", f"Too low: {entry.low}") if entry.low else ()
    yield from ("", f"Too high: {entry.high}") if entry.high else ()
    yield from ("", entry.note) if entry.note else ()
    titles = {dialect.name: dialect.title for dialect in dialects()}
    if entry.usual:
        yield from ("", "## Usual values", "", "| framework | value |", "|---|---|")
        yield from (f"| {titles.get(name, name)} | {value} |" for name, value in entry.usual.items())
    found = list(places(entry.name))
    if found:
        yield from ("", "## Where it stands", "", "| framework | key |", "|---|---|")
        yield from (f"| {title} | {keys} |" for title, keys in found)


def places(name: str) -> Iterator[tuple[str, str]]:
    """(framework, keys) for each dialect that has the hyperparameter; keys that its trainer never reads say so."""
    for dialect in dialects():
        keys = []
        for candidate in dialect.keys.get(name, ()):
            dead = " (never read)" if candidate.dead and candidate.when == ALWAYS else ""
            keys.append(f"`{candidate.place.text}`{dead}")
        if keys:
            yield dialect.title, ", ".join(dict.fromkeys(keys))
