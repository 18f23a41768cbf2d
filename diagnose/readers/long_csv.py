"""CSV tables whose rows say what they hold: its name (MLflow's metrics, `run,tag,step,value`), or its split."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence

from diagnose.readers.columns import curves_of
from diagnose.readers.columns.cells import LONGEST_ROW
from diagnose.readers.columns.tables import (
    columns_of_points,
    columns_of_rows,
    seconds_of,
    split_named,
    spread,
    to_number,
)
from diagnose.readers.roles import HELD_OUT
from diagnose.readers.sources import Source
from diagnose.regex import regex
from diagnose.run import InputHealth, Run

# What the columns are called, best first: by MLflow (its database, its web page), TensorBoard's data frames, ttsdoc.
_COLUMNS = {
    "tag": ("key", "metric", "metric_name", "metric_key", "tag", "name", "variable"),
    "value": ("value", "metric_value", "scalar"),
    "step": ("step", "steps", "global_step", "iteration"),
    "epoch": ("epoch",),
    "time": ("timestamp", "wall_time", "time"),
    "run": ("run_id", "run_uuid", "run", "run_name"),
    "is_nan": ("is_nan",),
}
_CLOCKS = frozenset({"step", "epoch", "time", "run", "is_nan"})
_WORDS = frozenset({"tag", "split"})
# What rows without a header hold at least.
_CELLS = ("name", "step", "value")
# `metricName`, as Comet exports it.
_CAPITAL = regex(r"(?<=[a-z])(?=[A-Z])")
_DELIMITERS = ",\t;|"
# Rows in which both splits must be named, if they are.
_LOOKED_AT = 500


def sniff(source: Source) -> int:
    """A header that names a metric and its value above rows whose metric is a word, or a column that names splits."""
    head = source.head()
    if b"\0" in head or b"\n" not in head:
        return 0
    lines = head.decode("utf-8-sig", errors="replace").splitlines()[:_LOOKED_AT]
    header, *rows = _with_header(list(csv.reader(lines, delimiter=_delimiter(lines[0]))))
    rows = [row for row in rows if len(row) == len(header)]
    places = _places(header)
    if len(header) > 1 and _split_column(rows):
        return 95
    if not {"tag", "value"} <= places.keys() or not places.keys() & {"step", "epoch", "time"} or not rows:
        return 0
    names = [row[places["tag"]] for row in rows]
    return 95 if names and all(name and to_number(name) is None for name in names) else 0


def read(source: Source) -> Run:
    """Every name as a curve, of the run with the most rows. Raises LogError where there is no number."""
    rows, torn = _rows(source)
    rows, others = _one_run(rows)
    points = [point for point in map(_point, rows) if point is not None]
    bad = torn + len(rows) - len(points)
    lost = [f"{bad} rows without a number, or with another number of cells than the header, were left out"]
    health = InputHealth(files=1, records=len(points), bad_records=bad)
    empty = "no numbers in its column of values: is this a training log?"
    named = bool(rows) and {"tag", "value"} <= rows[0].keys()
    story = curves_of(columns_of_points(points) if named else columns_of_rows(points))
    return story.run(source, "long-csv", health, [*others, *(lost if bad else [])], empty=empty)


def _with_header(rows: list[list[str]]) -> list[list[str]]:
    """The rows, below a header where they have none: `train loss | 133.28 | 0 | 18.5`, a name, its value, its step.

    Each name comes again, and numbers are behind it: what counts is whole and never falls, and nor does a clock.
    """
    whole = [row for row in rows[:_LOOKED_AT] if len(row) == len(rows[0])]
    if not whole or len(whole[0]) < len(_CELLS):
        return rows
    names, *columns = zip(*whole, strict=True)
    numbers = [[number for cell in column if (number := to_number(cell.strip())) is not None] for column in columns]
    if any(len(column) < len(whole) for column in numbers) or 2 * len({*names}) > len(names):
        return rows
    if any(to_number(name.strip()) is not None for name in names):
        return rows
    rising = [column == sorted(column) for column in numbers]
    counts = [rises and all(not one % 1 for one in column) for rises, column in zip(rising, numbers, strict=True)]
    if True not in counts or all(rising):
        return rows
    called = ["time" if rises else f"column {place}" for place, rises in enumerate(rising)]
    name, called[counts.index(True)], called[rising.index(False)] = _CELLS
    return [[name, *called], *rows]


def _delimiter(line: str) -> str:
    return max(_DELIMITERS, key=line.count)


def _places(header: Sequence[str]) -> dict[str, int]:
    """What each column holds -> its place."""
    plain = [_CAPITAL.sub("_", name.strip()).casefold().replace(" ", "_") for name in header]
    found: dict[str, int] = {}
    for what, names in _COLUMNS.items():
        name = next((name for name in names if name in plain), None)
        if name is not None:
            found[what] = plain.index(name)
    return found


def _rows(source: Source) -> tuple[list[dict[str, str]], int]:
    """The cells, called after what they hold or else by the header, and how many rows were torn."""
    with source.open() as file:
        text = file.read().replace(b"\0", b"").decode("utf-8-sig", errors="replace").splitlines()
    lines = (line if len(line) <= LONGEST_ROW else "-" for line in text)
    header, *rows = _with_header([row for row in csv.reader(lines, delimiter=_delimiter(text[0])) if row])
    whole = [row for row in rows if len(row) == len(header)]
    places = _places(header) | _split_column(whole)
    names = {place: what for what, place in places.items()}
    called = [names.get(place, name) for place, name in enumerate(header)]
    return [dict(zip(called, map(str.strip, row), strict=True)) for row in whole], len(rows) - len(whole)


def _split_column(rows: Sequence[Sequence[str]]) -> dict[str, int]:
    """The column that says on which split a row was measured: words for training and for held-out data are in it."""
    splits = [{split_named(word) for word in column} for column in zip(*rows[:_LOOKED_AT], strict=True)]
    found = (place for place, named in enumerate(splits) if "train" in named and not named.isdisjoint(HELD_OUT))
    place = next(found, None)
    return {} if place is None else {"split": place}


def _one_run(rows: list[dict[str, str]]) -> tuple[list[dict[str, str]], list[str]]:
    """The rows of the run that has most, and a note on the others."""
    (taken, most), *others = Counter(row.get("run", "") for row in rows).most_common() or [("", 0)]
    if not others:
        return rows, []
    names = ", ".join(name for name, _ in others[:3])
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    note = f"{len(others) + 1} runs in one table: {taken} ({most:,} rows) is read, not {names}{more}"
    return [row for row in rows if row["run"] == taken], [f"{note}: write each to a file of its own"]


def _point(row: Mapping[str, str]) -> dict[str, float | None] | None:
    """The numbers of a row and when they were logged; None without one. MLflow writes 0 for NaN, and marks it."""
    cells = {name: cell if name in _WORDS else to_number(cell) for name, cell in row.items() if name not in _CLOCKS}
    if row.get("is_nan", "").casefold() in {"1", "true", "t"}:
        cells["value"] = float("nan")
    numbers = {name: number for name, number in spread(cells).items() if isinstance(number, float)}
    clocks = {"epoch": to_number(row.get("epoch", "")), "wall_time": seconds_of(row.get("time", ""))}
    return {**clocks, "global_step": to_number(row.get("step", "")), **numbers} if numbers else None
