"""Steps, epochs and evaluations: one interval said in the unit of another."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from diagnose.numbers import is_number

STEPS = frozenset({"steps", "updates", "micro_steps", "iters", "batches"})
"""A step is whatever the trainer counts as one: the prescription read it from the same trainer's log."""


SHARE_OF_EPOCH = "share of the epoch"
SHARE_OF_RUN = "share of the run"


class UnitError(Exception):
    """The value cannot be said in the unit of the file. The message is the reason."""


@dataclass(frozen=True, slots=True)
class Clock:
    """How many steps and evaluations an epoch holds, where that is known."""

    steps_per_epoch: int | None = None
    epochs_per_eval: float | None = None

    def convert(self, value: float, unit: str, target: str) -> float:
        """`value` of `unit` in units of `target`. Raises UnitError where it cannot be known."""
        if unit == target or {unit, target} <= STEPS:
            return value
        if unit == "evals" and target == "epochs":
            return max(1, round(value * (self.epochs_per_eval or 1)))
        if unit in STEPS and target in _FROM_EPOCHS:
            return _FROM_EPOCHS[target](value / self._epoch(target))
        if unit == "epochs" and target in STEPS:
            return value * self._epoch(target)
        raise UnitError(f"the file counts it in {target}, which {unit} cannot be turned into")

    def _epoch(self, target: str) -> int:
        if self.steps_per_epoch is None:
            raise UnitError(f"the file counts it in {target}: give the number of clips (--samples) to convert it")
        return self.steps_per_epoch


_FROM_EPOCHS: Mapping[str, Callable[[float], float]] = {
    "epochs": lambda epochs: max(1, round(epochs)),
    "per_epoch": lambda epochs: max(1, round(1 / epochs)),
    SHARE_OF_EPOCH: lambda epochs: min(1.0, float(f"{epochs:.3g}")),
}


AN_UPDATE = "samples an update"
"""The unit of a batch that counts what one update sees, accumulation included (DeepSpeed's `train_batch_size`)."""


def clips_per_update(batches: Iterable[tuple[Any, str | None]], accumulation: Any) -> float | None:
    """Clips behind one update; None: cannot be known. `batches`: every batch size of the config, with its unit."""
    known = [(size, unit) for size, unit in batches if is_number(size) and size > 0]
    whole = next((size for size, unit in known if unit == AN_UPDATE), None)
    if whole is not None:
        return whole
    size, unit = known[0] if known else (None, None)
    if size is None or unit not in {None, "samples"}:
        return None
    return size * accumulation if is_number(accumulation) and accumulation > 0 else size


def steps_per_epoch(samples: int, batch_size: float, accumulation: float = 1) -> int:
    """Optimizer updates in one pass over `samples` clips, the last incomplete one included."""
    return max(1, math.ceil(samples / max(1.0, batch_size * max(1.0, accumulation))))
