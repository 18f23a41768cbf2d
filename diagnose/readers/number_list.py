"""A file of one long row of numbers a series: a printed list, `numpy.savetxt("loss.txt", [train, val])`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

import numpy as np

from diagnose.errors import LogError
from diagnose.readers.columns import Column, curves_of
from diagnose.readers.columns.tables import is_whole, with_counters
from diagnose.readers.roles import losses_in
from diagnose.readers.roles.headline import ALIKE
from diagnose.readers.sources import HEAD_BYTES, Source
from diagnose.readers.sources.file_per_series import series_named, with_series_beside
from diagnose.readers.sources.paired_log import with_paired_log
from diagnose.regex import regex
from diagnose.run import FloatArray, InputHealth, Run

FEWEST, WIDER, MOST_ROWS = 5, 10, 8
"""Numbers that make a curve, how many times longer rows are than there are of them, and how many there may be.

Source: our choice: as for numbers on lines of their own.
"""
# `train_loss,3.1,2.9`: what a row holds, in front of it.
_NAMED = regex(
    rb"[\s'\"]{0,8}(?P<name>[a-z][\w./-]{0,60}(?: [\w./-]{1,40}){0,3})['\" \t]{0,8}[,;:=\t ]\s{0,8}(?=[-+.\d]|nan|inf)",
    re.IGNORECASE,
)
_NUMBERS = regex(rb"(?i)\s*(?:[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|nan|inf)[,;\t ]+){%d}" % FEWEST)


def sniff(source: Source) -> int:
    """A few long rows of numbers, in a file that is called a loss or a table, or whose rows are."""
    names, rows = _rows(source.head())
    if not 0 < len(rows) <= MOST_ROWS or not all(map(_NUMBERS.match, rows)):
        return 0
    whole = rows[:-1] if len(source.head()) == HEAD_BYTES else rows
    if any(len(_split(row)) < WIDER * (len(rows) - 1) for row in whole):
        return 0
    table = PurePath(source.name).suffix.lower() in {".csv", ".tsv"}
    return 75 if table or losses_in([*names, PurePath(source.name).stem]) else 0


def read(source: Source) -> Run:
    """Each row in its order, with the files of other series beside it. Raises LogError for anything else."""
    return with_series_beside(source, _read) if series_named(source) else with_paired_log(source, _read)


def _read(source: Source) -> Run:
    with source.open() as file:
        called, rows = _rows(file.read())
    try:
        series = [np.array(_split(row), dtype=np.float64) for row in rows]
    except ValueError:
        raise LogError(f"{source.name}: a line of numbers with something else among them") from None
    names = [*source.columns[: len(series)], *(called or _names(source, series))[len(source.columns) :]]
    story = curves_of(
        with_counters(
            {name: Column(np.arange(len(values)), values) for name, values in zip(names, series, strict=True)}
        )
    )
    note = f"no header: each row is read as a series ({', '.join(names)}); --columns names them"
    notes = [note] if len(rows) > 1 and not called else []
    return story.run(source, "numbers", InputHealth(files=1, records=len(rows)), notes, empty="no numbers")


def _names(source: Source, series: Sequence[FloatArray]) -> list[str]:
    """A first row that counts on is the step; two rows that begin alike are of a training and its validation."""
    if len(series) == 1:
        return [series_named(source) or "loss"]
    if len(series) > 1 and is_whole(series[0]) and (series[0][1:] > series[0][:-1]).all():
        return ["step", *_names(source, series[1:])]
    first, second = (float(np.median(values[: len(values) // 3])) for values in series[:2])
    if len(series) == 2 and 1 / ALIKE <= first / second <= ALIKE if second > 0 else False:
        return ["train loss (row 1)", "val loss (row 2)"]
    return [f"loss (row {number})" for number in range(1, len(series) + 1)]


def _rows(text: bytes) -> tuple[list[str], list[bytes]]:
    """The names of the rows, where each has one of its own, and the rows without them.

    A first row without a name, or with none but names, is the index of a data frame.
    """
    rows = [row for row in text.splitlines() if row.strip()]
    if len(rows) > 1 and not _is_named(rows[0]) and all(map(_is_named, rows[1:])):
        rows = rows[1:]
    named = [match for match in map(_NAMED.match, rows) if match]
    names = list(dict.fromkeys(match["name"].decode("latin-1") for match in named))
    if len(names) < len(rows):
        return [], rows
    return names, [row[match.end() :] for match, row in zip(named, rows, strict=True)]


def _is_named(row: bytes) -> bool:
    name = _NAMED.match(row)
    return name is not None and _NUMBERS.match(row, name.end()) is not None


def _split(row: bytes) -> list[bytes]:
    return re.split(rb"[,;\s]+", row.strip(b",; \t"))
