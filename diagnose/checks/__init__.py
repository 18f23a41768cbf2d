"""Every rule that ttsdoc knows. A check is registered by lying in one of the folders here.

`run/` judges logs, `config/` a config before anyone trains, `dataset/` the clips, `trainer/` what a trainer reads.
"""

from __future__ import annotations

import inspect
import pkgutil
from abc import ABCMeta
from collections.abc import Iterator
from functools import cache
from importlib import import_module

from diagnose.checks.base import Check

FAMILIES = ("run", "config", "dataset", "trainer")


@cache
def every_check() -> tuple[Check, ...]:
    """All checks with their default thresholds, ordered by code."""
    return tuple(sorted((check for family in FAMILIES for check in _in_package(family)), key=lambda check: check.code))


def _in_package(family: str) -> Iterator[Check]:
    package = import_module(f"{__name__}.{family}")
    for info in pkgutil.iter_modules(package.__path__):
        if info.name.startswith("_"):
            continue
        for _, member in inspect.getmembers(import_module(f"{package.__name__}.{info.name}")):
            # Python 3.10 takes `tuple[int, int]` for a class; an abstract base class's kind is only a class's.
            if (
                isinstance(member, ABCMeta)
                and issubclass(member, Check)
                and not inspect.isabstract(member)
                and member.__module__.endswith(info.name)
            ):
                yield member()
