"""One JSON document: a history of lists (`{"loss": [...]}`), a list of records, or NVIDIA's first `nvlog.json`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from diagnose.errors import LogError
from diagnose.readers.columns import EPOCH, Column, curves_of
from diagnose.readers.columns.document import read_document
from diagnose.readers.columns.tables import columns_of_rows, counters_in, to_number
from diagnose.readers.sources import Source
from diagnose.run import Axis, InputHealth, Role, Run

_DEEPEST = 3
_BEGIN = re.compile(rb'\{\s*"|\[\s*\{')
_NVLOG = {"train_iteration_loss": Role.TRAIN_LOSS, "val_iter_loss": Role.VAL_LOSS}
# Words in the path of a list that say that its items are steps; other histories have one item an epoch.
_STEPWISE = ("iter", "step", "batch")


def sniff(source: Source) -> int:
    """A JSON document that spells a loss and is no JSON lines."""
    head = source.head().lstrip()
    if not _BEGIN.match(head) or b"loss" not in head.lower():
        return 0
    if b'"train_iteration_loss"' in head or (b'"cpu_info"' in head and b'"run"' in head):
        return 95
    return 70 if _is_document(head) else 0


def read(source: Source) -> Run:
    """Every list of numbers, or every number of a list of records. Raises LogError where there is none."""
    document = read_document(source)
    columns = _records(document) or _histories(document)
    story = curves_of(columns, {tag: role for tag, role in _NVLOG.items() if tag in columns})
    if not story.curves:
        raise LogError(f"{source.name}: no lists of numbers here (a summary has last values only): give the history")
    health = InputHealth(files=1, records=max(map(len, story.curves.values())))
    return Run(
        source.label, source.name, "json", story.curves, sources=(source.name,), health=health, notes=story.notes
    )


def _is_document(head: bytes) -> bool:
    """Whether the first line is not a whole record by itself, as in JSON lines."""
    first = head.split(b"\n", 1)[0].strip()
    if head[:1] == b"[" or not first.endswith(b"}"):
        return True
    return b"[" in first and b"\n{" not in head


def _records(document: Any) -> dict[str, Column]:
    """Columns of a list of objects, wherever in the first levels it stands."""
    for part in _parts(document, _DEEPEST):
        if isinstance(part, list) and len(part) > 1 and all(isinstance(item, dict) for item in part):
            return columns_of_rows(part)
    return {}


def _parts(document: Any, depth: int) -> Iterator[Any]:
    yield document
    if isinstance(document, dict) and depth:
        for value in document.values():
            yield from _parts(value, depth - 1)


def _histories(document: Any) -> dict[str, Column]:
    """Columns of the lists of numbers; a list that counts (`epoch`, `step`) gives the steps of the others."""
    series = {name: values for name, values in _lists(document) if values}
    counters = {name: counter for counter, name in counters_in(series).items()}
    columns = {}
    for path, values in series.items():
        name = path.rsplit("/", 1)[-1]
        axis = None if counters else _axis(path)
        places = np.arange(len(values))
        columns[counters.get(path, name if name not in columns else path)] = Column(places, np.asarray(values), axis)
    return columns if counters else columns | _epochs(columns)


def _axis(path: str) -> Axis:
    """What the items of a list count: the section tells (`iter/loss`), else the name."""
    section = path.rpartition("/")[0] or path
    return Axis.STEP if any(word in section for word in _STEPWISE) else Axis.EPOCH


def _epochs(columns: Mapping[str, Column]) -> dict[str, Column]:
    """Epochs from 1 for lists that have one item an epoch."""
    longest = max((len(column.values) for column in columns.values() if column.axis is Axis.EPOCH), default=0)
    return {EPOCH: Column(np.arange(longest), np.arange(1.0, longest + 1))} if longest else {}


def _lists(value: Any, path: str = "", depth: int = _DEEPEST) -> Iterator[tuple[str, list[float]]]:
    """Every list of numbers with its path. A list of lists (one an epoch) is one series."""
    if isinstance(value, dict) and depth:
        for key, inner in value.items():
            if str(key) != "x":
                yield from _lists(inner, f"{path}/{key}" if path else str(key), depth - 1)
    elif isinstance(value, list):
        flat = [item for inner in value for item in (inner if isinstance(inner, list) else [inner])]
        numbers = [number for number in map(to_number, flat) if number is not None]
        if len(numbers) == len(flat):
            yield path, numbers
