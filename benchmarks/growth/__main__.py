"""`python -m benchmarks.growth`: processor seconds to read each input at 1, 4 and 16 times its size."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.growth.inputs import INPUTS, Make
from diagnose.errors import LogError
from diagnose.readers import discover, read_source

FACTORS = (1, 4, 16)


def seconds(make: Make, size: int) -> float:
    with TemporaryDirectory() as name:
        path = make(Path(name), size)
        began = time.process_time()
        try:
            for source in discover(path):
                read_source(source)
        except LogError as error:
            print(f"  {error}", file=sys.stderr)
        return time.process_time() - began


def main() -> None:
    print("| input | size | s | x4 | x16 | growth |\n|---|---:|---:|---:|---:|---:|")
    wanted = sys.argv[1:]
    for name, (make, size) in INPUTS.items():
        if wanted and not any(word in name for word in wanted):
            continue
        seconds(make, size // 8)
        taken = [seconds(make, size * factor) for factor in FACTORS]
        row = " | ".join(f"{one:.2f}" for one in taken)
        print(f"| {name} | {size:,} | {row} | {taken[-1] / taken[1]:.1f} for 4 |", flush=True)


if __name__ == "__main__":
    main()
