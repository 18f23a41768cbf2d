"""One file per check. A check is registered by being here."""

from __future__ import annotations

import inspect
import pkgutil
from abc import ABCMeta
from functools import cache
from importlib import import_module

from diagnose.checks._base import Check


@cache
def every_check() -> tuple[Check, ...]:
    """All checks with their default thresholds, ordered by code."""
    found = [
        member()
        for info in pkgutil.iter_modules(__path__)
        if not info.name.startswith("_")
        for _, member in inspect.getmembers(import_module(f"{__name__}.{info.name}"))
        # Python 3.10 takes `tuple[int, int]` for a class; an abstract base class's kind is only a class's.
        if isinstance(member, ABCMeta)
        and issubclass(member, Check)
        and not inspect.isabstract(member)
        and member.__module__.endswith(info.name)
    ]
    return tuple(sorted(found, key=lambda check: check.code))
