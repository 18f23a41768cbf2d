"""Is this loss good? One table a model family says what to expect, by data set size and by epoch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from diagnose.facts import Facts, TargetBand
from diagnose.finding import Confidence
from diagnose.project import preset_texts, safe_yaml


@dataclass(frozen=True, slots=True)
class Quality:
    """A rung of the ladder: losses from `floor` up to the next rung deserve this word."""

    floor: float
    word: str
    meaning: str


@dataclass(frozen=True, slots=True)
class TargetTable:
    """What a model family's loss should be. All losses in the unit that `loss` names."""

    family: str
    loss: str
    confidence: Confidence
    source: str
    ladder: tuple[Quality, ...]
    """Highest floor first."""
    targets: tuple[tuple[float, float, float], ...]
    """(clips up to, low, high), smallest data sets first; the last row holds every size."""
    path: tuple[tuple[float, float], ...]
    """(epoch, loss) of a healthy run, where one is known."""
    also: tuple[str, ...] = ()
    """Other families whose loss is this very one."""

    def band(self, samples: int | None) -> TargetBand:
        """The band to aim at with `samples` clips; the span of those of all sizes where it is not known."""
        rows = [(low, high) for up_to, low, high in self.targets if samples is None or samples <= up_to]
        rows = rows if samples is None else rows[:1]
        low, high = min(low for low, _ in rows), max(high for _, high in rows)
        return TargetBand(self.family, low, high, self.confidence, self.source, self.loss, self.path, len(rows) == 1)

    def quality(self, loss: float) -> Quality:
        """The rung on which `loss` stands."""
        return next((rung for rung in self.ladder if loss >= rung.floor), self.ladder[-1])


@cache
def tables() -> dict[str, TargetTable]:
    """Family -> table, for every file in `presets/targets/`, also by the names of kin that share its loss."""
    found = [_table(text) for _, text in preset_texts("targets")]
    return {name: table for table in found for name in (table.family, *table.also)}


def _table(text: str) -> TargetTable:
    raw = safe_yaml(text)
    return TargetTable(
        raw["family"],
        raw["loss"],
        Confidence(raw["confidence"]),
        raw["source"],
        tuple(Quality(rung["from"], rung["word"], rung["meaning"]) for rung in raw["quality"]),
        tuple((np.inf if row["up_to"] is None else row["up_to"], row["low"], row["high"]) for row in raw["targets"]),
        tuple((row["epoch"], row["loss"]) for row in raw["path"]),
        tuple(raw.get("also", ())),
    )


def with_target(facts: Facts) -> Facts:
    """The facts with the band that the family and the data set size ask for, where none is given and a table has it."""
    table = tables().get(facts.family) if facts.family else None
    if table is None or facts.target is not None:
        return facts
    return replace(facts, target=table.band(facts.samples))
