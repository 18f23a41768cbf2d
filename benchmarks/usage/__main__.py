"""Score what `ttsdoc check --trainer` says of real trainers against what a person read in their source.

    python -m benchmarks.usage TRUTH.yaml FOLDER

TRUTH.yaml names for each trainer: `repo` (owner/name), `commit`, `config`, `trainer`, and `dead` (these keys and no
others) or `live` (these, all others are dead); `either`: keys that may be called both. FOLDER holds the checkouts,
each as FOLDER/owner+name. Those that are not there are named and left out.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from diagnose.config import read_config
from diagnose.finding import Confidence
from diagnose.usage.report import KeyReport
from diagnose.usage.source import keys_read


@dataclass(frozen=True)
class Score:
    """One trainer: what is true, what was said."""

    name: str
    keys: int
    dead: frozenset[str]
    accused: frozenset[str]
    sure: frozenset[str]
    """Those that were accused with high confidence."""
    unknown: frozenset[str]
    seconds: float = field(compare=False)

    @property
    def found(self) -> int:
        return len(self.dead & self.accused)

    @property
    def false(self) -> frozenset[str]:
        return self.accused - self.dead


def config_of(path: Path) -> Mapping[str, Any]:
    """The config as plain data, read as `ttsdoc check` reads it."""
    tree: Mapping[str, Any] = read_config(path).tree()
    return tree


def score(name: str, truth: Mapping[str, Any], checkout: Path) -> Score:
    """Read one trainer's source and compare."""
    config = checkout / truth["config"]
    before = time.monotonic()
    report = keys_read(checkout / truth["trainer"], config_of(config), config)
    seconds = time.monotonic() - before
    either = frozenset(truth.get("either") or ())
    paths = frozenset(use.path for use in report.keys)
    dead = paths - frozenset(truth["live"]) if "live" in truth else frozenset(truth["dead"])
    accused = frozenset(use.path for use in report.idle) - either
    return Score(name, len(paths), dead - either, accused, _sure(report), frozenset(report.unknown), seconds)


def _sure(report: KeyReport) -> frozenset[str]:
    return frozenset(use.path for use in report.idle if use.confidence is Confidence.HIGH)


def lines(scores: list[Score]) -> Iterator[str]:
    """The table, its sums, and every key that was missed or accused wrongly."""
    yield f"{'trainer':<24} {'keys':>5} {'dead':>5} {'found':>5} {'false':>5} {'unknown':>7} {'s':>5}"
    for one in scores:
        numbers = f"{one.keys:>5} {len(one.dead):>5} {one.found:>5} {len(one.false):>5} {len(one.unknown):>7}"
        yield f"{one.name:<24} {numbers} {one.seconds:>5.1f}"
    for one in scores:
        for path in sorted(one.dead - one.accused):
            yield f"missed: {one.name} {path}{' (cannot tell)' if path in one.unknown else ''}"
        for path in sorted(one.false):
            yield f"FALSE: {one.name} {path}{' (high confidence)' if path in one.sure else ''}"
    found, dead = sum(one.found for one in scores), sum(len(one.dead) for one in scores)
    false, keys = sum(len(one.false) for one in scores), sum(one.keys for one in scores)
    shares = [one.found / len(one.dead) for one in scores if one.dead]
    yield (
        f"recall {found} of {dead} ({found / max(dead, 1):.1%}), "
        f"mean over trainers {sum(shares) / max(len(shares), 1):.1%}; "
        f"precision {found / max(found + false, 1):.1%} ({false} false); "
        f"cannot tell {sum(len(one.unknown) for one in scores) / max(keys, 1):.1%} of {keys} keys; "
        f"slowest {max((one.seconds for one in scores), default=0.0):.1f} s"
    )


def main() -> int:
    """Print the table; 1 where a live key is accused."""
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    truths = yaml.safe_load(Path(sys.argv[1]).read_text("utf-8"))
    scores = []
    for name, truth in truths.items():
        checkout = Path(sys.argv[2]) / truth["repo"].replace("/", "+")
        if (checkout / truth["trainer"]).is_file() and (checkout / truth["config"]).is_file():
            scores.append(score(name, truth, checkout))
        else:
            print(f"left out: {name} ({truth['repo']} at {truth.get('commit', 'any commit')} is not in {sys.argv[2]})")
    for line in lines(scores):
        print(line)
    return int(any(one.false for one in scores))


if __name__ == "__main__":
    sys.exit(main())
