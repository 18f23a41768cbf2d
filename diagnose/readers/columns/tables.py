"""Tables (CSV files, JSON lines, histories) as columns: which of the names count steps, epochs or seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import numpy as np

from diagnose.readers.columns import EPOCH, FOLD, ITERATION, MOST_NAMES, PER_EPOCH, STEP, WALL_TIME, Column
from diagnose.readers.roles import HELD_OUT, in_english, read_tag
from diagnose.run import FloatArray, IntArray

# Best first: a name further right counts only where none before it is there.
# `_step` (wandb) counts rows, so the trainer's own counter comes before it.
_STEPS = (
    *("global_step", "globalstep", "trainer/global_step", "train/global_step", "current_steps", "num_updates", "step"),
    *(
        "steps",
        "iteration",
        "iter",
        "iterations",
        "iters",
        "it",
        "update",
        "updates",
        "num_iters",
        "n_iter",
        "#",
        *(
            "timesteps",
            "total_timesteps",
            "time/total_timesteps",
            "num_timesteps",
            "env_steps",
            "frames",
            "episode",
            "episodes",
        ),
        "_step",
    ),
)
_EPOCHS = ("epoch", "epochs", "train/epoch", "ep", "e", "num_epochs", "epoch_num", "current_epoch")
_ITERATIONS = ("batch", "batch_idx", "minibatch", "step_in_epoch")
_WALLS = ("_timestamp", "wall time", "wall_time", "timestamp", "walltime")
# Levels of a record that are looked into.
_DEEPEST = 4
# Seconds since 1970 reach this in the year 5138; MLflow counts milliseconds.
_MILLISECONDS = 1e11
# What a column is called that says on which split a row was measured, and one that names what a row measured.
_SPLITS = ("split", "phase", "mode", "stage", "set", "subset", "partition", "dataset", "type", "kind", "event", "msg")
_NAMES = ("tag", "name", "metric", "key")
# The share of the rows at which a column without a name must count on. Source: our choice.
_MOST = 0.9
_NO_NUMBERS = frozenset({dict, list, bool, type(None)})
# What numbers the trainings of one table.
_TRAININGS = ("fold", "k_fold", "kfold", "cv_fold", "trial", "seed", "run", "run_id")
_COUNTERS = ((STEP, _STEPS), (EPOCH, _EPOCHS), (ITERATION, _ITERATIONS), (WALL_TIME, _WALLS))


def counters_in(names: Iterable[str]) -> dict[str, str]:
    """Counter -> the name that a table has for it."""
    plain = {in_english(name).strip().casefold(): name for name in reversed(list(names))}
    found = {}
    for counter, aliases in _COUNTERS:
        name = next((plain[alias] for alias in aliases if alias in plain), None)
        if name is not None:
            found[counter] = name
    return found


def is_whole(values: FloatArray) -> bool:
    """Whether all are whole numbers."""
    return bool(np.isfinite(values).all()) and not (values % 1).any()


MOST_UNNAMED = 3
"""Columns without a name of which the first is taken for the loss. Source: our choice; of a GAN's six it is not."""


def names_without_header(columns: Sequence[FloatArray]) -> list[str]:
    """Names for columns of numbers without a header: those that count, in front or last of two, the training loss."""
    whole = [*map(is_whole, columns[:2]), False]
    counts = whole.index(False) if _rises(columns[0], still=True) else 0
    within = counts == 2 and _begins_anew(columns[1], columns[0])
    if counts and not within and not _rises(columns[counts - 1]):
        counts = 0
    names = [["epoch", "batch" if within else "step"], ["step"], []][2 - counts]
    names += [f"column {number}" for number in range(counts + 1, len(columns) + 1)]
    loss = next((number for number in range(counts, len(columns)) if not is_whole(columns[number])), counts)
    # Of many it is not known which is the loss; what begins below 0 is more often a reward.
    if 0 < len(columns) - counts <= MOST_UNNAMED and not columns[loss][0] < 0:
        names[loss] = f"loss (column {loss + 1})"
    if not counts and len(columns) == 2 and is_whole(columns[1]) and _rises(columns[1]):
        names[1] = "step"
    return names[: len(columns)]


def _begins_anew(batch: FloatArray, epoch: FloatArray) -> bool:
    """Whether a column counts within each epoch."""
    same, before, after = epoch[1:] == epoch[:-1], batch[:-1], batch[1:]
    return bool(same.any() and (after > before)[same].all() and (after < before)[~same].any())


def _rises(column: FloatArray, *, still: bool = False) -> bool:
    """Whether a column counts on but at a few places, where another launch begins or a row is damaged."""
    before, after = column[:-1], column[1:]
    return bool(np.mean(after >= before if still else after > before) >= _MOST) if len(after) else True


def columns_of_rows(rows: Sequence[Mapping[str, Any]], per_epoch: str | None = None) -> dict[str, Column]:
    """Columns from one mapping a row, as `Records` reads them, counters under their names."""
    records = Records()
    records.add(rows)
    return with_counters(records.columns(), per_epoch)


def columns_of_points(points: list[dict[str, float | None]]) -> dict[str, Column]:
    """Columns from one mapping a point, which has `global_step` and `wall_time` beside its own name.

    They are put in the order of the steps; where all are 0, which is what a forgotten step gives, of the times.
    """
    clock = "global_step"
    if not any(point[clock] for point in points):
        points, clock = [point | {clock: None} for point in points], "wall_time"
    times = [point[clock] for point in points]
    order = (
        sorted(range(len(points)), key=lambda place: times[place] or 0.0) if None not in times else range(len(points))
    )
    return columns_of_rows([points[place] for place in order])


def spread(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A record with what it measured in its keys: `val/loss` for `{"split": "val", "loss": 2}`.

    And `x` for `{"tag": "x", "value": 2}`. What was measured on the training set keeps its name.
    """
    words = {key.casefold(): value for key, value in record.items() if isinstance(value, str)}
    name = next((words[key] for key in _NAMES if key in words), None)
    if name is not None and words.get("variant", name) != name:  # ClearML's title and series
        name = f"{name}/{words['variant']}"
    split = next((split_named(words[key]) for key in _SPLITS if key in words), "")
    if "value" in record and name is not None:
        record = {key: value for key, value in record.items() if key != "value"} | {name: record["value"]}
    if split not in HELD_OUT:
        return record
    counters = set(counters_in(record).values())
    return {key if key in counters else f"{split}/{key}": value for key, value in record.items()}


def split_named(word: str) -> str:
    """The split of which this is the name, and nothing else; empty where it is none."""
    return read_tag(word).split if word.strip().isalpha() and read_tag(word).bare else ""


def is_spread(names: Iterable[str]) -> bool:
    """Whether `spread` may have something to do for records with these keys."""
    there = {name.casefold() for name in names}
    return not there.isdisjoint(_SPLITS) or ("value" in there and not there.isdisjoint(_NAMES))


@dataclass
class Records:
    """Mappings as columns. Values that are no numbers are left out; levels are joined by `/`."""

    rows: int = 0
    _parts: dict[str, list[tuple[IntArray, FloatArray]]] = field(default_factory=dict)

    def add(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Take more of them."""
        self._add(np.arange(self.rows, self.rows + len(records)), records)
        self.rows += len(records)

    def columns(self) -> dict[str, Column]:
        """What was found so far."""
        return {name: _joined(parts) for name, parts in self._parts.items()}

    def _add(self, places: IntArray, records: Sequence[Mapping[str, Any]], prefix: str = "", depth: int = 0) -> None:
        """Records with the same keys are taken together, column by column: a log has few sets of keys."""
        alike: dict[tuple[str, ...], list[int]] = {}
        for number, keys in enumerate(map(tuple, records)):
            alike.setdefault(keys, []).append(number)
        for keys, numbers in alike.items():
            here = places[numbers]
            columns = zip(*(records[number].values() for number in numbers), strict=True)
            for key, values in zip(keys, columns, strict=True):
                self._column(f"{prefix}{key}", here, values, depth)

    def _column(self, name: str, places: IntArray, values: Sequence[Any], depth: int) -> None:
        kinds = set(map(type, values))
        if dict in kinds and depth < _DEEPEST:
            inner = [number for number, value in enumerate(values) if type(value) is dict]
            self._add(places[inner], [values[number] for number in inner], f"{name}/", depth + 1)
        if kinds <= _NO_NUMBERS:
            return
        if kinds != {float}:
            read = list(map(to_number, values))
            keep = [number for number, value in enumerate(read) if value is not None]
            places, values = places[keep], [read[number] for number in keep]
        if values and (name in self._parts or len(self._parts) < MOST_NAMES):
            self._parts.setdefault(name, []).append((places, np.array(values)))


def _joined(parts: Sequence[tuple[IntArray, FloatArray]]) -> Column:
    places, values = (np.concatenate(some) for some in zip(*parts, strict=True))
    if len(parts) > 1 and (np.diff(places) < 0).any():
        order = np.argsort(places, kind="stable")
        places, values = places[order], values[order]
    return Column(places, values)


def with_counters(columns: Mapping[str, Column], per_epoch: str | None = None) -> dict[str, Column]:
    """The same columns with those that count under the names of counters; the epoch stays a curve as well."""
    columns = _without_common_part(columns)
    counters = counters_in(columns)
    if per_epoch is not None and per_epoch in columns:
        counters[PER_EPOCH] = per_epoch
    taken = set(counters.values())
    kept = {name: column for name, column in columns.items() if name not in taken}
    fold = next((column for name, column in columns.items() if name.strip().casefold() in _TRAININGS), None)
    counted = kept | {counter: columns[name] for counter, name in counters.items()}
    return counted if fold is None else _one_by_one(counted, fold)


def _without_common_part(columns: Mapping[str, Column]) -> Mapping[str, Column]:
    """The columns without the name of the one level in which all of them are, a counter among them."""
    levels = {name.partition("/")[0] for name in columns}
    inner = {name.partition("/")[2]: column for name, column in columns.items()}
    shared = len(levels) == 1 and len(inner) > 1 and not read_tag(min(levels)).split
    return inner if shared and counters_in(inner) else columns


def _one_by_one(columns: Mapping[str, Column], fold: Column) -> dict[str, Column]:
    """The columns of several trainings, one behind the other: a table may have their rows in turn."""
    if 2 * len(np.unique(fold.values)) > len(fold.values):  # it numbers the rows
        return dict(columns)
    order = np.argsort(fold.values, kind="stable")
    places = np.zeros(int(fold.places[-1]) + 1, np.int64)
    places[fold.places[order]] = np.arange(len(order))
    return {name: _moved(column, fold, places) for name, column in {**columns, FOLD: fold}.items()}


def _moved(column: Column, known: Column, places: IntArray) -> Column:
    """The column at other places, in their order; what is on rows of no training is left out."""
    here = column.where(np.isin(column.places, known.places))
    moved = places[here.places]
    order = np.argsort(moved)
    return Column(moved[order], here.values[order], column.axis)


def to_number(value: Any) -> float | None:
    """The number in a cell: a number, or a string that holds one (fairseq and Transformers 5 quote theirs)."""
    kind = type(value)
    if kind is float:
        return float(value)
    if kind is bool or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def seconds_of(cell: str) -> float | None:
    """Seconds since 1970 of a time as it is written."""
    number = to_number(cell)
    if number is not None:
        return number / 1000 if number > _MILLISECONDS else number
    try:
        moment = datetime.fromisoformat(cell.replace("Z", "+00:00"))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
