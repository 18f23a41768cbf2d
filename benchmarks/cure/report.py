"""The tables: named at the end and live, cured, made worse, relaunches, cost, by fault and arm."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

from benchmarks.cure.arms import ARMS, Result, facts_of, live_alarms, named
from benchmarks.cure.faults import FAULTS, reference_of

CLOSED = 0.8
"""Share of the gap to the reference that a cure must close."""
IN_TIME = 5
"""Evaluations after the best within which training must end, for overfitting."""
LEAST_NOISE = 0.1
"""Difference between seeds where too few references were run to measure it. Source: three seeds of the trainer."""


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
    lines = ["| fault | seeds | named at the end | named live (step) | arm | cured | worse | relaunches | cost |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    totals: dict[str, list[tuple[bool, bool, float]]] = defaultdict(list)
    for kind in dict.fromkeys(cell.kind for cell in cells if not cell.kind.startswith(("reference", "healthy"))):
        lines += _kind(kind, cells, known, totals, out)
    lines += ["", "| arm | cured | made worse | mean cost in healthy runs |", "| --- | --- | --- | --- |"]
    for arm, found in totals.items():
        cured, worse = sum(one[0] for one in found), sum(one[1] for one in found)
        lines.append(f"| {arm} | {cured} of {len(found)} | {worse} | {mean(one[2] for one in found):.2f} |")
    return "\n".join([*lines, "", *_controls(cells, out)]) + "\n"


def _kind(
    kind: str,
    cells: list[Cell],
    known: dict[tuple[str, str, str], Result],
    totals: dict[str, list[tuple[bool, bool, float]]],
    out: Path,
) -> list[str]:
    seeds = [cell.seed for cell in cells if cell.kind == kind and cell.arm == "sick"]
    faulty = [seed for seed in seeds if _is_fault(kind, seed, known)]
    if not faulty:
        return [f"| {kind} | {len(seeds)} | no fault: no worse than the reference beyond noise | | | | | | |"]
    sick = [known[kind, seed, "sick"] for seed in faulty]
    facts = [facts_of(out / one.logs) for one in sick]
    ended = sum(bool(named(one)) for one in facts)
    live = [min(seen.values()) for one in facts if (seen := live_alarms(one))]
    head = f"| {kind} | {len(faulty)} | {ended} of {len(sick)} | {len(live)} of {len(sick)} ({_steps(live)}) "
    lines = []
    for arm in ARMS:
        found = [_judged(kind, seed, arm, known) for seed in faulty if (kind, seed, arm) in known and arm != "sick"]
        if not found:
            continue
        totals[arm] += [(one[0], one[1], one[3]) for one in found]
        cured, worse = sum(one[0] for one in found), sum(one[1] for one in found)
        relaunches, cost = mean(one[2] for one in found), mean(one[3] for one in found)
        lines.append(f"{head}| {arm} | {cured} of {len(found)} | {worse} | {relaunches:.1f} | {cost:.2f} |")
        head = "| | | | "
    return lines or [f"{head}| | | | | |"]


def _judged(
    kind: str, seed: str, arm: str, known: dict[tuple[str, str, str], Result]
) -> tuple[bool, bool, float, float]:
    """(cured, made worse, relaunches, cost in healthy runs)."""
    treated, sick = known[kind, seed, arm], known[kind, seed, "sick"]
    reference = known[reference_of(kind), seed, "sick"]
    best = treated.best if treated.best is not None else float("inf")
    was = sick.best if sick.best is not None else float("inf")
    noise = _noise(kind, known)
    cost = treated.cost / reference.cost
    if _cured_by_stopping(kind):
        late = (treated.last_step - (treated.best_step or 0)) / max(1, treated.eval_interval)
        return best <= was + noise and late <= IN_TIME, best > was + noise, treated.relaunches, cost
    target = reference.best if reference.best is not None else float("inf")
    closed = (was - best) / (was - target) if was < float("inf") else float(best <= target + noise)
    return closed >= CLOSED, best > was + noise, treated.relaunches, cost


def _is_fault(kind: str, seed: str, known: dict[tuple[str, str, str], Result]) -> bool:
    reference = known.get((reference_of(kind), seed, "sick"))
    sick = known[kind, seed, "sick"]
    if reference is None or reference.best is None:
        return False
    if _cured_by_stopping(kind):
        return sick.last is not None and sick.best is not None and sick.last > sick.best + _noise(kind, known)
    return sick.best is None or sick.best > reference.best + _noise(kind, known)


def _noise(kind: str, known: dict[tuple[str, str, str], Result]) -> float:
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
