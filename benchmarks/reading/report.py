"""The results as Markdown, the same text on the screen and in docs/."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from statistics import median

from benchmarks.reading.looks import Look
from benchmarks.reading.sets import Set
from diagnose import __version__

PEERS = ("tensorboard", "tensorboard-data-server", "tbparse", "runmedic")
Looks = Mapping[str, Sequence[Look]]


def opening(command: str, rounds: int) -> str:
    """What was run, on what, and how to read the tables."""
    peers = ", ".join(f"{name} {version(name)}" for name in PEERS if find_spec(name.replace("-", "_")))
    return f"""# How fast ttsdoc reads

Written by `{command}`; nothing here was edited by hand.
ttsdoc {__version__}, Python {platform.python_version()}, numpy {version("numpy")}, {peers}; {os.cpu_count()} cores.

Each reader reads each set in a process of its own, in turn with the others, {rounds} times (EventAccumulator and
tbparse once); reported are medians, from after the imports to the last point in memory. The files are in the page
cache. `cat` reads the bytes and drops them: the floor. EventAccumulator is set to keep every scalar and verifies
checksums as TensorBoard does by default, rustboard (TensorBoard's server in Rust) is set to verify them, ttsdoc
always does. CPU seconds depend less on what else the machine does than seconds do. `read` is what a reader asked of
the files, as a share of their size. Memory: the process at its peak, and that less 40 MB (Python, numpy and the
reader itself) for each point.
"""


def comparison(one: Set, size: int, looks: Looks) -> str:
    """Every reader on one set."""
    points = looks["ttsdoc"][0].points
    seconds = {name: _median(look.seconds for look in found) for name, found in looks.items()}
    cpu = {name: _median(look.cpu for look in found) for name, found in looks.items()}
    rows = []
    for name, found in looks.items():
        peak = _median(look.peak_bytes for look in found)
        rows.append(
            (
                name,
                f"{seconds[name]:.3f}",
                f"{seconds[name] / seconds['ttsdoc']:.1f}",
                f"{seconds[name] / seconds['cat']:.1f}",
                f"{cpu[name]:.3f}",
                f"{cpu[name] / cpu['ttsdoc']:.1f}",
                f"{cpu[name] / cpu['cat']:.1f}",
                f"{_median(look.bytes_read for look in found) / size:.1%}",
                f"{peak / 1e6:.0f}",
                f"{max(peak - 40e6, 0) / points:.0f}",
            )
        )
    head = "reader|seconds|times ttsdoc|times cat|CPU s|times ttsdoc|times cat|read|peak MB|bytes a point"
    about = f"{size / 1e6:,.0f} MB, {points:,} scalars; load {os.getloadavg()[0]:.1f}"
    return f"## {one.name}: {one.about}\n\n{about}\n\n{_table(head.split('|'), rows)}"


def scaling(one: Set, looks: Looks) -> str:
    """The same tree judged by one and by two processes."""
    single = _median(look.seconds for look in looks["1 process"])
    rows = []
    for name, found in looks.items():
        seconds, cpu = _median(look.seconds for look in found), _median(look.cpu for look in found)
        peak = _median(look.peak_bytes for look in found)
        rows.append((name, f"{seconds:.2f}", f"{single / seconds:.2f}", f"{cpu:.2f}", f"{peak / 1e6:.0f}"))
    table = _table(["`ttsdoc analyze --jobs`", "seconds", "speed-up", "CPU s", "peak MB of the largest"], rows)
    return f"### {one.name} on a second core: read and judged\n\nload {os.getloadavg()[0]:.1f}\n\n{table}"


def start_to_exit(one: Set, points: int, looks: Looks, checks: int) -> str:
    """Whole commands, the start of Python included."""
    rows = []
    for name, found in looks.items():
        seconds, cpu = _median(look.seconds for look in found), _median(look.cpu for look in found)
        peak = _median(look.peak_bytes for look in found)
        rows.append((f"`{name}`", f"{seconds:.2f}", f"{cpu:.2f}", f"{peak / 1e6:.0f}"))
    table = _table(["command", "seconds", "CPU s", "peak MB"], rows)
    missing = "" if find_spec("runmedic") else "\nrunmedic is not installed, so it was not asked.\n"
    about = f"{one.about}; {points:,} scalars, {checks} checks of ttsdoc; load {os.getloadavg()[0]:.1f}"
    return f"## From the start of the process to its exit\n\n{about}\n\n{table}{missing}"


def _median(numbers: Iterable[float]) -> float:
    return median(numbers)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table of numbers beside a name."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "--:|" * (len(head) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"
