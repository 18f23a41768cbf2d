"""Promise 19: a signal, a closed pipe or no terminal end a command without a traceback, at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.promises.commands import HEALTHY, ROOT, TTSDOC, environment_with, error_lines, refused, ttsdoc

# Ctrl-C comes when a module is imported that belongs to a phase of the command, so that no phase is missed.
INTERRUPTED = """
import os, signal, sys
from diagnose.cli import main

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == moment:
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs inherit that it is ignored
moment = sys.argv.pop()
sys.meta_path.insert(0, Interrupting())
raise SystemExit(main())
"""
MOMENTS = ["diagnose.cli.analyze", "diagnose.pool", "diagnose.readers.text.lines", "diagnose.report.terminal"]


@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_in_each_phase_is_status_130_and_silent(tmp_path: Path, moment: str) -> None:
    (tmp_path / "train.log").write_text(HEALTHY)
    command = [sys.executable, "-c", INTERRUPTED, "analyze", str(tmp_path), moment]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment_with({}))
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "")


@pytest.mark.parametrize("delay", [0.0, 0.3, 1.0, 2.5])
def test_ctrl_c_of_a_terminal_ends_all_processes_without_a_word(tmp_path: Path, delay: float) -> None:
    for number in range(60):
        (tmp_path / f"run{number}").mkdir()
        (tmp_path / f"run{number}" / "train.log").write_text(HEALTHY * 20)
    with subprocess.Popen(
        [*TTSDOC, "analyze", str(tmp_path), "--jobs", "2"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment_with({}),
        start_new_session=True,
    ) as process:  # fmt: skip
        while b"numpy" not in Path(f"/proc/{process.pid}/maps").read_bytes():  # until the command itself is at work
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate()
    # Python ends itself by the signal where it came while a data class was made; a shell says 130 for that as well.
    assert process.returncode in (130, -signal.SIGINT, 0)
    assert errors == ""


# Ctrl-C comes when the processes of the pool are there, and nothing yet that could tell them to end.
INTERRUPTED_POOL = """
import os, signal, sys
from diagnose.cli import main

def interrupt(frame, event, _):
    if event == "return" and frame.f_code.co_name in {"_launch_processes", "_adjust_process_count"}:
        sys.setprofile(None)
        os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.setprofile(interrupt)
raise SystemExit(main())
"""


def test_ctrl_c_while_the_pool_starts_leaves_no_process(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"run{number}").mkdir()
        (tmp_path / f"run{number}" / "train.log").write_text(HEALTHY)
    command = [sys.executable, "-c", INTERRUPTED_POOL, "analyze", str(tmp_path), "--jobs", "2"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment_with({}))
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "")


@pytest.mark.parametrize("option", ["--quiet", "--verbose", "--format=json"])  # one line is written at the very end
def test_a_reader_that_leaves_ends_the_command_as_any_other(tmp_path: Path, option: str) -> None:
    (tmp_path / "train.log").write_text(HEALTHY)
    command = [*TTSDOC, "analyze", str(tmp_path), option]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env=environment_with({})
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 128 + signal.SIGPIPE  # 1 would say that something was found


CLOSED = {"<&-": 0, ">&-": 0, "2>&-": 0, "<&- >&- 2>&-": 0, "> /dev/full": 2, "> /dev/full 2>&1": 2}


@pytest.mark.parametrize(("closed", "status"), CLOSED.items())
def test_closed_and_full_streams_are_no_traceback(tmp_path: Path, closed: str, status: int) -> None:
    (tmp_path / "train.log").write_text(HEALTHY)
    result = in_shell(f"{' '.join(TTSDOC)} analyze {tmp_path} {closed}")
    assert (result.returncode, "Traceback" in result.stderr) == (status, False)


def test_standard_input_that_is_closed_is_an_empty_log() -> None:
    refused(in_shell(f"{' '.join(TTSDOC)} analyze - <&-"), "empty")


def test_what_is_wrong_with_the_input_is_never_written_among_the_results(tmp_path: Path) -> None:
    result = in_shell(f"{' '.join(TTSDOC)} analyze {tmp_path}/nothing --format json 2>&-")
    assert (result.returncode, result.stdout) == (2, "")


def in_shell(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False, cwd=ROOT,
                          env=environment_with({}))  # fmt: skip


def test_a_folder_that_is_gone_is_one_line(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    (tmp_path / "train.log").write_text(HEALTHY)
    script = f"cd {gone} && rmdir {gone} && exec {' '.join(TTSDOC)} analyze {tmp_path}/train.log"
    result = in_shell(script)
    error_lines(result)
    assert result.returncode in (0, 2)


@pytest.mark.parametrize("size", ["1", "20", "59", "10000", "-5", "x"])
def test_any_terminal_width_is_fine(tmp_path: Path, size: str) -> None:
    (tmp_path / "train.log").write_text(HEALTHY)
    result = ttsdoc("analyze", tmp_path, env={"COLUMNS": size, "LINES": size, "TERM": "dumb"})
    error_lines(result)
    assert result.returncode == 0
