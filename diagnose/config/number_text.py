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


def numbers_in(text: str) -> list[int | float]:
    """The members of a list of numbers that YAML reads as text (`(0.9, 0.98)`); empty where it is none."""
    text = text.strip()
    parts = [part.strip() for part in text[1:-1].split(",")] if text[:1] + text[-1:] in {"()", "[]"} else []
    return [number_of(part) for part in parts] if all(map(is_written_number, parts)) else []
