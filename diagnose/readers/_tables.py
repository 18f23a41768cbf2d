"""Tables (CSV files, JSON lines, histories) as columns: which of the names count steps, epochs or seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from diagnose.readers._columns import EPOCH, ITERATION, PER_EPOCH, STEP, WALL_TIME, Column

# Best first: a name further right counts only where none before it is there.
# `_step` (wandb) counts rows, so the trainer's own counter comes before it.
_STEPS = (
    *("global_step", "globalstep", "trainer/global_step", "train/global_step", "current_steps", "num_updates", "step"),
    *("steps", "iteration", "iter", "iterations", "iters", "it", "update", "updates", "num_iters", "n_iter", "_step"),
)
_EPOCHS = ("epoch", "epochs", "train/epoch", "ep", "num_epochs", "epoch_num", "current_epoch")
_ITERATIONS = ("batch", "batch_idx", "minibatch", "step_in_epoch")
_WALLS = ("_timestamp", "wall time", "wall_time", "timestamp", "walltime")
_COUNTERS = ((STEP, _STEPS), (EPOCH, _EPOCHS), (ITERATION, _ITERATIONS), (WALL_TIME, _WALLS))


def counters_in(names: Iterable[str]) -> dict[str, str]:
    """Counter -> the name that a table has for it."""
    plain = {name.strip().casefold(): name for name in reversed(list(names))}
    found = {}
    for counter, aliases in _COUNTERS:
        name = next((plain[alias] for alias in aliases if alias in plain), None)
        if name is not None:
            found[counter] = name
    return found


def columns_of_rows(rows: Sequence[Mapping[str, Any]], per_epoch: str | None = None) -> dict[str, Column]:
    """Columns from one mapping a row. Values that are no numbers are left out."""
    cells: dict[str, tuple[list[int], list[float]]] = {}
    for place, row in enumerate(rows):
        for name, value in row.items():
            number = value if type(value) is float else to_number(value)
            if number is not None:
                places, values = cells.setdefault(name, ([], []))
                places.append(place)
                values.append(number)
    columns = {
        name: Column(np.asarray(places, np.int64), np.asarray(values)) for name, (places, values) in cells.items()
    }
    return with_counters(columns, per_epoch)


def with_counters(columns: Mapping[str, Column], per_epoch: str | None = None) -> dict[str, Column]:
    """The same columns with those that count under the names of counters; the epoch stays a curve as well."""
    counters = counters_in(columns)
    if per_epoch is not None and per_epoch in columns:
        counters[PER_EPOCH] = per_epoch
    taken = set(counters.values())
    kept = {name: column for name, column in columns.items() if name not in taken}
    return kept | {counter: columns[name] for counter, name in counters.items()}


def to_number(value: Any) -> float | None:
    """The number in a cell: a number, or a string that holds one (fairseq and Transformers 5 quote theirs)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        try:
            return float(value)
        except OverflowError:
            return None
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    return None
