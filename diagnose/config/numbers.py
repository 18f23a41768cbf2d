"""The one answer to what is a number, and what text some reader takes for one."""

from __future__ import annotations

import re
from typing import Any, TypeGuard

from diagnose.config.node import MAX_NUMBER

NOTHING = frozenset({"None", "null", "???", ""})
"""Words that stand for no value: OmegaConf keeps `None` as text, Hydra's `???` waits for the command line."""
_WRITTEN = re.compile(r"[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def is_number(value: Any) -> TypeGuard[int | float]:
    """A real or whole number; truth values are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_written_number(text: str) -> bool:
    """Whether text is written as a number, by whatever YAML or its trainer."""
    return len(text) <= MAX_NUMBER and _WRITTEN.fullmatch(text) is not None


def number_of(text: str) -> int | float:
    """The number that `text` is written as."""
    text = text.replace("_", "")
    return int(text) if text.lstrip("+-").isdigit() else float(text)
