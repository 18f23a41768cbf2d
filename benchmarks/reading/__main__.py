"""`python -m benchmarks.reading [--quick]`: every reader over every set, interleaved; medians as ratios to ours."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.reading.sets import SETS, Set

ENVIRONMENT = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
SLOW = {"event_accumulator", "tbparse"}
"""Readers that are asked once however many rounds there are: one look takes minutes."""


class Look(NamedTuple):
    """One reader, once over one set."""

    seconds: float
    cpu: float
    """Seconds of CPU: what a busy machine changes least."""
    points: int
    peak_bytes: int


def main() -> None:
    """Make the sets, read them, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the size")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sets", default="abcef", help="which, by their letters")
    parser.add_argument("--folder", type=Path, help="keep the sets here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = (options.folder or Path(scratch)) / ("quick" if options.quick else "full")
        for one in (one for one in SETS if one.name in options.sets):
            _made(one, folder / one.name, 10 if options.quick else 1)
            _tell(one, folder / one.name, _looks(folder / one.name, options.rounds))


def _made(one: Set, folder: Path, divisor: int) -> None:
    if not folder.exists():
        one.make(folder, one.steps // divisor)


def _looks(folder: Path, rounds: int) -> dict[str, list[Look]]:
    """All looks of each reader: in every round each has its turn."""
    looks: dict[str, list[Look]] = {name: [] for name in _readers()}
    for turn in range(rounds):
        for name, found in looks.items():
            if turn == 0 or name not in SLOW:
                found.append(_rustboard(folder) if name == "rustboard" else _peer(name, folder))
    return looks


def _readers() -> Iterator[str]:
    yield from ("cat", "ours", "event_accumulator")
    installed = {"tbparse": "tbparse", "rustboard": "tensorboard_data_server"}
    yield from (name for name, module in installed.items() if find_spec(module))


def _peer(name: str, folder: Path) -> Look:
    command = [sys.executable, "-m", "benchmarks.reading.peer", name, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=ENVIRONMENT)
    return Look(**json.loads(done.stdout.splitlines()[-1]))


def _rustboard(folder: Path) -> Look:
    """TensorBoard's server in Rust, told to verify checksums as we do; it says itself how long loading took."""
    from tensorboard_data_server import server_binary

    command = [server_binary(), "--logdir", str(folder), "--port", "0", "--reload", "once", "--checksum", "-v"]
    command += ["--samples-per-plugin", "scalars=all"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as server:
        assert server.stderr is not None
        line = next(line for line in server.stderr if "Finished load cycle" in line)
        peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{server.pid}/status").read_text())
        ticks = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        server.kill()
    match = re.search(r"\(([\d.]+)(m?s)\)", line)
    assert match is not None
    assert peak is not None
    cpu = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
    return Look(float(match[1]) / (1000 if match[2] == "ms" else 1), cpu, 0, int(peak[1]) * 1024)


def _tell(one: Set, folder: Path, looks: dict[str, list[Look]]) -> None:
    size = sum(path.stat().st_size for path in folder.rglob("*tfevents*"))
    seconds = {name: median(look.seconds for look in found) for name, found in looks.items()}
    cpu = {name: median(look.cpu for look in found) for name, found in looks.items()}
    points = looks["ours"][0].points
    print(f"\n### {one.name}: {one.about}; {size / 1e6:,.0f} MB, {points:,} scalars, load {os.getloadavg()[0]:.1f}\n")
    print("| reader | seconds | times ours | times cat | CPU s | times ours | peak MB | bytes a point beside 40 MB |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for name, found in looks.items():
        peak = median(look.peak_bytes for look in found)
        ratios = f"{seconds[name] / seconds['ours']:.1f} | {seconds[name] / seconds['cat']:.1f}"
        worked = f"{cpu[name]:.3f} | {cpu[name] / cpu['ours']:.1f}"
        memory = f"{peak / 1e6:.0f} | {(peak - 40e6) / points:.0f}"
        print(f"| {name} | {seconds[name]:.3f} | {ratios} | {worked} | {memory} |", flush=True)
    counts = {name: found[0].points for name, found in looks.items() if found[0].points}
    assert len(set(counts.values())) == 1, counts


if __name__ == "__main__":
    began = time.perf_counter()
    main()
    print(f"\n{time.perf_counter() - began:.0f} seconds in all", file=sys.stderr)
