"""`python -m benchmarks.fuzz [SECONDS] [TARGET ...]`: how many inputs, and a file with the shortest for each breakage.

Mutation without coverage: these readers are mostly NumPy and regular expressions, which coverage of Python lines does
not see into. Each target gets as many processor seconds as are asked for; the seed of the day can be repeated by
`--seed N`.
"""

from __future__ import annotations

import random
import shutil
import sys
import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from benchmarks.fuzz.mutate import mutated
from benchmarks.fuzz.targets import TARGETS, Target, broken

SLOW = 5.0
"""Seconds that no input of this size may take."""


def fuzz(target: Target, seconds: float, draw: random.Random) -> tuple[int, dict[str, bytes]]:
    """How many inputs were tried, and the shortest input for each kind of breakage."""
    found: dict[str, bytes] = {}
    tried, began = 0, time.process_time()
    with TemporaryDirectory() as name:
        while time.process_time() - began < seconds:
            data = mutated(draw, target.seeds)
            folder = Path(name) / "one"
            folder.mkdir()
            start = time.process_time()
            problem = broken(target, data, folder)
            if time.process_time() - start > SLOW:
                problem = "slow"
            shutil.rmtree(folder)
            tried += 1
            if problem is not None and (problem not in found or len(data) < len(found[problem])):
                found[problem] = data
    return tried, found


def keep(name: str, found: dict[str, bytes]) -> None:
    """Write each input whole into a folder that stays, and name it: an input cut short does not break again."""
    folder = Path(mkdtemp(prefix=f"fuzz-{name.replace(' ', '-')}-"))
    for number, (problem, data) in enumerate(found.items(), start=1):
        path = folder / str(number)
        path.write_bytes(data)
        print(f"    {problem}\n      {path} ({len(data):,} bytes)", file=sys.stderr, flush=True)


def main() -> int:
    warnings.simplefilter("ignore")
    words = sys.argv[1:]
    seed = int(words.pop(words.index("--seed") + 1)) if "--seed" in words else time.time_ns() % 10**6
    words = [word for word in words if word != "--seed"]
    seconds = float(words.pop(0)) if words and words[0].replace(".", "").isdigit() else 60.0
    print(f"seed {seed}, {seconds:g} s a target\n| target | inputs | broken |\n|---|---:|---:|")
    broke = False
    for name in words or TARGETS:
        tried, found = fuzz(TARGETS[name](), seconds, random.Random(seed))
        print(f"| {name} | {tried:,} | {len(found)} |", flush=True)
        if found:
            keep(name, found)
            broke = True
    return int(broke)


if __name__ == "__main__":
    sys.exit(main())
