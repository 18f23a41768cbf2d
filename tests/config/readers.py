"""How the world's loaders see a config: what a trainer would be given."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator
from typing import Any

import yaml
from omegaconf import OmegaConf
from ruamel.yaml import YAML

from diagnose.config import Config
from diagnose.config.node import Array, Scalar
from diagnose.config.reading import sites

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Flat = dict[tuple[str | int, ...], Any]


def flat(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every scalar of a loaded config with its path."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield from flat(child, (*path, str(key)))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from flat(child, (*path, index))
    else:
        yield path, value


def _ruamel(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def _omegaconf(text: str) -> Any:
    return OmegaConf.to_container(OmegaConf.create(text))


LOADERS: dict[str, dict[str, Callable[[str], Any]]] = {
    "yaml": {"PyYAML": yaml.safe_load, "ruamel.yaml": _ruamel, "OmegaConf": _omegaconf},
    "json": {"json": json.loads},
    "toml": {"tomllib": tomllib.loads},
}


def loaded(text: str, syntax: str) -> dict[str, Flat]:
    """What each loader that accepts the text makes of it."""
    seen = {name: _load(load, text) for name, load in LOADERS.get(syntax, {}).items()}
    return {name: found for name, found in seen.items() if found is not None}


def _load(load: Callable[[str], Any], text: str) -> Flat | None:
    try:
        return dict(flat(load(text.removeprefix("\ufeff"))))
    except Exception:
        return None  # each library has its own errors; a loader that refuses the file has no say


def same(one: Any, other: Any) -> bool:
    """Equal in value and type; NaN equals NaN."""
    both_nan = isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other)
    return type(one) is type(other) and (one == other or both_nan)


def changed(before: Flat, after: Flat) -> Flat:
    """The paths whose value or type differs, with the new value (None where it is gone)."""
    paths = before.keys() | after.keys()
    return {
        path: after.get(path)
        for path in paths
        if path not in before or path not in after or not same(before[path], after[path])
    }


def faults(before: str, after: str, syntax: str, *new: Any) -> list[str]:
    """What is wrong with an edit that was to give some keys a value of `new` and leave the rest alone."""
    old, now = loaded(before, syntax), loaded(after, syntax)
    found = [f"{name} no longer loads it" for name in old.keys() - now.keys()]
    for name in old.keys() & now.keys():
        for path, value in changed(old[name], now[name]).items():
            if not any(same(value, wanted) for wanted in new):
                found.append(f"{name}: {path} became {value!r} instead of {new!r}")
    return found


def written(before: Config, text: str, name: str) -> tuple[Any, ...]:
    """What the copies of a hyperparameter hold in the edited text, as any loader gives it."""
    config = before.edited(text)
    found: list[Any] = []
    for site in sites(config.document, config.definition)[name]:
        nodes = (
            [site.source, *(node for _, node in site.candidate.pair.find(config.document))]
            if site.candidate.pair
            else [site.source]
        )
        for node in nodes:
            members = node.items if isinstance(node, Array) else (node,)
            found += [member.value for member in members if isinstance(member, Scalar)]
    return tuple(found)
