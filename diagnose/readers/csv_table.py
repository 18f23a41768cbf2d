"""CSV tables: Lightning, Keras, Ultralytics, wandb and TensorBoard exports, and any table with a loss column."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from diagnose.errors import LogError
from diagnose.readers.columns import MOST_NAMES, Column, curves_of
from diagnose.readers.columns.cells import LONGEST_ROW, Rows
from diagnose.readers.columns.placeholders import without_placeholders
from diagnose.readers.columns.tables import counters_in, names_without_header, to_number, with_counters
from diagnose.readers.roles import losses_in, read_tag, rises
from diagnose.readers.sources import HEAD_BYTES, Source
from diagnose.readers.sources.file_per_series import series_named, with_series_beside
from diagnose.readers.sources.paired_log import with_paired_log
from diagnose.regex import regex
from diagnose.run import InputHealth, Run

_PLAIN = r"[-+]?(?:(?:\d[\d,]*(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?|nan|inf(?:inity)?)"
_NUMBER = regex(rf"[\s*`]*(?:tensor\(\[?{_PLAIN}\]?(?:,.*)?\)|\[{_PLAIN}\]|{_PLAIN})[\s*`]*", re.IGNORECASE)
_NAME = regex(r"[A-Za-z]")
# A line as `numpy.savetxt` writes it.
_SAVETXT = regex(rf"(?:{_PLAIN}(?: (?!$)|\s*$)){{2,}}", re.IGNORECASE)
_LOSS = regex(r"loss|cost|perplexity|ppl|\bnll\b|error|^value$|rmse|mse|(?:^|[_/ ])b?ce$", re.IGNORECASE)
# `loss: (0` begins a line of a log, no table.
_ITEM = regex(r"[^\W\d]\d*['\"]?\s*[:=]\s*[\[(]?[-+]?\.?\d(?:[\d.e+-]*\d)?\W*\Z")
# What the rows of a table of results are.
_SUBJECTS = {"model", "method", "dataset", "experiment", "config", "system", "name"}
_COUNTER = regex(r"^(epoch|step|episode|iter\w*|global_step|_step|wall time)$", re.IGNORECASE)
# A name in a table of results; a time of the day has a colon.
_LABEL = regex(r"[^\W\d][^:]*")
_DELIMITERS = ",\t;|"
_DECIMAL_COMMA = regex(r"\s*[-+]?\d+,\d+(?:e[-+]?\d+)?\s*", re.IGNORECASE)
_DECIMAL_POINT = regex(r"\d\.\d")
# Bytes that are worked on at one time: large enough for vectors to pay, small enough for the processor's cache.
_BLOCK = 1 << 19
# Rows that are looked at to know the table.
_LOOKED_AT = 12
# `1_1.846`, `1:1.846`: a count and a value, and what is between them.
_COUNTED = regex(rf"\s*\d+([_:=/ ])(?:{_PLAIN})\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Top:
    """The first lines of a table."""

    header: list[str]
    """The names of its columns; made up where the file has none."""
    rows: list[list[str]]
    named: bool = True
    """Whether the first line is a header."""


def sniff(source: Source) -> int:
    """A header of names, one of which is a loss, above rows of as many cells; or nothing but numbers in a `.csv`."""
    top = _top(source)
    if not top.rows or any(len(row) != len(top.header) for row in top.rows):
        return 0
    if not top.named:
        return 70 if _is_named_table(source) else 20 * (source.asked and _delimiter(source.head(), source) != " ")
    names = [name for name in top.header if _NAME.search(name)]
    items = sum(1 for name in names if _ITEM.search(name))
    one_name = all(row[0] == top.header[0] for row in top.rows)  # `loss,2.31` on each line
    of_several = any(row != top.header and all(map(_NAME.match, row)) for row in top.rows)  # each with its header
    thousands = any(map(_NUMBER.fullmatch, top.header))  # `it 10 loss 2.3 tok/s 31,000`: a line of text
    lines = one_name or of_several or thousands or 2 * items > len(names)
    if lines or len(names) < len(top.header) - 1 or _names_its_rows(top):
        return 0
    if len(top.header) < 2 and not read_tag(top.header[0]).lossy:
        return 0
    numeric = sum(1 for row in top.rows for cell in row if _NUMBER.fullmatch(cell) or not cell.strip())
    if numeric < 0.5 * len(top.rows) * len(top.header):
        return 0
    counted = any(map(_COUNTER.match, names))
    known = counted or source.asked
    lossy = losses_in(names) or any(_LOSS.search(name) and (known or name != "value") for name in names)
    measured = source.asked or any(rises(read_tag(name)) is not None for name in names)
    return 90 if lossy else 40 if measured and counted else 0


def read(source: Source) -> Run:
    """Every column of numbers as a curve, with those of a validation table beside it; a blank cell is no point.

    Raises LogError where there is no column of numbers.
    """
    top = _top(source)
    alone = not top.named and series_named(source) in top.header
    return with_series_beside(source, _read) if alone else with_paired_log(source, _read)


def _read(source: Source) -> Run:
    top = _top(source)
    if not top.rows:
        raise LogError(f"{source.name}: no table with a header and rows of numbers: is this a training log?")
    if len(top.header) > MOST_NAMES:
        raise LogError(f"{source.name}: {len(top.header)} columns are no training log: leave out what is no metric")
    commas = _has_decimal_commas(top.rows)
    columns, good, bad = _columns(source, top, decimal_comma=commas)
    made_up = not top.named and any("column " in name for name in top.header)
    notes = (
        *([f"{bad} row{'s have' if bad > 1 else ' has'} another number of cells: left out"] if bad else []),
        *(["its numbers have decimal commas"] if commas else []),
        *([f"no header: its columns are read as {', '.join(top.header)}; --columns names them"] if made_up else []),
    )
    story = curves_of(with_counters(without_placeholders(columns)))
    health = InputHealth(files=1, records=good, bad_records=bad)
    return story.run(source, "csv", health, notes, empty="no column of numbers: is this a training log?")


def _columns(source: Source, top: _Top, *, decimal_comma: bool) -> tuple[dict[str, Column], int, int]:
    """The columns, the rows that fit the header, and those that do not."""
    rows = Rows(len(top.header), ord(_delimiter(_head(source), source)), decimal_comma)
    if not top.named:
        rows.feed((",".join(["x"] * len(top.header)).replace(",", chr(rows.delimiter)) + "\n").encode())
    with source.open() as file:
        skipped = file.read(len(codecs.BOM_UTF8))
        rows.feed(skipped.removeprefix(codecs.BOM_UTF8))
        while block := file.read(_BLOCK):
            rows.feed(block)
    rows.finish()
    columns = {name: column for name, column in zip(top.header, rows.columns(), strict=True) if name}
    columns = {name: column for name, column in columns.items() if len(column.values)}
    names = _names(list(columns), source)
    return {names[name]: column for name, column in columns.items() if names[name]}, rows.good - 1, rows.bad


def _names(header: Sequence[str], source: Source) -> dict[str, str]:
    """What the columns are called; nothing for one that is left out.

    A TensorBoard export has the tag in its file's name. A wandb export has the run's name before each metric (kept
    where several runs are side by side), and the extremes (`__MIN`) of each metric in columns of their own.
    """
    if [name.casefold() for name in header] == ["wall time", "step", "value"]:
        stem = Path(source.name).stem
        return {name: name for name in header[:2]} | {header[2]: stem.rsplit("-tag-", 1)[-1]}
    names = {name: "" if name.endswith(("__MIN", "__MAX")) else name for name in header}
    if any(name.endswith("__MIN") for name in header):
        plain = {name: kept.rsplit(" - ", 1)[-1] for name, kept in names.items()}
        twice = {kept for kept in plain.values() if list(plain.values()).count(kept) > 1}
        names = {name: names[name] if kept in twice else kept for name, kept in plain.items()}
    return names


def _head(source: Source) -> bytes:
    """The first bytes: as many as a header of thousands of names and a row below it take."""
    head = source.head()
    if len(head) < HEAD_BYTES or head.count(b"\n") > 1 or source.is_folder:
        return head
    with source.open() as file:
        return file.read(LONGEST_ROW)


def _top(source: Source) -> _Top:
    """The header and the first rows; nothing where this is no text."""
    head = _head(source)
    if b"\0" in head:
        return _Top([], [])
    lines = head.decode("utf-8-sig", errors="replace").splitlines()
    whole = lines[: _LOOKED_AT if len(head) < HEAD_BYTES else min(_LOOKED_AT, len(lines) - 1)]
    table = list(csv.reader((line for line in whole if line.strip()), delimiter=_delimiter(head, source)))
    if not table:
        return _Top([], [])
    ends_blank = all(len(row) > 2 and not row[-1].strip() for row in table)  # each row ends with a comma
    cells = [row[: len(row) - ends_blank] for row in table]
    if len(table) > 1 and all(_NUMBER.fullmatch(cell) for row in cells for cell in row):
        numbers = np.array([[to_number(cell) or 0.0 for cell in row] for row in cells if len(row) == len(cells[0])])
        names = names_without_header(numbers.T)
        metrics = [name for name in names if name not in counters_in(names).values()]
        if len(metrics) == 1 and (called := series_named(source)):
            names[names.index(metrics[0])] = called
        return _Top(_renamed([*names, *[""] * ends_blank], source), table, named=False)
    header = [name.strip().lstrip("# ") or name.strip() for name in table[0]]
    twice = len(set(header)) < len(header) == len(table[1]) if len(table) > 2 else False
    if twice and not any(map(_NUMBER.fullmatch, table[1])):  # a data frame with names of two levels
        header = [" ".join(filter(None, map(str.strip, names))) for names in zip(*table[:2], strict=True)]
        return _Top(_renamed(header, source), table[2:])
    return _Top(_renamed(header, source), table[1:])


def _renamed(header: list[str], source: Source) -> list[str]:
    """The header, its first names as the user says."""
    return [*source.columns, *header[len(source.columns) :]][: len(header)]


def _names_its_rows(top: _Top) -> bool:
    """Whether this is a table of results: the rows are of several models or data sets, and no column counts."""
    labels = {row[0].strip() for row in top.rows}
    named = all(map(_LABEL.fullmatch, labels)) and not counters_in(top.header)
    apart = top.header[0].strip().casefold() in _SUBJECTS and len(labels) == len(top.rows) > 1
    # `epoch 1`, `epoch 2` count
    several = apart or (len(labels) > 2 and len({re.sub(r"\d", "", label) for label in labels}) > 1)
    return named and several and not any(read_tag(label).split for label in labels)


def _is_named_table(source: Source) -> bool:
    name = Path(source.name)
    return name.suffix.lower() in {".csv", ".tsv"} or read_tag(name.stem).lossy > 1 or bool(series_named(source))


def _has_decimal_commas(rows: Sequence[Sequence[str]]) -> bool:
    """Whether `0,53` is a number here, as programs of many countries write it between semicolons or tabs."""
    cells = [cell for row in rows for cell in row]
    return any(map(_DECIMAL_COMMA.fullmatch, cells)) and not any(map(_DECIMAL_POINT.search, cells))


def _delimiter(head: bytes, source: Source) -> str:
    """The character that splits the first line into the most cells; in a file of one series that behind its count.

    Between nothing but numbers it may be a blank.
    """
    line = head.decode("utf-8-sig", errors="replace").lstrip("\r\n").split("\n", 1)[0]
    counted = _COUNTED.fullmatch(line) if series_named(source) else None
    return counted[1] if counted else " " if _SAVETXT.fullmatch(line) else max(_DELIMITERS, key=line.count)
