"""Run the cells that are still missing, or print the tables of those that are there.

    python -m benchmarks.cure run OUT [--kinds A,B] [--arms A,B] [--seeds 0,1] [--controls 10] [--minutes 30]
    python -m benchmarks.cure report OUT

Each cell (fault, seed, arm) is one file below OUT/cells; what is there is not run again, so that a run that was
broken off goes on. A cell takes ten to forty seconds of one processor.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.cure.arms import ARMS, UNTREATED, Result, plain
from benchmarks.cure.faults import FAULTS, LARGER, RATE_KINDS, SECOND_SIZE, Tree, config, controls, fault, reference_of
from benchmarks.cure.report import tables

SEEDS = (0, 1, 2)
AFTER_THE_RUN = ("fix", "ladder")
"""Arms that begin with the run as it was."""


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "report"))
    parser.add_argument("out", type=Path)
    parser.add_argument("--kinds", default=",".join(one.name for one in FAULTS))
    parser.add_argument("--arms", default=",".join(ARMS))
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)))
    parser.add_argument("--controls", type=int, default=50)
    parser.add_argument("--second-size", action="store_true")
    parser.add_argument("--minutes", type=float, default=180.0)
    asked = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads of torch that wait for a busy processor cost it more
    if asked.what == "run":
        run(asked)
    print(tables(asked.out))
    return 0


def run(asked: argparse.Namespace) -> None:
    """The missing cells, until the time is over."""
    until = time.monotonic() + 60 * asked.minutes
    for name, arm, tree in cells(asked):
        path = asked.out / "cells" / f"{name} {arm}.json".replace("/", "÷")
        if path.exists():
            continue
        if time.monotonic() > until:
            print("the time is over; the same command goes on")
            return
        folder = asked.out / "runs" / path.stem.replace(" ", "_")
        shutil.rmtree(folder, ignore_errors=True)
        began = time.monotonic()
        if arm in AFTER_THE_RUN:
            _take_along(asked.out / "logs" / f"{name} {UNTREATED}".replace("/", "÷"), folder / "0")
        result: Result = ARMS[arm](tree, folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        result.logs = str(_keep(Path(result.logs), asked.out / "logs" / path.stem).relative_to(asked.out))
        path.write_text(json.dumps(plain(result), indent=1), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        print(f"{name}, {arm}: {result.best} ({time.monotonic() - began:.0f} s)", file=sys.stderr, flush=True)


def _take_along(logs: Path, first: Path) -> None:
    """The run as it was, for the arms that begin with it: it is not trained again."""
    if logs.is_dir():
        shutil.copytree(logs, first)
        (first / "summary.json").touch()


def _keep(run: Path, place: Path) -> Path:
    """The log and the config of a run, so that it can be judged again; not its weights."""
    place.mkdir(parents=True, exist_ok=True)
    for name in ("metrics.jsonl", "config.yaml"):
        shutil.copyfile(run / name, place / name)
    return place


def cells(asked: argparse.Namespace) -> Iterator[tuple[str, str, Tree]]:
    """(name, arm, config), references first, then seed by seed, so that early ends leave whole seeds."""
    kinds = [fault(name) for name in asked.kinds.split(",")]
    arms, healthy = asked.arms.split(","), list(controls().items())[: asked.controls]
    for number, seed in enumerate(map(int, asked.seeds.split(","))):
        for one in kinds:
            yield f"{reference_of(one.name)} s{seed}", UNTREATED, config(*one.reference, seed=seed)
            for arm in arms:
                yield f"{one.name} s{seed}", arm, config(*one.changes, seed=seed)
        share = -(-len(healthy) // len(asked.seeds.split(",")))
        for name, tree in healthy[number * share : (number + 1) * share]:
            yield name, "heal", config(tree)
    if asked.second_size:
        for name in SECOND_SIZE:
            one = fault(name)
            yield f"{reference_of(name + ' larger')} s0", UNTREATED, config(*one.reference, LARGER, seed=0)
            for arm in arms:
                yield f"{name} larger s0", arm, config(*one.changes, LARGER, seed=0)


if __name__ == "__main__":
    assert set(RATE_KINDS) <= {one.name for one in FAULTS}
    sys.exit(main())
