"""What runs can be sorted by. Apart, so that `--help` need not load what sorts them."""

from __future__ import annotations

from enum import Enum


class Order(str, Enum):
    """What runs can be sorted by."""

    VERDICT = "verdict"
    BEST = "best"
    NAME = "name"
    STEPS = "steps"
