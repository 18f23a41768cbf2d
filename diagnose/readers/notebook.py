"""Jupyter notebooks: what their cells printed is the log, in the order of the cells. Nothing in them is executed.

Cells that each train from the first step on are trainings of their own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from diagnose.errors import LogError
from diagnose.readers import text
from diagnose.readers.columns.document import parse_document, read_document
from diagnose.readers.roles import assign_roles
from diagnose.readers.sources import Source
from diagnose.regex import regex
from diagnose.run import Curve, Role, Run

# A number on a line of its own is the value of some cell.
_BARE = regex(r"^[ \t]*(?:tensor\()?[-+]?\d[\d.,e+-]*\)?[ \t]*$", re.MULTILINE)
# A cell of fewer points tries something out, or shows a table. Source: our choice.
_FEWEST = 4


def sniff(source: Source) -> int:
    """A JSON document of cells."""
    head = source.head()
    is_notebook = source.name.endswith(".ipynb") or b'"cell_type"' in head
    return 95 if is_notebook and head.lstrip()[:1] == b"{" else 0


def trainings(source: Source) -> list[Source]:
    """The trainings of a notebook, each with the cells behind it up to the next one; itself where there is but one."""
    try:
        cells = [*_cells(read_document(source))]
    except (LogError, OSError):
        return [source]
    first, last = [], None
    for number, cell in enumerate(cells):
        curve = _trained_in(source, cell)
        if curve is None:
            continue
        if last is None or curve.steps[0] <= last:  # else it goes on with the training of the cell before
            first.append(number)
        last = curve.steps[-1]
    if len(first) < 2:
        return [source]
    front = "" if source.label == "." else f"{source.label}/"
    return [
        replace(
            source,
            content=json.dumps({"cells": cells[start if number else 0 : stop]}).encode(),
            path=None,
            label=f"{front}cell {start + 1}",
        )
        for number, (start, stop) in enumerate(pairwise([*first, len(cells)]))
    ]


def _trained_in(source: Source, cell: Mapping[str, Any]) -> Curve | None:
    """The training loss that one cell printed, where it counts steps or epochs."""
    printed = _BARE.sub("", "".join(_outputs(cell)))
    try:
        run = assign_roles(text.read(replace(source, content=printed.encode(), path=None)))
    except LogError:
        return None
    curve = run.curve(Role.TRAIN_LOSS)
    return curve if curve is not None and curve.counted and len(curve) >= _FEWEST else None


def read(source: Source) -> Run:
    """The outputs of all cells read as one log. Raises LogError where they show no training."""
    cells = _cells(read_document(source))
    printed = _BARE.sub("", "\n".join("".join(_outputs(cell)) for cell in cells))
    try:
        run = text.read(replace(source, content=printed.encode(), path=None))
    except LogError:
        raise LogError(f"{source.name}: no training output is saved in this notebook: run and save it") from None
    return replace(run, format="notebook", notes=("the outputs of the cells were read as one log", *run.notes))


def _cells(document: Any) -> Iterator[dict[str, Any]]:
    """All cells. Notebooks before 2015 keep them in worksheets."""
    sheets = [document, *_maps(document, "worksheets")] if isinstance(document, dict) else []
    return (cell for sheet in sheets for cell in _maps(sheet, "cells"))


def _outputs(cell: Mapping[str, Any]) -> Iterator[str]:
    """What a cell printed: streams, tables, values, tracebacks.

    A stream goes on in the next output, maybe in the middle of a line; all else begins and ends one.
    """
    for output in _maps(cell, "outputs"):
        data = output.get("data")
        shown = data if isinstance(data, dict) else output
        table = _rows_of_tables(_joined(shown.get("text/html") or shown.get("html")))
        plain = _joined(shown.get("text/plain") or shown.get("text"))
        if output.get("output_type") in {"error", "pyerr"}:  # its lines in full show the source
            plain = f"Traceback (most recent call last)\n{output.get('ename')}: {output.get('evalue')}"
        stream = output.get("output_type") == "stream"
        yield plain if stream else f"\n{table or _rows_of_history(plain) or plain}\n"


def _maps(value: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    items = value.get(key)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _joined(text: Any) -> str:
    """The text of an output, which is one string or a list of lines."""
    if isinstance(text, list):
        parts = [part for part in text if isinstance(part, str)]
        return ("" if any(part.endswith("\n") for part in parts) else "\n").join(parts)
    return text if isinstance(text, str) else ""


def _rows_of_history(printed: str) -> str:
    """A history of lists, `{'loss': [...], 'val_loss': [...]}`, as a table; nothing for anything else."""
    if not printed.startswith("{"):
        return ""
    try:
        history = parse_document(printed.encode())
    except (ValueError, RecursionError):
        return ""
    lists = (
        {name: items for name, items in history.items() if isinstance(items, list)} if isinstance(history, dict) else {}
    )
    rows = [["epoch", *lists], *([str(n), *map(str, row)] for n, row in enumerate(zip(*lists.values(), strict=False)))]
    return _as_rows(rows) if lists else ""


def _as_rows(rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _rows_of_tables(html: str) -> str:
    """The rows of the tables in a page as `| a | b |`, one a line."""
    if "<t" not in html:
        return ""
    from diagnose.readers.columns.html_tables import cells_of_tables  # the parser is slow to import, tables are rare

    return _as_rows(cells_of_tables(html))
