"""One reader over one set, in a process of its own: seconds (clock, CPU) after the imports, points, peak memory."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

Reader = Callable[[Path], int]


def ours(folder: Path) -> int:
    """ttsdoc, every checksum of the scalars verified."""
    from diagnose.readers import runs

    return sum(len(curve) for run in runs(folder) for curve in run.curves.values())


def event_accumulator(folder: Path) -> int:
    """TensorBoard's reader, told to keep every scalar."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    count = 0
    for path in sorted(folder.rglob("*tfevents*")):
        reader = EventAccumulator(str(path.parent), size_guidance={"scalars": 0})
        reader.Reload()
        count += sum(len(reader.Scalars(tag)) for tag in reader.Tags()["scalars"])
    return count


def tbparse(folder: Path) -> int:
    """The reader that gives pandas frames."""
    from tbparse import SummaryReader

    return len(SummaryReader(str(folder), event_types={"scalars"}).scalars)


def cat(folder: Path) -> int:
    """The bytes, to nowhere: the floor."""
    buffer = bytearray(1 << 20)
    for path in folder.rglob("*tfevents*"):
        with path.open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass
    return 0


def _prepared(name: str) -> Reader:
    """The reader, its libraries imported."""

    if name == "event_accumulator":
        pass
    if name == "tbparse":
        import tbparse as library  # noqa: F401
    return {"ours": ours, "event_accumulator": event_accumulator, "tbparse": tbparse, "cat": cat}[name]


def main() -> None:
    """Read, and tell."""
    name, folder = sys.argv[1:]
    reader = _prepared(name)
    began, worked = perf_counter(), process_time()
    points = reader(Path(folder))
    seconds, cpu = perf_counter() - began, process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "cpu": cpu, "points": points, "peak_bytes": peak}))


if __name__ == "__main__":
    main()
