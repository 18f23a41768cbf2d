"""CSV tables: Lightning, Keras, Ultralytics, wandb and TensorBoard exports, and any table with a loss column."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Sequence
from pathlib import Path

from diagnose.errors import LogError
from diagnose.readers.columns import MOST_NAMES, Column, curves_of
from diagnose.readers.columns.cells import LONGEST_ROW, Rows
from diagnose.readers.columns.tables import with_counters
from diagnose.readers.sources import HEAD_BYTES, Source
from diagnose.readers.sources.paired_log import with_paired_log
from diagnose.run import InputHealth, Run

_NUMBER = re.compile(r"\s*(?:[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e[-+]?\d+)?|[-+]?(?:nan|inf(?:inity)?))\s*", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z]")
_LOSS = re.compile(r"loss|cost|perplexity|ppl|\bnll\b|error|^value$|rmse|mse", re.IGNORECASE)
# `loss: (0` begins a line of a log, no table.
_ITEM = re.compile(r"\w['\"]?\s*[:=]\s*[\[(]?[-+]?\.?\d")
_COUNTER = re.compile(r"^(epoch|step|iter\w*|global_step|_step|wall time)$", re.IGNORECASE)
_DELIMITERS = ",\t;|"
_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d+,\d+(?:e[-+]?\d+)?\s*", re.IGNORECASE)
_DECIMAL_POINT = re.compile(r"\d\.\d")
# Bytes that are worked on at one time: large enough for vectors to pay, small enough for the processor's cache.
_BLOCK = 1 << 19


def sniff(source: Source) -> int:
    """A header of names, one of which is a loss, above rows of as many cells."""
    header, rows = _top(_head(source))
    names = [name for name in header if _NAME.search(name)]
    if len(header) < 2 or not rows or len(names) < len(header) - 1 or any(map(_ITEM.search, header)):
        return 0
    if any(len(row) != len(header) for row in rows):
        return 0
    numeric = sum(1 for row in rows for cell in row if _NUMBER.fullmatch(cell) or not cell.strip())
    if numeric < 0.5 * len(rows) * len(header):
        return 0
    return 90 if any(map(_LOSS.search, names)) else 40 if any(map(_COUNTER.match, names)) else 0


def read(source: Source) -> Run:
    """Every column of numbers as a curve, with those of a validation table beside it; a blank cell is no point.

    Raises LogError where there is no column of numbers.
    """
    return with_paired_log(source, _read)


def _read(source: Source) -> Run:
    header, rows = _top(_head(source))
    if not rows:
        raise LogError(f"{source.name}: no table with a header and rows of numbers: is this a training log?")
    if len(header) > MOST_NAMES:
        raise LogError(f"{source.name}: {len(header)} columns are no training log: leave out what is no metric")
    columns, good, bad = _columns(source, header, decimal_comma=_has_decimal_commas(rows))
    story = curves_of(with_counters(columns))
    if not story.curves:
        raise LogError(f"{source.name}: no column of numbers: is this a training log?")
    health = InputHealth(files=1, records=good, bad_records=bad)
    notes = story.notes + (
        (f"{bad} rows have another number of cells than the header and were left out",) if bad else ()
    )
    notes += ("its numbers have decimal commas",) if _has_decimal_commas(rows) else ()
    return Run(source.label, source.name, "csv", story.curves, sources=(source.name,), health=health, notes=notes)


def _columns(source: Source, header: Sequence[str], *, decimal_comma: bool) -> tuple[dict[str, Column], int, int]:
    """The columns, the rows that fit the header, and those that do not."""
    rows = Rows(len(header), ord(_delimiter(_head(source))), decimal_comma)
    with source.open() as file:
        skipped = file.read(len(codecs.BOM_UTF8))
        rows.feed(skipped.removeprefix(codecs.BOM_UTF8))
        while block := file.read(_BLOCK):
            rows.feed(block)
    rows.finish()
    columns = {name: column for name, column in zip(header, rows.columns(), strict=True) if name}
    columns = {name: column for name, column in columns.items() if len(column.values)}
    names = _names(list(columns), source)
    return {names[name]: column for name, column in columns.items() if names[name]}, rows.good - 1, rows.bad


def _names(header: Sequence[str], source: Source) -> dict[str, str]:
    """What the columns are called; nothing for one that is left out.

    A TensorBoard export has the tag in its file's name. A wandb export has the run's name before each metric, and
    the extremes (`__MIN`) of each metric in columns of their own.
    """
    if [name.casefold() for name in header] == ["wall time", "step", "value"]:
        stem = Path(source.name).stem
        return {name: name for name in header[:2]} | {header[2]: stem.rsplit("-tag-", 1)[-1]}
    names = {name: "" if name.endswith(("__MIN", "__MAX")) else name for name in header}
    if any(name.endswith("__MIN") for name in header):
        names = {name: plain.rsplit(" - ", 1)[-1] for name, plain in names.items()}
    return names


def _head(source: Source) -> bytes:
    """The first bytes: as many as a header of thousands of names and a row below it take."""
    head = source.head()
    if len(head) < HEAD_BYTES or head.count(b"\n") > 1 or source.is_folder:
        return head
    with source.open() as file:
        return file.read(LONGEST_ROW)


def _top(head: bytes) -> tuple[list[str], list[list[str]]]:
    """The header and the first rows; nothing where this is no text."""
    if b"\0" in head:
        return [], []
    lines = head.decode("utf-8-sig", errors="replace").splitlines()
    whole = lines[: 12 if len(head) < HEAD_BYTES else min(12, len(lines) - 1)]
    table = list(csv.reader((line for line in whole if line.strip()), delimiter=_delimiter(head)))
    return ([name.strip() for name in table[0]], table[1:]) if table else ([], [])


def _has_decimal_commas(rows: Sequence[Sequence[str]]) -> bool:
    """Whether `0,53` is a number here, as programs of many countries write it between semicolons or tabs."""
    cells = [cell for row in rows for cell in row]
    return any(map(_DECIMAL_COMMA.fullmatch, cells)) and not any(map(_DECIMAL_POINT.search, cells))


def _delimiter(head: bytes) -> str:
    """The character that splits the first line into the most cells."""
    line = head.decode("utf-8-sig", errors="replace").lstrip("\r\n").split("\n", 1)[0]
    return max(_DELIMITERS, key=line.count)
