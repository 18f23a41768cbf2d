"""CSV tables with one number a row, its name in a cell: MLflow's metrics, tidy exports (`run,tag,step,value`)."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from diagnose.errors import LogError
from diagnose.readers.columns import MOST_NAMES
from diagnose.readers.columns.cells import LONGEST_ROW
from diagnose.readers.columns.tables import to_number
from diagnose.readers.sources import Source
from diagnose.run import Curve, FloatArray, InputHealth, Run

if TYPE_CHECKING:
    import pandas as pd

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
_DELIMITERS = ",\t;"
_LOOKED_AT = 12
# Seconds since 1970 reach this in the year 5138; MLflow counts milliseconds.
_MILLISECONDS = 1e11


def sniff(source: Source) -> int:
    """A header that names a metric and its value, above rows whose metric is a word."""
    head = source.head()
    if b"\0" in head or b"\n" not in head:
        return 0
    lines = head.decode("utf-8-sig", errors="replace").splitlines()[:_LOOKED_AT]
    header, *rows = csv.reader(lines, delimiter=_delimiter(lines[0]))
    places = _places(header)
    if not {"tag", "value"} <= places.keys() or not places.keys() & {"step", "epoch", "time"} or not rows:
        return 0
    names = [row[places["tag"]] for row in rows if len(row) == len(header)]
    return 95 if names and all(name and to_number(name) is None for name in names) else 0


def read(source: Source) -> Run:
    """Every name as a curve, of the run with the most rows. Raises LogError where there is no number."""
    table, torn = _table(source)
    table, others = _one_run(table)
    table["number"] = _numbers(table)
    told = table["number"].notna() | _said_nan(table)
    curves: dict[str, Curve] = {}
    for tag, rows in table[told].groupby("tag", sort=False):
        if len(curves) < MOST_NAMES:
            curves[str(tag)] = _curve(str(tag), rows)
    if not curves:
        raise LogError(f"{source.name}: no numbers in its column of values: is this a training log?")
    bad = torn + int((~told).sum())
    lost = [f"{bad} rows without a number, or with another number of cells than the header, were left out"]
    return Run(
        source.label,
        source.name,
        "long-csv",
        curves,
        sources=(source.name,),
        health=InputHealth(files=1, records=int(told.sum()), bad_records=bad),
        notes=(*others, *(lost if bad else [])),
    )


def _delimiter(line: str) -> str:
    return max(_DELIMITERS, key=line.count)


def _places(header: Sequence[str]) -> dict[str, int]:
    """What each column holds -> its place."""
    plain = [name.strip().casefold().replace(" ", "_") for name in header]
    found: dict[str, int] = {}
    for what, names in _COLUMNS.items():
        name = next((name for name in names if name in plain), None)
        if name is not None:
            found[what] = plain.index(name)
    return found


def _table(source: Source) -> tuple[pd.DataFrame, int]:
    """The cells as text, columns called after what they hold, and how many rows were torn."""
    import pandas as pd

    with source.open() as file:
        text = file.read().replace(b"\0", b"").decode("utf-8-sig", errors="replace").splitlines()
    lines = (line if len(line) <= LONGEST_ROW else "-" for line in text)
    header, *rows = csv.reader(lines, delimiter=_delimiter(text[0]))
    rows = [row for row in rows if row]
    whole = [row for row in rows if len(row) == len(header)]
    cells = {what: [row[place].strip() for row in whole] for what, place in _places(header).items()}
    return pd.DataFrame(cells, dtype=str), len(rows) - len(whole)


def _one_run(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The rows of the run that has most, and a note on the others."""
    if "run" not in table or table["run"].nunique() < 2:
        return table, []
    counts = {str(name): int(count) for name, count in table["run"].value_counts().items()}
    (taken, most), *others = counts.items()
    names = ", ".join(name for name, _ in others[:3])
    note = f"{len(counts)} runs in one table: {taken} ({most:,} rows) is read, not {names}"
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    return table[table["run"] == taken].copy(), [f"{note}{more}: write each to a file of its own"]


def _numbers(table: pd.DataFrame) -> pd.Series[float]:
    """The values; NaN too where MLflow's column `is_nan` says that the 0 beside it is none."""
    import pandas as pd

    numbers: pd.Series[float] = pd.to_numeric(table["value"], errors="coerce").astype(float)
    return numbers.mask(_marked_nan(table))


def _said_nan(table: pd.DataFrame) -> pd.Series[bool]:
    """Which values are NaN because the log says so."""
    return table["value"].str.casefold().isin(["nan", "-nan"]) | _marked_nan(table)


def _marked_nan(table: pd.DataFrame) -> pd.Series[bool]:
    marks = table["is_nan"] if "is_nan" in table else table["value"].str.slice(0, 0)
    return marks.str.casefold().isin(["1", "true", "t"])


def _curve(tag: str, rows: pd.DataFrame) -> Curve:
    """In order of steps; of the rows where there is none, or where every step is 0 because it was forgotten."""
    step, epoch, time = (_clock(rows, name) for name in ("step", "epoch", "time"))
    counted = step is not None and (len(rows) < 2 or bool(step.any()))
    steps = step if counted and step is not None else np.arange(len(rows), dtype=float)
    order = np.argsort(steps if counted or time is None else time, kind="stable")
    values = rows["number"].to_numpy(float)[order]
    walls, epochs = (None if clock is None else clock[order] for clock in (time, epoch))
    return Curve(tag, np.sort(steps).astype(np.int64), values, walls, epochs, counted=counted)


def _clock(rows: pd.DataFrame, name: str) -> FloatArray | None:
    """A column of times, seconds since 1970, or of counts; None where a cell is missing."""
    import pandas as pd

    if name not in rows:
        return None
    clock = pd.to_numeric(rows[name], errors="coerce").to_numpy(float)
    if name == "time" and np.isnan(clock).all():
        return _dates(rows[name])
    if not np.isfinite(clock).all() or np.abs(clock).max() >= 2.0**62:
        return None
    return clock / 1000 if name == "time" and clock.max() > _MILLISECONDS else clock


def _dates(cells: pd.Series[str]) -> FloatArray | None:
    """Seconds since 1970 of times as they are written; None where one cannot be read."""
    import pandas as pd

    dates = pd.to_datetime(cells, errors="coerce", utc=True, format="mixed")
    seconds: FloatArray = (dates - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy(float)
    return seconds if np.isfinite(seconds).all() else None
