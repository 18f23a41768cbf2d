"""Tables inside text logs: rows of numbers get the names of the header above them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from diagnose.readers._columns import Column
from diagnose.readers._guess import CELL, HEADER
from diagnose.readers._tables import counters_in


def with_headers(columns: Mapping[str, Column]) -> dict[str, Column]:
    """The columns with every `cell 2/5` under the second name of the five-column header before it."""
    named = {name: column for name, column in columns.items() if not name.startswith((HEADER, CELL))}
    headers = {name.removeprefix(HEADER): column for name, column in columns.items() if name.startswith(HEADER)}
    for header, where in headers.items():
        names = header.split("\t")
        cells = [columns.get(f"{CELL}{number}/{len(names)}") for number in range(len(names))]
        counters = {name: counter for counter, name in counters_in(names).items()}
        for name, cell in zip(names, cells, strict=True):
            below = _below(cell, int(where.places[0]))
            if below is not None and name:
                named[counters.get(name, name)] = below
    return named


def _below(column: Column | None, place: int) -> Column | None:
    if column is None:
        return None
    keep = column.places > place
    return Column(column.places[keep], column.values[keep]) if np.any(keep) else None
