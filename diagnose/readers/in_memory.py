"""What is already in memory: a tidy frame (tag, step, value) or a mapping of lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from diagnose.errors import LogError
from diagnose.readers.roles import assign_roles
from diagnose.run import Curve, Run

if TYPE_CHECKING:
    import pandas as pd

Lists = Mapping[str, Sequence[float]]
"""Name of a series -> its values; a series called `step` (or `epoch`) counts the others."""
CLOCKS = ("step", "steps", "global_step", "epoch", "iteration")


def run_in_memory(data: pd.DataFrame | Lists, name: str = "run") -> Run:
    """The run that a frame or a mapping of lists holds. Raises LogError for columns that do not fit together."""
    columns: Mapping[str, Any] = data if isinstance(data, Mapping) else {str(name): data[name] for name in data.columns}
    curves = dict(_tidy(data) if {"tag", "step", "value"} <= columns.keys() else _lists(columns))
    if not curves:
        raise LogError(f"{name}: no series in it; give columns tag, step, value, or lists by name")
    return assign_roles(Run(name, name, "memory", curves))


def _tidy(frame: Any) -> Iterator[tuple[str, Curve]]:
    for tag, rows in frame.groupby("tag", sort=False):
        yield str(tag), _curve(str(tag), rows["step"].to_numpy(), rows["value"].to_numpy())


def _lists(columns: Mapping[str, Any]) -> Iterator[tuple[str, Curve]]:
    clock = next((name for name in columns if name.lower() in CLOCKS), None)
    for tag, values in columns.items():
        if tag != clock:
            steps = np.arange(1, len(values) + 1) if clock is None else np.asarray(columns[clock])
            yield tag, _curve(tag, steps, np.asarray(values, dtype=np.float64))


def _curve(tag: str, steps: Any, values: Any) -> Curve:
    if len(steps) != len(values):
        raise LogError(f"{tag}: {len(values)} values, {len(steps)} steps")
    order = np.argsort(steps, kind="stable")
    logged = ~np.isnan(np.asarray(steps, dtype=np.float64)[order])
    return Curve(tag, np.asarray(steps)[order][logged].astype(np.int64), np.asarray(values, np.float64)[order][logged])
