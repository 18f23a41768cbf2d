"""Promise 19: a signal, a closed pipe or no terminal end a command without a traceback, at any moment."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.promises.commands import HEALTHY, ROOT, TTSDOC, environment_with, error_lines, ttsdoc


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.1, 0.2, 0.4, 0.8])
def test_ctrl_c_at_any_moment_is_status_130(tmp_path: Path, delay: float) -> None:
    for number in range(60):
        (tmp_path / f"run{number}").mkdir()
        (tmp_path / f"run{number}" / "train.log").write_text(HEALTHY * 20)
    command = [*TTSDOC, "analyze", str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment_with({})
    ) as process:
        while b"numpy" not in Path(f"/proc/{process.pid}/maps").read_bytes():  # until the command itself is at work
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    # Python ends itself by the signal where it came while a data class was made; a shell says 130 for that as well.
    assert process.returncode in (130, -signal.SIGINT, 0)
    assert "Traceback" not in errors, errors


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "train.log").write_text(HEALTHY)
    for form in ("text", "json", "markdown"):
        command = [*TTSDOC, "analyze", str(tmp_path), "--format", form]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env=environment_with({})
        ) as process:
            assert process.stdout is not None
            process.stdout.close()
            assert process.stderr is not None
            assert b"Traceback" not in process.stderr.read()


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "> /dev/full"])
def test_closed_streams_are_no_traceback(tmp_path: Path, closed: str) -> None:
    (tmp_path / "train.log").write_text(HEALTHY)
    command = f"{' '.join(TTSDOC)} analyze {tmp_path} {closed}"
    result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, cwd=ROOT,
                            env=environment_with({}))  # fmt: skip
    assert "Traceback" not in result.stderr
    assert result.returncode in (0, 1, 2)


def test_a_folder_that_is_gone_is_one_line(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    (tmp_path / "train.log").write_text(HEALTHY)
    script = f"cd {gone} && rmdir {gone} && exec {' '.join(TTSDOC)} analyze {tmp_path}/train.log"
    result = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False,
                            env=environment_with({}))  # fmt: skip
    assert "Traceback" not in result.stderr
    assert result.returncode in (0, 2)


@pytest.mark.parametrize("size", ["1", "20", "59", "10000", "-5", "x"])
def test_any_terminal_width_is_fine(tmp_path: Path, size: str) -> None:
    (tmp_path / "train.log").write_text(HEALTHY)
    result = ttsdoc("analyze", tmp_path, env={"COLUMNS": size, "LINES": size, "TERM": "dumb"})
    error_lines(result)
    assert result.returncode == 0
