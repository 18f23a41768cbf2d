"""What other packages bring, by their entry points.

Python's own library for these takes longer to import than a small log to judge: it is asked only where one is there.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_OURS = b"[ttsdoc."
"""With this begin the groups of our entry points."""


def plugins(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of one group (`ttsdoc.checks`), of all that is installed."""
    if not _installed():
        return ()
    from importlib.metadata import entry_points

    return tuple(entry_points(group=group))


@cache
def _installed() -> bool:
    """Whether any package may bring something: one does, or packages lie where only the library finds them."""
    hidden = any(finder is not PathFinder and hasattr(finder, "find_distributions") for finder in sys.meta_path)
    return hidden or any(_may_bring(Path(place)) for place in sys.path)


def _may_bring(place: Path) -> bool:
    if place.suffix == ".egg" or place.is_file():  # an archive
        return True
    try:
        names = os.listdir(place)  # noqa: PTH208 - paths of a thousand packages take ten times as long
    except OSError:
        return False
    return any(_brings(place / name) for name in names if name.endswith((".dist-info", ".egg-info")))


def _brings(package: Path) -> bool:
    try:
        return _OURS in (package / "entry_points.txt").read_bytes()
    except OSError:  # most have none
        return False
