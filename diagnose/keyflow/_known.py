"""The names of library functions whose way with a config is known: presets/keyflow/libraries.yaml."""

from __future__ import annotations

import sys
from functools import cache
from importlib.resources import files

import yaml


@cache
def _sets() -> dict[str, frozenset[str]]:
    text = files("diagnose.presets").joinpath("keyflow/libraries.yaml").read_text("utf-8")
    return {kind: frozenset(names.split()) for kind, names in yaml.safe_load(text).items()}


def known(kind: str, name: str) -> bool:
    """Whether `name` is listed under `kind`."""
    return name in _sets()[kind]


def is_familiar(dotted: str) -> bool:
    """Whether this library is known not to look for config keys in the objects that it is given."""
    package = dotted.partition(".")[0]
    return package in sys.stdlib_module_names or known("familiar", package)
