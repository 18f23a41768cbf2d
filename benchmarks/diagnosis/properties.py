"""What must hold of every diagnosis: it does not take back an error, and it is quick."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from benchmarks.diagnosis.cases import Case
from diagnose.engine import examine
from diagnose.facts import Facts
from diagnose.finding import Severity
from diagnose.run import Role, Run
from diagnose.testing.synthetic import Fault, sample

# Watched runs are looked at again when they have grown by this factor.
GROWTH = 1.2
LOOKS = 8


@dataclass(frozen=True, slots=True)
class Prefixes:
    """Of healthy runs watched as they grew."""

    runs: int
    taken_back: int
    """Runs in which an error was reported at some step and was gone at 1.2 times that step."""


def prefixes(cases: Iterable[Case]) -> Prefixes:
    """Watch the healthy ones of `cases` grow."""
    watched = [case.run for case in cases if case.fault is Fault.HEALTHY]
    return Prefixes(len(watched), sum(_takes_back(run) for run in watched))


def _takes_back(run: Run) -> bool:
    curve = run.curve(Role.TRAIN_LOSS)
    if curve is None:
        return False
    last = int(curve.steps[-1])
    looks = [_errors(run.until(round(last / GROWTH**back))) for back in range(LOOKS, -1, -1)]
    return any(before - after for before, after in pairwise(looks))


def _errors(run: Run) -> set[str]:
    return {one.name for one in examine(Facts(run)).findings if one.alarming and one.severity is Severity.ERROR}


def milliseconds(points: int) -> float:
    """Of one examination of a healthy run of `points`; the best of three fresh ones."""
    best = np.inf
    for _ in range(3):
        run = sample(Fault.HEALTHY, 1, "steady", points=points).run
        began = time.perf_counter()
        examine(Facts(run))
        best = min(best, time.perf_counter() - began)
    return float(1000 * best)
