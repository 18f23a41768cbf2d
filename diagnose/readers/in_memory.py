"""What is already in memory: a tidy frame (tag, step, value) or a mapping of lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from diagnose.errors import LogError
from diagnose.readers.columns import COUNTERS, Column, curves_of
from diagnose.readers.columns.tables import columns_of_points, with_counters
from diagnose.readers.roles import assign_roles
from diagnose.run import Run

if TYPE_CHECKING:
    import pandas as pd

Lists = Mapping[str, Sequence[float]]
"""Name of a series -> its values; a series called `step` (or `epoch`) counts the others."""


def run_in_memory(data: pd.DataFrame | Lists, name: str = "run") -> Run:
    """The run that a frame or a mapping of lists holds. Raises LogError for columns that do not fit together."""
    columns = {str(key): np.asarray(data[key]) for key in (data if isinstance(data, Mapping) else data.columns)}
    if {"tag", "step", "value"} <= columns.keys():
        rows = zip(*(columns[key].tolist() for key in ("tag", "step", "value")), strict=True)
        named = columns_of_points([{"global_step": step, "wall_time": None, tag: value} for tag, step, value in rows])
    else:
        named = with_counters({key: _column(values) for key, values in columns.items()})
    lengths = sorted({len(values) for values in columns.values()})
    if len(lengths) > 1 and named.keys() & COUNTERS:
        raise LogError(f"{name}: {lengths[-1]} values, {lengths[0]} steps")
    story = curves_of(named)
    if not story.curves:
        raise LogError(f"{name}: no series in it; give columns tag, step, value, or lists by name")
    return assign_roles(Run(name, name, "memory", story.curves))


def _column(values: npt.NDArray[np.generic]) -> Column:
    return Column(np.arange(len(values)), values.astype(np.float64))
