"""NVIDIA's first DLLogger (`nvlog.json`): one JSON document with a list of values a metric, one list an epoch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from diagnose.readers._base import Source
from diagnose.readers._columns import Column, curves_of
from diagnose.readers._tables import to_number
from diagnose.run import Axis, InputHealth, LogError, Role, Run

_ROLES = {"train_iteration_loss": Role.TRAIN_LOSS, "val_iter_loss": Role.VAL_LOSS, "learning_rate": Role.LEARNING_RATE}


def sniff(source: Source) -> int:
    """A JSON document with `run` and `epoch` sections."""
    head = source.head()
    if not head.lstrip().startswith(b"{") or b'"run"' not in head:
        return 0
    return 95 if b'"cpu_info"' in head or b'"train_iteration_loss"' in head else 0


def read(source: Source) -> Run:
    """The iteration and epoch metrics. Raises LogError where the document is cut off or holds none."""
    with source.open() as file:
        try:
            document = json.load(file)
        except (ValueError, RecursionError) as error:
            raise LogError(f"{source.name}: no complete JSON document ({error}): copy the file again") from None
    series = dict(_series(document)) if isinstance(document, dict) else {}
    columns = {name: _column(values, axis) for name, (values, axis) in series.items() if values}
    roles = {tag: role for tag, role in _ROLES.items() if tag in columns}
    story = curves_of(columns, roles)
    if not story.curves:
        raise LogError(
            f"{source.name}: no metrics in this nvlog document: was the run stopped before its first iteration?"
        )
    health = InputHealth(files=1, records=sum(len(values) for values, _ in series.values()))
    return Run(source.label, source.name, "nvlog", story.curves, sources=(source.name,), health=health)


def _series(document: Mapping[str, Any]) -> Iterator[tuple[str, tuple[list[float], Axis]]]:
    """Every list of numbers: those of `iter` in iterations, of `epoch` in epochs."""
    for section, axis in (("epoch", Axis.EPOCH), ("iter", Axis.STEP), ("iteration", Axis.STEP)):
        part = document.get(section)
        for name, values in part.items() if isinstance(part, dict) else ():
            numbers = list(_numbers(values))
            if numbers:
                yield name, (numbers, axis)


def _numbers(values: Any) -> Iterator[float]:
    """The numbers in a list, a list of lists, or an object whose keys count the epochs."""
    inner = values.values() if isinstance(values, dict) else values if isinstance(values, list) else [values]
    for value in inner:
        if isinstance(value, list | dict):
            yield from (number for number in map(to_number, _leaves(value)) if number is not None)
        elif (number := to_number(value)) is not None:
            yield number


def _leaves(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else list(value)


def _column(values: list[float], axis: Axis) -> Column:
    return Column(np.arange(len(values)), np.asarray(values), axis)
