"""What authors ship and users train with (`presets/ranges.yaml`), looked up for one config."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from diagnose.config import Config
from diagnose.config.dialect import Place
from diagnose.config.effective import is_dead
from diagnose.config.reading import plain
from diagnose.numbers import is_number
from diagnose.project import preset

_NAMES = ("model", "model.name", "model.type", "model_name", "model_type", "architecture", "name")
_ADAPTERS = (
    *("lora_r", "adapter", "finetuning_type", "use_peft", "lora.lora_r", "lora_rank", "lora_config"),
    "model.lora_config",
)
_NO_ADAPTER = re.compile(r"(?i)^(full|freeze|none|false|0|)$")


@dataclass(frozen=True, slots=True)
class Range:
    """The lowest and highest value in use, and where that is known from."""

    title: str
    """Of what: a family, an optimizer."""
    lowest: float
    highest: float
    source: str
    first: float | None = None
    """What to try first."""
    fine_tuning: float | None = None
    """What to try first where trained weights are the start."""


def ranges(config: Config, family: str | None) -> dict[str, Range]:
    """Hyperparameter -> the range that holds for this config; `frames` is a batch counted in mel frames."""
    fitting = [spans(entry) for entry in entries() if _fits(entry, config, family)]
    return {name: span for found in reversed(fitting) for name, span in found.items()}


def spans(entry: Mapping[str, Any]) -> dict[str, Range]:
    """The ranges of one entry, by hyperparameter."""
    found = {}
    for name, data in entry.items():
        if isinstance(data, dict):
            lowest, highest = map(float, data["range"])
            known = (data["source"], data.get("first"), data.get("fine_tuning"))
            found[name] = Range(entry["title"], lowest, highest, *known)
    return found


def _fits(entry: Mapping[str, Any], config: Config, family: str | None) -> bool:
    """Whether the conditions of an entry hold: its optimizer, a LoRA, and the family, the dialect or the name."""
    named, asked = None if is_dead(config, "optimizer") else config.value("optimizer"), entry.get("optimizer", "")
    known = isinstance(named, str) and named
    if asked and not (re.search(asked, known) if known else entry.get("optimizer_of_family")):
        return False
    if entry.get("adapter") and not is_adapter(config):
        return False
    if not {"families", "dialects", "named"} & entry.keys():
        return True
    names = (name for path in _NAMES if isinstance(name := Place(path).scalar(config.document), str))
    called = "named" in entry and any(re.search(entry["named"], name) for name in names)
    return family in entry.get("families", ()) or config.dialect in entry.get("dialects", ()) or called


def first_learning_rate(config: Config, family: str | None) -> tuple[float, Range] | None:
    """What to try first, and the range that it comes from.

    None where neither family nor optimizer is known, and where the config has a factor in the place of the rate.
    """
    span, rate = ranges(config, family).get("learning_rate"), config.value("learning_rate")
    if span is None or span.first is None or (is_number(rate) and is_multiplier(config, rate)):
        return None
    tuned = span.fine_tuning is not None and isinstance(config.value("init_checkpoint"), str)
    return (span.fine_tuning if tuned and span.fine_tuning is not None else span.first), span


def is_multiplier(config: Config, rate: float) -> bool:
    """Whether the rate is a factor of a schedule that computes its own (Noam, a lambda); some keep it beside rates."""
    return rate >= LEAST_MULTIPLIER and any(map(_NOAM.fullmatch, _words(plain(config.document.root))))


def _words(value: Any) -> Iterator[str]:
    """Every text in a tree, with that of the files that a config builds on."""
    if isinstance(value, str):
        yield value
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for one in inside:
        yield from _words(one)


LEAST_MULTIPLIER = 0.1
"""Vaswani et al. 2017 have the factor 1; OpenNMT's recipes 2, DiffSinger's 2, ESPnet's 0.1 to 10."""
_NOAM = re.compile(r"(?i)[\w.]*(?:noam|rsqrt|inv(?:erse)?_?sqrt|lambda\w*(?:lr|schedule))[\w.]*")


def is_adapter(config: Config) -> bool:
    """Whether the config trains a LoRA, not the whole model."""
    values = (Place(path).scalar(config.document) for path in _ADAPTERS)
    named = any(value is not None and not _NO_ADAPTER.match(str(value)) for value in values)
    return named or "lora" in str(Place("model._component_").scalar(config.document)).lower()


def entries() -> list[dict[str, Any]]:
    """Every entry of `presets/ranges.yaml`, in order."""
    return list(preset("ranges.yaml")["entries"])
