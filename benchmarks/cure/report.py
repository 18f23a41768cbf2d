"""The tables: named at the end and live, cured, made worse, relaunches, cost, by fault and arm."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

from benchmarks.cure.arms import ARMS, UNTREATED, Result, facts_of, live_alarms, named
from benchmarks.cure.faults import FAULTS, reference_of

CLOSED = 0.8
"""Share of the gap to the reference that a cure must close."""
IN_TIME = 5
"""Evaluations after the best within which training must end, for overfitting."""
LEAST_NOISE = 0.1
"""Difference between seeds where too few references were run to measure it. Source: three seeds of the trainer."""


Key = tuple[str, str, str]
"""Fault, seed and arm."""


@dataclass(frozen=True)
class Judged:
    """What an arm did to one faulty training."""

    cured: bool
    worse: bool
    relaunches: int
    cost: float
    """In healthy runs."""


@dataclass(frozen=True)
class Cell:
    """One result, and what it is judged by."""

    kind: str
    seed: str
    arm: str
    result: Result


def read(folder: Path) -> list[Cell]:
    """All cells that are there."""
    cells = []
    for path in sorted(folder.glob("*.json")):
        name, _, arm = path.stem.replace("÷", "/").rpartition(" ")
        kind, _, seed = name.rpartition(" s") if " s" in name else (name, "", "")
        cells.append(Cell(kind, seed, arm, Result(**json.loads(path.read_text("utf-8")))))
    return cells


def tables(out: Path) -> str:
    """Everything as Markdown. What is named comes from the logs, by the checks as they are now."""
    cells = read(out / "cells")
    known = {(cell.kind, cell.seed, cell.arm): cell.result for cell in cells}
    treated = [arm for arm in ARMS if arm != UNTREATED]
    lines = [f"| fault | seeds | named at the end | named live (step) | {' | '.join(treated)} |"]
    lines.append("| --- " * (4 + len(treated)) + "|")
    totals: dict[str, list[Judged]] = defaultdict(list)
    kinds = dict.fromkeys(cell.kind for cell in cells if not cell.kind.startswith(("reference", "healthy")))
    lines += [f"| {' | '.join([kind, *_kind(kind, treated, known, totals, out)])} |" for kind in kinds]
    lines += ["", "| arm | cured | made worse | mean cost in healthy runs |", "| --- | --- | --- | --- |"]
    for arm in treated:
        found = totals[arm]
        cured, worse = sum(one.cured for one in found), sum(one.worse for one in found)
        cost = f"{mean(one.cost for one in found):.2f}" if found else "-"
        lines.append(f"| {arm} | {cured} of {len(found)} | {worse} | {cost} |")
    return "\n".join([*lines, "", *_controls(cells, out)]) + "\n"


def _kind(
    kind: str, arms: list[str], known: dict[Key, Result], totals: dict[str, list[Judged]], out: Path
) -> Iterator[str]:
    """The columns of one fault: seeds, what was named, and for each arm the cured, the relaunches and the cost."""
    seeds = [seed for name, seed, arm in known if name == kind and arm == UNTREATED]
    faulty = [seed for seed in seeds if _is_fault(kind, seed, known)]
    facts = [facts_of(out / known[kind, seed, UNTREATED].logs) for seed in faulty]
    live = [min(seen.values()) for one in facts if (seen := live_alarms(one))]
    yield f"{len(faulty)}" if len(faulty) == len(seeds) else f"{len(faulty)} of {len(seeds)}, else no fault"
    yield f"{sum(bool(named(one)) for one in facts)}"
    yield f"{len(live)} ({_steps(live)})"
    for arm in arms:
        found = [_judged(kind, seed, arm, known) for seed in faulty if (kind, seed, arm) in known]
        totals[arm] += found
        if found:
            relaunches, cost = mean(one.relaunches for one in found), mean(one.cost for one in found)
            yield f"{sum(one.cured for one in found)} of {len(found)}, {relaunches:.1f} relaunches, {cost:.2f}"
        else:
            yield "-"


def _judged(kind: str, seed: str, arm: str, known: dict[Key, Result]) -> Judged:
    treated, untreated = known[kind, seed, arm], known[kind, seed, UNTREATED]
    reference = known[reference_of(kind), seed, UNTREATED]
    best = treated.best if treated.best is not None else float("inf")
    was = untreated.best if untreated.best is not None else float("inf")
    noise = _noise(kind, known)
    cost = treated.cost / reference.cost
    if _cured_by_stopping(kind):
        late = (treated.last_step - (treated.best_step or 0)) / max(1, treated.eval_interval)
        return Judged(best <= was + noise and late <= IN_TIME, best > was + noise, treated.relaunches, cost)
    target = reference.best if reference.best is not None else float("inf")
    closed = (was - best) / (was - target) if was < float("inf") else float(best <= target + noise)
    return Judged(closed >= CLOSED, best > was + noise, treated.relaunches, cost)


def _is_fault(kind: str, seed: str, known: dict[Key, Result]) -> bool:
    reference = known.get((reference_of(kind), seed, UNTREATED))
    untreated = known[kind, seed, UNTREATED]
    if reference is None or reference.best is None:
        return False
    if _cured_by_stopping(kind):
        return (
            untreated.last is not None
            and untreated.best is not None
            and untreated.last > untreated.best + _noise(kind, known)
        )
    return untreated.best is None or untreated.best > reference.best + _noise(kind, known)


def _noise(kind: str, known: dict[Key, Result]) -> float:
    """Twice the spread of the references over seeds; a known figure where fewer than three were run."""
    found = [one.best for (name, _, _), one in known.items() if name == reference_of(kind) and one.best is not None]
    return max(2 * stdev(found), LEAST_NOISE / 2) if len(found) > 2 else LEAST_NOISE


def _cured_by_stopping(kind: str) -> bool:
    return any(one.name == kind.removesuffix(" larger") and one.cure == "best" for one in FAULTS)


def _steps(steps: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(steps))) or "-"


def _controls(cells: list[Cell], out: Path) -> list[str]:
    found = [cell.result for cell in cells if cell.kind.startswith("healthy")]
    if not found:
        return ["No healthy control was run."]
    stopped, changed = sum(bool(one.stopped) for one in found), sum(bool(one.edits) for one in found)
    facts = [facts_of(out / one.logs) for one in found]
    ended, live = [name for one in facts for name in named(one)], [name for one in facts for name in live_alarms(one)]
    names = ", ".join(sorted({*ended, *live})) or "none"
    counts = f"{len(found)} run, {stopped} stopped, {changed} changed, {len(ended)} alarms at the end, {len(live)} live"
    counts += f" ({names})"
    return [f"Healthy controls under `--heal`: {counts}."]
