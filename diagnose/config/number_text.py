"""Text that some reader parses as a number, and words that mean none."""

from __future__ import annotations

import re

from diagnose.config.limits import MAX_NUMBER

NOTHING = frozenset({"None", "null", "???", ""})
"""Words that stand for no value: OmegaConf keeps `None` as text, Hydra's `???` waits for the command line."""
_WRITTEN = re.compile(r"[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def is_written_number(text: str) -> bool:
    """Whether text is written as a number, by whatever YAML or its trainer."""
    return len(text) <= MAX_NUMBER and _WRITTEN.fullmatch(text) is not None


def number_of(text: str) -> int | float:
    """The number that `text` is written as."""
    text = text.replace("_", "")
    return int(text) if text.lstrip("+-").isdigit() else float(text)
