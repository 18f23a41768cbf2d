"""NaN that only says that a column has no value on this row."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from diagnose.readers.columns.column import Column
from diagnose.readers.roles.tags import read_tag

# A loss that comes back from NaN so often was not there on those rows: one that diverged does not.
_RETURNS = 2


def without_placeholders(columns: Mapping[str, Column]) -> dict[str, Column]:
    """The losses of one table without the NaN that are where another loss has its value.

    So tables are filled whose rows hold either a training or a validation loss: beside a training loss that is not
    there the other one never is.
    """
    losses = {name: column for name, column in columns.items() if read_tag(name).lossy}
    filled = {name: column.places[np.isfinite(column.values)] for name, column in losses.items()}
    kept = dict(columns)
    for name, column in losses.items():
        known = np.isfinite(column.values)
        returns = int((np.diff(known.astype(np.int8)) > 0).sum())
        others = [places for other, places in filled.items() if other != name]
        if not read_tag(name).held_out:
            others = [places for places in others if not np.isin(column.places[known], places).any()]
        if known.all() or not others or not known.any():
            continue
        there = np.isin(column.places[~known], np.concatenate(others))
        first = not known[0] and returns == 1 and bool(known[int(np.argmax(known)) :].all())
        if there.all() and (returns >= _RETURNS or first):
            kept[name] = column.where(known)
    return kept
