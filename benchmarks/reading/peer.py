"""One reader over one set, in a process of its own: seconds (clock, CPU) after the imports, points, peak memory."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from time import perf_counter

Reader = Callable[[Path], int]
"""Reads all event files of a folder; how many points it found."""


def ttsdoc() -> Reader:
    """Ours, every checksum of the scalars verified."""
    import diagnose.readers.tensorboard.event_run  # noqa: F401 - `runs` would import it at the first event file
    from diagnose.readers import runs

    return lambda folder: sum(len(curve) for run in runs(folder) for curve in run.curves.values())


def event_accumulator() -> Reader:
    """TensorBoard's reader, set to keep every scalar."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def read(folder: Path) -> int:
        count = 0
        for path in sorted(folder.rglob("*tfevents*")):
            reader = EventAccumulator(str(path.parent), size_guidance={"scalars": 0, "tensors": 0})
            reader.Reload()
            tags = reader.Tags()
            count += sum(len(reader.Scalars(tag)) for tag in tags["scalars"])
            count += sum(len(reader.Tensors(tag)) for tag in tags["tensors"])
        return count

    return read


def tbparse() -> Reader:
    """The reader that gives pandas frames."""
    from tbparse import SummaryReader

    def read(folder: Path) -> int:
        reader = SummaryReader(str(folder), event_types={"scalars", "tensors"})
        return len(reader.scalars) + len(reader.tensors)

    return read


def cat() -> Reader:
    """The bytes, to nowhere: the floor."""
    buffer = bytearray(1 << 20)

    def read(folder: Path) -> int:
        for path in folder.rglob("*tfevents*"):
            with path.open("rb", buffering=0) as file:
                while file.readinto(buffer):
                    pass
        return 0

    return read


def judge(jobs: int) -> Reader:
    """What `ttsdoc analyze --jobs N` does with a tree of runs: read and judged, in a pool of processes."""
    import diagnose.readers.tensorboard.event_run  # noqa: F401 - see above
    from diagnose.checks import every_check
    from diagnose.facts import Hints
    from diagnose.pool import find, judge_all

    every_check()
    return lambda folder: len(judge_all(find([str(folder)]), Hints(), jobs=jobs).diagnoses)


READERS: dict[str, Callable[[], Reader]] = {
    "ttsdoc": ttsdoc,
    "EventAccumulator": event_accumulator,
    "tbparse": tbparse,
    "cat": cat,
    "1 process": lambda: judge(1),
    "2 processes": lambda: judge(2),
}
"""By name, what imports a reader's modules and gives the reader."""


def _cpu() -> float:
    """Seconds of CPU of this process and of those that it has waited for."""
    both = getrusage(RUSAGE_SELF), getrusage(RUSAGE_CHILDREN)
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def _stated(file: str, key: str) -> int:
    """What Linux reports of this process: a number, or 0 where the system is another one."""
    path = Path("/proc/self", file)
    match = re.search(rf"^{key}:\s+(\d+)", path.read_text(), re.MULTILINE) if path.exists() else None
    return int(match[1]) if match else 0


def _peak() -> int:
    """Bytes, at most, of this process or of one that it has waited for."""
    own = _stated("status", "VmHWM") or getrusage(RUSAGE_SELF).ru_maxrss  # the latter counts who started it, too
    return max(own, getrusage(RUSAGE_CHILDREN).ru_maxrss) * 1024


def main() -> None:
    """Read, and print how it went."""
    name, folder = sys.argv[1:]
    read = READERS[name]()
    bytes_read, cpu, began = _stated("io", "rchar"), _cpu(), perf_counter()
    points = read(Path(folder))
    seconds, cpu, bytes_read = perf_counter() - began, _cpu() - cpu, _stated("io", "rchar") - bytes_read
    result = {"seconds": seconds, "cpu": cpu, "peak_bytes": _peak(), "points": points, "bytes_read": bytes_read}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
