"""One look of one reader at one set of files, each in a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

ENVIRONMENT = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
SLOW = frozenset({"EventAccumulator", "tbparse"})
"""Readers that are asked once however many rounds there are: one look takes minutes."""


class Look(NamedTuple):
    """What one look took."""

    seconds: float
    cpu: float
    """Seconds of CPU: what a busy machine changes least."""
    peak_bytes: int
    points: int = 0
    bytes_read: int = 0


def readers() -> list[str]:
    """Ours and the peers that are installed."""
    modules = {"EventAccumulator": "tensorboard", "tbparse": "tbparse", "rustboard": "tensorboard_data_server"}
    return ["cat", "ttsdoc", *(name for name, module in modules.items() if find_spec(module))]


def look(reader: str, folder: Path) -> Look:
    """One reader over all event files of a folder."""
    if reader == "rustboard":
        return _rustboard(folder)
    return _result_of("benchmarks.reading.peer", [reader, str(folder)], ENVIRONMENT)


def interleaved(names: Iterable[str], take: Callable[[str], Look], rounds: int) -> dict[str, list[Look]]:
    """All looks by name: in every round each has its turn."""
    looks: dict[str, list[Look]] = {name: [] for name in names}
    for turn in range(rounds):
        for name, found in looks.items():
            if turn == 0 or name not in SLOW:
                found.append(take(name))
    return looks


def _rustboard(folder: Path) -> Look:
    """TensorBoard's server in Rust, set to verify checksums as we do; it says itself how long loading took."""
    from tensorboard_data_server import server_binary

    command = [server_binary(), "--logdir", str(folder), "--port", "0", "--reload", "once", "--checksum", "-v"]
    command += ["--samples-per-plugin", "scalars=all"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as server:
        assert server.stderr is not None
        line = next(line for line in server.stderr if "Finished load cycle" in line)
        about = Path(f"/proc/{server.pid}")
        peak = re.search(r"VmHWM:\s+(\d+) kB", (about / "status").read_text())
        ticks = (about / "stat").read_text().rpartition(")")[2].split()[11:13]
        bytes_read = _bytes_read(about)
        server.kill()
    match = re.search(r"\(([\d.]+)(m?s)\)", line)
    assert match is not None
    assert peak is not None
    cpu = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
    seconds = float(match[1]) / (1000 if match[2] == "ms" else 1)
    return Look(seconds, cpu, int(peak[1]) * 1024, bytes_read=bytes_read)


def _bytes_read(about: Path) -> int:
    """What a process has asked of files so far, from the disk or from the page cache (Linux only)."""
    match = re.search(r"rchar: (\d+)", (about / "io").read_text())
    assert match is not None
    return int(match[1])


def started(command: list[str], environment: Mapping[str, str]) -> Look:
    """A command from its start to its exit."""
    return _result_of("benchmarks.reading.command", command, environment)


def _result_of(module: str, arguments: list[str], environment: Mapping[str, str]) -> Look:
    """What a module of ours prints of a look that it took."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return Look(**json.loads(done.stdout.splitlines()[-1]))
