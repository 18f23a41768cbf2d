"""What a hyperparameter does, which values are usual, and where it is in each framework's config."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from diagnose.config.dialect_files import dialects
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


def find_entry(name: str) -> Entry | None:
    """The hyperparameter of this name; None for what is none."""
    return entries().get(name.strip().lower().replace("-", "_"))


def usual(entry: Entry) -> Iterator[tuple[str, str]]:
    """(framework, values in published configs)."""
    titles = {dialect.name: dialect.title for dialect in dialects()}
    for name, value in entry.usual.items():
        yield titles.get(name, name), value


def places(name: str) -> Iterator[tuple[str, str]]:
    """(framework, keys) for each dialect that has the hyperparameter; keys that its trainer never reads say so."""
    for dialect in dialects():
        keys = []
        for candidate in dialect.keys.get(name, ()):
            dead = " (never read)" if candidate.dead and candidate.when == ALWAYS else ""
            keys.append(f"{candidate.place.text}{dead}")
        if keys:
            yield dialect.title, ", ".join(dict.fromkeys(keys))
