"""Damage lines of real-looking logs at random and read them: no traceback, never more points than numbers.

    python -m benchmarks.reading.mutations FOLDER [--count 10000] [--seed 0]

Every text file below FOLDER is damaged line by line: bytes flipped, cut, doubled, moved, glued, numbers changed.
Printed is how many logs were read, refused and broken; the seed of a broken one repeats it.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from diagnose.errors import LogError
from diagnose.readers import read_source
from diagnose.readers.sources import Source

SUFFIXES = {".log", ".txt", ".csv", ".json", ".jsonl", ".tsv"}
LARGEST = 1 << 16
NUMBER = re.compile(rb"\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+|nan|inf", re.IGNORECASE)
ODD = (b"nan", b"inf", b"-inf", b"1e999", b"-0", b"9" * 30, b"1,234.5", b"0x1F", b"\xff\xfe", b"\0", b"\x1b[31m", b"")


def damaged(lines: list[bytes], chance: random.Random, most: int) -> tuple[list[bytes], int]:
    """The lines with up to `most` of them damaged, and how many were."""
    lines = list(lines)
    count = chance.randint(1, most)
    for _ in range(count):
        place = chance.randrange(len(lines))
        lines[place : place + 1] = _damage(lines[place], lines, chance)
        if not lines:
            lines = [b""]
    return lines, count


def _damage(line: bytes, lines: list[bytes], chance: random.Random) -> list[bytes]:
    """What may replace a line."""
    at = chance.randrange(len(line) + 1)
    other = chance.choice(lines)
    kinds = (
        lambda: [line[:at]],
        lambda: [line[at:]],
        lambda: [line[:at] + bytes([chance.randrange(256)]) + line[at + 1 :]],
        lambda: [line, line],
        lambda: [line + other],
        lambda: [line[:at], line[at:]],
        lambda: [other, line],
        list,
        lambda: [_with_another_number(line, chance)],
        lambda: [line[:at] + chance.choice(ODD) + line[at:]],
    )
    return chance.choice(kinds)()


def _with_another_number(line: bytes, chance: random.Random) -> bytes:
    numbers = list(NUMBER.finditer(line))
    if not numbers:
        return line
    start, stop = chance.choice(numbers).span()
    return line[:start] + chance.choice((*ODD, str(chance.randrange(10**9)).encode())) + line[stop:]


def logs_below(folder: Path) -> Iterator[tuple[Path, list[bytes]]]:
    """Every small text log, as lines."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in SUFFIXES and path.is_file() and 0 < path.stat().st_size <= LARGEST:
            yield path, path.read_bytes().split(b"\n")


def try_one(path: Path, lines: list[bytes]) -> str:
    """`read`, `refused`, or what went wrong."""
    data = b"\n".join(lines)
    try:
        run = read_source(Source(path.name, content=data))
    except LogError as error:
        return str(error) if "an error in ttsdoc" in str(error) else "refused"
    except Exception:
        return traceback.format_exc()
    most = max((len(curve) for curve in run.curves.values()), default=0)
    numbers = len(NUMBER.findall(data))
    return "read" if most <= numbers else f"{most} points of {numbers} numbers"


def main() -> int:
    """Run as many mutations of lines as asked for. 1 where one broke."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--count", type=int, default=10_000, help="lines to damage in all")
    options.add_argument("--seed", type=int, default=0)
    asked = options.parse_args()
    logs = list(logs_below(asked.folder))
    warnings.simplefilter("error")  # on somebody's screen it is noise about our own code
    outcomes: Counter[str] = Counter()
    done, seed, began = 0, asked.seed, time.monotonic()
    while done < asked.count:
        chance = random.Random(seed)
        path, lines = chance.choice(logs)
        broken, count = damaged(lines, chance, max(2, len(lines) // 4))
        outcome = try_one(path, broken)
        outcomes[outcome if outcome in {"read", "refused"} else "broken"] += 1
        if outcome not in {"read", "refused"}:
            print(f"seed {seed}, {path}: {outcome}", file=sys.stderr)
        done, seed = done + count, seed + 1
    seconds = time.monotonic() - began
    print(f"{done:,} damaged lines of {len(logs)} logs in {seconds:.0f} s: {dict(outcomes)}")
    return int(outcomes["broken"] > 0)


if __name__ == "__main__":
    raise SystemExit(main())
