"""Names of libraries and functions that mean something for a config, from `presets/usage/libraries.yaml`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def _lists() -> Mapping[str, frozenset[str]]:
    import yaml

    text = (files("diagnose.presets") / "usage" / "libraries.yaml").read_text("utf-8")
    return {name: frozenset(listed.split()) for name, listed in yaml.safe_load(text).items()}


def names_of(name: str) -> frozenset[str]:
    """The names listed under `name`."""
    return _lists()[name]


def is_familiar(library: str) -> bool:
    """Whether a library may be given a config and looks up no keys of the trainer's own in it."""
    return library in names_of("familiar") or library == "builtins" or library in sys.stdlib_module_names
