"""trackio's database is read without a byte of it changing."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from diagnose.errors import LogError
from diagnose.readers import read, trackio_db
from diagnose.readers.sources import Source
from diagnose.run import Role

TABLE = """CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT, timestamp TEXT NOT NULL,
           run_name TEXT NOT NULL, step INTEGER NOT NULL, metrics TEXT NOT NULL)"""


def write_database(path: Path, *rows: tuple[str, int, dict[str, Any]]) -> Path:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(TABLE)
        for second, (run, step, metrics) in enumerate(rows):
            values = (f"2026-01-01T00:00:{second:02d}+00:00", run, step, json.dumps(metrics))
            database.execute("INSERT INTO metrics (timestamp, run_name, step, metrics) VALUES (?, ?, ?, ?)", values)
    return path


def test_the_latest_run_is_read_and_the_others_are_named(tmp_path: Path) -> None:
    rows: list[tuple[str, int, dict[str, Any]]] = [("first", step, {"train/loss": 9}) for step in range(3)]
    rows += [("second", step, {"train/loss": 3 - step, "val/loss": "NaN" if step else 2}) for step in range(3)]
    path = write_database(tmp_path / "project.db", *rows)
    before = path.read_bytes()
    run = read(path)
    train, val = run.curve(Role.TRAIN_LOSS), run.curve(Role.VAL_LOSS)
    assert train is not None
    assert val is not None
    assert (train.steps.tolist(), train.values.tolist()) == ([0, 1, 2], [3, 2, 1])
    assert train.wall_times is not None
    assert train.wall_times[-1] - train.wall_times[0] == 2
    assert len(val) == 3
    assert "also first" in run.notes[0]
    assert path.read_bytes() == before


def test_a_database_that_is_being_written_to_is_read(tmp_path: Path) -> None:
    path = write_database(tmp_path / "p.db", ("r", 0, {"loss": 2}), ("r", 1, {"loss": 1}))
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        with writer:
            writer.execute(
                "INSERT INTO metrics (timestamp, run_name, step, metrics) VALUES ('', 'r', 2, '{\"loss\": 0.5}')"
            )
        assert len(read(path).curves["loss"]) == 3


def test_damaged_metrics_are_passed_over(tmp_path: Path) -> None:
    path = write_database(tmp_path / "p.db", ("r", 0, {"loss": 2}), ("r", 1, {"loss": 1}))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("INSERT INTO metrics (timestamp, run_name, step, metrics) VALUES ('', 'r', 2, '{\"lo')")
    assert read(path).curves["loss"].values.tolist() == [2, 1]


def test_other_databases_and_pipes_are_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE songs (title TEXT)")
    with pytest.raises(LogError, match="no trackio database"):
        read(path)
    with pytest.raises(LogError, match="pipe"):
        trackio_db.read(Source("-", content=path.read_bytes()))
