"""Promise 2: memory is bounded by the points kept, never by what a file or a stream claims or how long it is."""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from diagnose.readers.sources.stream import PATIENCE
from tests.promises.commands import HEALTHY, ROOT, TTSDOC, environment_with, error_lines, refused, ttsdoc
from tests.readers import events

ADDRESS_SPACE = 3 << 30
"""Bytes. numpy and pandas alone map a third of it."""


def little_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))


def start_of(write: Callable[[int], object]) -> tuple[int, threading.Thread]:
    """The end to read from of a pipe into which a thread writes until nobody reads any more."""
    reader, writer = os.pipe()

    def work() -> None:
        try:
            write(writer)
        except OSError:
            pass
        finally:
            os.close(writer)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return reader, thread


def forever(line: bytes) -> Callable[[int], object]:
    def write(handle: int) -> None:
        block = line * (1 + (1 << 20) // len(line))
        while True:
            os.write(handle, block)

    return write


@pytest.mark.parametrize("claimed", [1 << 32, 1 << 40, (1 << 63) - 1, (1 << 64) - 1])
def test_a_record_that_claims_gigabytes_costs_nothing(tmp_path: Path, claimed: int) -> None:
    path = events.write(tmp_path, [events.scalar("loss", step, 3 / (1 + step)) for step in range(50)])
    content = path.read_bytes()
    length = struct.pack("<Q", claimed)
    path.write_bytes(content + length + struct.pack("<I", masked(length)) + content)
    result = ttsdoc("analyze", tmp_path, "--format", "json", preexec_fn=little_memory)
    error_lines(result)
    assert json.loads(result.stdout)["runs"][0]["metrics"]["train_loss"]["points"] >= 50


def masked(data: bytes) -> int:
    from diagnose.readers.tensorboard.crc import masked as of

    return of(data)


@pytest.mark.parametrize("name", ["events.out.tfevents.1.host", "train.log", "metrics.csv", "metrics.jsonl", "x.json"])
def test_a_sparse_file_larger_than_memory_is_no_log(tmp_path: Path, name: str) -> None:
    with (tmp_path / name).open("wb") as file:
        file.truncate(64 << 20)
    refused(ttsdoc("analyze", tmp_path / name, preexec_fn=little_memory))


def test_an_endless_stream_is_judged_as_far_as_it_was_read() -> None:
    reader, thread = start_of(forever(HEALTHY.encode()))
    with os.fdopen(reader, "rb") as stream:
        result = ttsdoc("analyze", "-", "--format", "json", stdin=stream, preexec_fn=little_memory)
    thread.join(10)
    error_lines(result)
    (run,) = json.loads(result.stdout)["runs"]
    assert [note for note in run["notes"] if "MiB" in note]


def test_yes_is_judged_or_refused() -> None:
    with subprocess.Popen(["yes", "step 7 loss 2.5"], stdout=subprocess.PIPE) as yes:
        result = ttsdoc("analyze", "-", stdin=yes.stdout, preexec_fn=little_memory)
        yes.kill()
    error_lines(result)
    assert result.returncode in (0, 1, 2)


@pytest.mark.parametrize("place", ["/dev/zero", "/dev/full", "/dev/null", "/dev/urandom"])
@pytest.mark.parametrize("command", ["analyze", "fix", "check", "train", "data stats", "explain", "config show"])
def test_devices_are_refused(place: str, command: str) -> None:
    result = ttsdoc(*command.split(), place, preexec_fn=little_memory, env={"OMP_NUM_THREADS": "1"})
    assert result.returncode == 2
    assert error_lines(result)


def test_zeros_on_standard_input_are_no_log() -> None:
    with Path("/dev/zero").open("rb") as zeros:
        refused(ttsdoc("analyze", "-", stdin=zeros, preexec_fn=little_memory), "zeros")


def test_a_pipe_that_nobody_writes_to_is_given_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    refused(ttsdoc("analyze", tmp_path / "pipe", timeout=PATIENCE + 60), "pipe", "writes")


def test_a_pipe_whose_writer_comes_late_and_pauses_is_read_to_its_end(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [*TTSDOC, "analyze", str(pipe), "--format", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=environment_with({})) as reading:
        time.sleep(0.5)
        with pipe.open("w") as file:
            file.write(HEALTHY[:500])
            file.flush()
            time.sleep(0.5)
            file.write(HEALTHY[500:])
        output, _ = reading.communicate()
    assert json.loads(output)["runs"][0]["metrics"]["train_loss"]["points"] == HEALTHY.count("\n")


def test_a_view_without_end_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i"
    with sqlite3.connect(path) as database:
        columns = "'run' AS run_name, i AS id, '' AS timestamp, i AS step, '{}' AS metrics"
        database.execute(f"CREATE VIEW metrics AS {endless} , {columns} FROM n")
    refused(ttsdoc("analyze", path), "no trackio database")


@pytest.mark.parametrize("metrics", ["[" * 50_000, "null", '"text"', "1e999", '{"loss": 1' + "0" * 400 + "}", "\x00"])
def test_strange_rows_of_a_database_are_passed_over(tmp_path: Path, metrics: str) -> None:
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE metrics (id INTEGER, run_name TEXT, timestamp, step, metrics TEXT)")
        for step in range(30):
            values = (step, "run", "2026-01-01T00:00:00", step, json.dumps({"loss": 3 / (1 + step)}))
            database.execute("INSERT INTO metrics VALUES (?, ?, ?, ?, ?)", values)
            database.execute("INSERT INTO metrics VALUES (?, ?, ?, ?, ?)", (step, "run", "never", 2**62, metrics))
    result = ttsdoc("analyze", path, "--format", "json")
    error_lines(result)
    assert json.loads(result.stdout)["runs"][0]["metrics"]["train_loss"]["points"] >= 30
