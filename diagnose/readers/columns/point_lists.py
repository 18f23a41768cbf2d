"""Documents that are tables: rows by their epoch, lists of points, what pandas and TensorBoard save."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from diagnose.numbers import is_number
from diagnose.regex import regex

Rows = list[dict[str, Any]]
# `"12"`, `"epoch_12"`, `"step 400"`: what the item of this key belongs to.
_NUMBERED = regex(r"(?:(?P<what>epoch|ep|step|iter(?:ation)?)[ _-]?)?(?P<number>\d{1,18})", re.IGNORECASE)
# TensorBoard's download: wall time, step, value.
_WITH_TIME = 3


def rows_of(part: Any, name: str) -> Rows:
    """The rows of a part of a document: records in a list or by their number, columns and data, lists of points.

    Nothing where it is none of these. Points alone are called `name`.
    """
    if isinstance(part, dict):
        return _numbered(part) or _columns_and_data(part) or _points_by_name(part)
    if not isinstance(part, list) or len(part) < 2:
        return []
    return part if all(isinstance(item, dict) for item in part) else _points(name, part)


def values_by_number(part: Mapping[str, Any]) -> list[Any] | None:
    """The values of `{"0": 2.4, "1": 2.1}`, as pandas writes a column; None for any other mapping."""
    numbered = bool(part) and all(str(key).isdecimal() for key in part)
    return (
        list(part.values()) if numbered and not any(isinstance(item, dict | list) for item in part.values()) else None
    )


def _numbered(part: Mapping[str, Any]) -> Rows:
    keys = [_NUMBERED.fullmatch(str(key)) for key in part]
    return [
        {("step" if (key["what"] or "e")[0] in "sSiI" else "epoch"): int(key["number"]), **item}
        for key, item in zip(keys, part.values(), strict=True)
        if key is not None and isinstance(item, dict) and None not in keys
    ]


def of_an_epoch(key: str) -> bool:
    """Whether a key is that of one epoch or step: `epoch_12`."""
    numbered = _NUMBERED.fullmatch(key)
    return numbered is not None and numbered["what"] is not None


def _columns_and_data(part: Mapping[str, Any]) -> Rows:
    names, data = part.get("columns"), part.get("data")
    if not isinstance(names, list) or not isinstance(data, list):
        return []
    rows = [row for row in data if isinstance(row, list) and len(row) == len(names)]
    return [dict(zip(map(str, names), row, strict=True)) for row in rows]


def _points_by_name(part: Mapping[str, Any]) -> Rows:
    """Those of each name: a list of points, or the lists of their steps and values, as Sacred writes them."""
    rows = [row for name, points in part.items() for row in _points(str(name), _listed(points))]
    return sorted(rows, key=lambda row: row["step"])


def _listed(points: Any) -> list[Any]:
    if not isinstance(points, dict):
        return points if isinstance(points, list) else []
    steps, values = points.get("steps"), points.get("values")
    if not isinstance(steps, list) or not isinstance(values, list):
        return []
    return list(map(list, zip(steps, values, strict=False)))


def _points(name: str, points: Sequence[Any]) -> Rows:
    """Lists of step and value, or of wall time, step and value, whose steps rise; whole values are no loss."""
    width = len(points[0]) if points and isinstance(points[0], list) else 0
    whole = all(isinstance(point, list) and len(point) == width and all(map(is_number, point)) for point in points)
    if len(points) < 2 or width not in {_WITH_TIME - 1, _WITH_TIME} or not whole:
        return []
    steps = [point[-2] for point in points]
    rise = all(before < after for before, after in pairwise(steps)) and all(step % 1 == 0 for step in steps)
    counts = rise and any(point[-1] % 1 for point in points)
    names = ("wall_time", "step", name)[-width:]
    return [dict(zip(names, point, strict=True)) for point in points] if counts else []
