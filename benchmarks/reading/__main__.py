"""usage: python -m benchmarks.reading [--quick] [--sets a,at,b,c,e,f,s] [--out docs/benchmark-reading.md]."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from benchmarks.reading import report
from benchmarks.reading.looks import ENVIRONMENT, Look, interleaved, look, readers, started
from benchmarks.reading.sets import SETS, WHOLE, Set
from diagnose.checks import every_check


def main() -> None:
    """Make the sets, read them, print the report, and write it where `--out` says."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        folder = (asked.folder or Path(scratch)) / ("quick" if asked.quick else "full")
        text = []
        for section in _sections(asked, folder, Path(scratch)):
            print(section, flush=True)
            text.append(section)
    if asked.out is not None:
        asked.out.write_text("\n".join(text))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reading", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the size")
    parser.add_argument("--rounds", type=int, default=5)
    every = ",".join(one.name for one in (*SETS, WHOLE))
    parser.add_argument("--sets", default=every, help="which, by their letters: %(default)s")
    parser.add_argument("--readers", default=",".join(readers()), help="which, cat and ttsdoc among them: %(default)s")
    parser.add_argument("--folder", type=Path, help="keep the sets here")
    parser.add_argument("--out", type=Path, help="write the report to this Markdown file")
    return parser.parse_args()


def _sections(asked: argparse.Namespace, folder: Path, scratch: Path) -> Iterator[str]:
    # Where files are put changes no figure, and is nobody else's folder.
    what = f"--sets {asked.sets} --rounds {asked.rounds}{' --quick' if asked.quick else ''}"
    yield report.opening(f"python -m benchmarks.reading {what}", asked.rounds)
    divisor = 10 if asked.quick else 1
    wanted = asked.sets.split(",")
    for one in (one for one in SETS if one.name in wanted):
        place = _made(one, folder / one.name, divisor)
        looks = interleaved(asked.readers.split(","), partial(look, folder=place), asked.rounds)
        counts = {name: found[0].points for name, found in looks.items() if found[0].points}
        assert len(set(counts.values())) == 1, counts
        size = sum(path.stat().st_size for path in place.rglob("*tfevents*"))
        yield report.comparison(one, size, looks)
        if one.runs > 1:
            looks = interleaved(["1 process", "2 processes"], partial(look, folder=place), asked.rounds)
            yield report.scaling(one, looks)
    if WHOLE.name in wanted:
        yield _commands(_made(WHOLE, folder / WHOLE.name, divisor), asked.rounds, scratch)


def _made(one: Set, folder: Path, divisor: int) -> Path:
    """The folder of a set, written where it is not there yet."""
    if not folder.exists():
        one.make(folder, one.steps // divisor)
    return folder


def _commands(folder: Path, rounds: int, scratch: Path) -> str:
    """Whole commands on one event file."""
    commands = {
        "ttsdoc analyze": ["-m", "diagnose", "analyze", "--exit-zero"],
        "ttsdoc analyze --format json": ["-m", "diagnose", "analyze", "--exit-zero", "--format", "json"],
    }
    if find_spec("runmedic"):
        commands["runmedic diagnose"] = ["-m", "runmedic", "diagnose"]
    # Installed tools have their bytecode; whether this checkout may write its own is not what is measured.
    environment = {**ENVIRONMENT, "PYTHONPYCACHEPREFIX": str(scratch / "bytecode"), "PYTHONDONTWRITEBYTECODE": ""}

    def take(name: str) -> Look:
        return started([sys.executable, *commands[name], str(folder)], environment)

    interleaved(commands, take, 1)  # writes the bytecode
    looks = interleaved(commands, take, rounds)
    points = look("ttsdoc", folder).points
    return report.start_to_exit(WHOLE, points, looks, len(every_check()))


if __name__ == "__main__":
    began = time.perf_counter()
    main()
    print(f"{time.perf_counter() - began:.0f} seconds in all", file=sys.stderr)
