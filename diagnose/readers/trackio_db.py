"""trackio's project database: SQLite with a table `metrics`, read without writing to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from diagnose.errors import LogError
from diagnose.readers.columns import curves_of
from diagnose.readers.columns.tables import columns_of_rows, seconds_of
from diagnose.readers.sources import Source
from diagnose.run import InputHealth, Run

if TYPE_CHECKING:
    import sqlite3

_MAGIC = b"SQLite format 3\0"
_MOST_NAMED = 5


def sniff(source: Source) -> int:
    """A SQLite file."""
    return 90 if source.head(16) == _MAGIC else 0


def read(source: Source) -> Run:
    """The run that was logged last; the others are named in a note. Raises LogError where there is none."""
    import sqlite3

    if source.path is None:
        raise LogError(f"{source.name}: a database cannot be read from a pipe: name the file")
    try:
        with closing(_open(source.path)) as database:
            if not _is_table(database):
                raise LogError(f"{source.name}: no trackio database (its `metrics` is no plain table)")
            names = [
                name for (name,) in database.execute("SELECT run_name FROM metrics GROUP BY run_name ORDER BY max(id)")
            ]
            rows = list(_rows(database, names[-1])) if names else []
    except sqlite3.Error as error:
        raise LogError(f"{source.name}: no trackio database ({error})") from None
    others = names[:-1][-_MOST_NAMED:]
    note = f"{len(names)} runs in one database: {names[-1]!r}, the latest, is judged; also {', '.join(others)}"
    health = InputHealth(files=1, records=len(rows))
    label = "/".join(map(str, [source.label, *names[-1:]] if source.label != "." else names[-1:]))
    story = curves_of(columns_of_rows(rows))
    empty = "no metrics in this trackio database"
    return story.run(source, "trackio", health, [note] if others else [], empty=empty, name=label)


def _open(path: Path) -> sqlite3.Connection:
    """Read-only: a database that is being written to stays as it is."""
    import sqlite3

    return sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True)


def _is_table(database: sqlite3.Connection) -> bool:
    """Whether the rows are in the file. A view or a virtual table may compute them, and never come to an end."""
    query = "SELECT sql FROM sqlite_master WHERE name = 'metrics' AND type = 'table'"
    return any(not str(sql).lstrip().upper().startswith("CREATE VIRTUAL") for (sql,) in database.execute(query))


def _rows(database: sqlite3.Connection, name: str) -> Iterator[dict[str, Any]]:
    query = "SELECT timestamp, step, metrics FROM metrics WHERE run_name = ? ORDER BY id"
    for timestamp, step, text in database.execute(query, (name,)):
        try:
            metrics = json.loads(text)
        except (ValueError, TypeError, RecursionError):
            continue
        if isinstance(metrics, dict):
            yield {**metrics, "global_step": step, "wall_time": seconds_of(str(timestamp))}
