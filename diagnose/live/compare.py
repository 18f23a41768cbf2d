"""Runs side by side: aligned, ranked, with what noise leaves of the difference; and against healthy ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from diagnose.engine import examine
from diagnose.errors import LogError
from diagnose.facts import Facts
from diagnose.finding import Diagnosis
from diagnose.gather import facts_of_run
from diagnose.live.history import remember
from diagnose.live.verdict import (
    Noise,
    Score,
    amount,
    estimated,
    judged_curve,
    samples_per_step,
    score,
    unit_of_amount,
)
from diagnose.readers import runs
from diagnose.run import Axis, Curve, FloatArray

ROWS = 8
"""Places at which aligned losses are shown. Source: our choice: a screen holds them."""
GRID = 64
"""Places at which a run is held against a band."""
LEFT = 3
"""Places in a row outside the band before a run counts as having left it. Source: our choice: one may be a spike."""


class By(str, Enum):
    """What runs are aligned by."""

    STEP = "step"
    SAMPLE = "sample"
    EPOCH = "epoch"
    TIME = "time"


@dataclass(frozen=True, eq=False)
class Entry:
    """One run of a comparison."""

    name: str
    diagnosis: Diagnosis
    best: Score | None
    """At the amount of training that all runs have seen."""
    final: float | None
    """Median of its last evaluations."""
    noise: float
    """Of its own evaluations, in units of the loss."""
    reached: float | None
    """Where it first reached the best of the first run, in units of the alignment."""
    gone: tuple[str, ...] = ()
    """Findings of the first run that it does not have."""
    new: tuple[str, ...] = ()
    """Findings that the first run does not have."""
    sentence: str = ""
    """Better, worse, or the same within noise: against the first run."""


@dataclass(frozen=True, eq=False)
class Compared:
    """The whole answer."""

    by: By
    metric: str
    noise: Noise
    """Between the best two."""
    entries: tuple[Entry, ...]
    """Best first."""
    places: FloatArray
    """Shape (rows,), in units of `by`."""
    losses: FloatArray
    """Shape (rows, runs), in the order of `entries`; NaN outside a run."""
    settings: tuple[tuple[str, tuple[Any, ...]], ...]
    """Hyperparameters that differ, one value a run."""
    within: str = ""
    """What all have trained, and which run ends there; empty where none goes on, or that is not known."""


@dataclass(frozen=True, slots=True)
class Left:
    """Where a run left the band of the healthy ones."""

    name: str
    place: float | None
    """None: it never did."""
    worse: bool


def compare(paths: Iterable[str | Path], *, by: By = By.STEP, noise: Noise | None = None) -> Compared:
    """Every run at `paths` side by side, against the first; see `compare_runs`. Raises LogError."""
    return compare_runs(facts_at(paths), by=by, noise=noise)


def facts_at(paths: Iterable[str | Path]) -> list[Facts]:
    """Every run at these paths, with the config near it. Raises LogError."""
    return [facts_of_run(run) for path in paths for run in runs(path)]


def compare_runs(found: Sequence[Facts], *, by: By = By.STEP, noise: Noise | None = None) -> Compared:
    """Two runs or more, against the first. Raises LogError where they have no loss in common or cannot be aligned."""
    if len(found) < 2:
        raise LogError("compare needs two runs or more, or one and --reference")
    curves = [_judged(facts, found) for facts in found]
    lines = [_aligned(facts, curve, by) for facts, curve in zip(found, curves, strict=True)]
    seen = [amount(facts, *found) for facts in found]
    most = _common(seen)
    first = examine_whole(found[0])
    scores = [score(facts, most, found) for facts in found]
    names = _names(found)
    entries = [
        _entry(
            name,
            facts,
            line,
            first,
            scores[0],
            best,
            noise or estimated(found[0], facts, beside=found),
            estimated(facts, beside=found).value,
        )
        for name, facts, line, best in zip(names, found, lines, scores, strict=True)
    ]
    order = sorted(range(len(found)), key=lambda number: _rank(entries[number]))
    places = _places([ticks for ticks, _ in lines])
    losses = np.stack([np.interp(places, *lines[n], left=np.nan, right=np.nan) for n in order], axis=1)
    ranked = tuple(entries[number] for number in order)
    settings = _settings([found[number] for number in order])
    role = curves[0].role
    metric = role.value if role else curves[0].tag
    noise = noise or estimated(*(found[n] for n in order[:2]), beside=found)
    short = names[seen.index(most)] if len({*seen}) > 1 and most is not None else ""
    within = f"within the first {most:,.0f} {unit_of_amount(*found)}, where {short} ends" if short else ""
    return Compared(by, metric, noise, ranked, places, losses, settings, within)


def against_band(runs: Sequence[Facts], healthy: Sequence[Facts], *, by: By = By.STEP) -> tuple[Left, ...]:
    """Where each run leaves the band of the healthy runs: their span at each place, widened by noise."""
    every = [*runs, *healthy]
    known = [_aligned(facts, _judged(facts, every), by) for facts in healthy]
    noise = estimated(*healthy, beside=every).value
    found = []
    for name, facts in zip(_names(runs), runs, strict=True):
        places, values = _aligned(facts, _judged(facts, every), by)
        grid = np.linspace(places[0], places[-1], GRID)
        band = np.stack([np.interp(grid, *line, left=np.nan, right=np.nan) for line in known])
        covered = np.isfinite(band).any(axis=0)
        grid, band = grid[covered], band[:, covered]
        here = np.interp(grid, places, values)
        above, below = here > np.nanmax(band, axis=0) + noise, here < np.nanmin(band, axis=0) - noise
        found.append(_left(name, grid, above, below))
    return tuple(found)


def _places(ticks: Sequence[FloatArray]) -> FloatArray:
    """Where the course is shown, evenly over all runs; whole where all are counted so."""
    places = np.linspace(min(one[0] for one in ticks), max(one[-1] for one in ticks), ROWS)
    return np.unique(np.round(places)) if all((one == np.round(one)).all() for one in ticks) else places


def _left(name: str, grid: FloatArray, above: np.ndarray, below: np.ndarray) -> Left:
    outside = above | below
    for start in range(len(grid) - LEFT + 1):
        if outside[start : start + LEFT].all():
            return Left(name, float(grid[start]), bool(above[start]))
    return Left(name, None, False)


def examine_whole(facts: Facts) -> Diagnosis:
    """The diagnosis with what the run has forgotten."""
    return remember(examine(facts))


def _judged(facts: Facts, beside: Sequence[Facts]) -> Curve:
    curve = judged_curve(facts, *beside)
    if curve is None or len(curve.finite) < 2:
        raise LogError(f"{facts.run.source or facts.run.name}: no loss to compare")
    return curve


def _aligned(facts: Facts, curve: Curve, by: By) -> tuple[FloatArray, FloatArray]:
    """(place, loss) of each finite point. Raises LogError where the log does not count so."""
    finite = curve.finite
    if by is By.STEP:
        return finite.steps.astype(np.float64), finite.values
    if by is By.SAMPLE:
        each = samples_per_step(facts)
        if each is None or curve.axis is not Axis.STEP:
            raise LogError(f"{facts.run.source}: the batch size is not known: give its config, or use --by step")
        return finite.steps.astype(np.float64) * each, finite.values
    ticks = finite.epochs if by is By.EPOCH else finite.wall_times
    if by is By.EPOCH and curve.axis is Axis.EPOCH:
        ticks = finite.steps.astype(float)
    if ticks is None or not np.isfinite(ticks).all():
        raise LogError(f"{facts.run.source}: its log has no {by.value}; use --by step")
    begun: FloatArray = np.asarray(ticks if by is By.EPOCH else ticks - ticks[0], dtype=np.float64)
    return begun, finite.values


def _entry(
    name: str,
    facts: Facts,
    line: tuple[FloatArray, FloatArray],
    first: Diagnosis,
    target: Score | None,
    best: Score | None,
    noise: Noise,
    own: float,
) -> Entry:
    diagnosis = first if facts is first.facts else examine_whole(facts)
    here = {one.name for one in diagnosis.findings if one.alarming}
    there = {one.name for one in first.findings if one.alarming}
    places, values = line
    reached = None if target is None else np.flatnonzero(values <= target.loss + noise.value)
    return Entry(
        name,
        diagnosis,
        best,
        float(np.median(values[-max(1, len(values) // 10) :])),
        own,
        None if reached is None or not len(reached) else float(places[reached[0]]),
        tuple(sorted(there - here)),
        tuple(sorted(here - there)),
        _sentence(target, best, noise),
    )


def _sentence(target: Score | None, best: Score | None, noise: Noise) -> str:
    if target is None or best is None:
        return "cannot be compared: no finite loss at equal training"
    gain = target.loss - best.loss
    if gain == 0:
        return ""
    word = "better" if gain > 0 else "worse"
    if abs(gain) <= noise.value:
        return f"{word} by {abs(gain):.3g}: within noise"
    return f"{word} by {abs(gain):.3g}: more than noise"


def _rank(entry: Entry) -> float:
    return float("inf") if entry.best is None else entry.best.loss


def _common(amounts: list[float | None]) -> float | None:
    """The training that all runs have seen, where that can be counted for all."""
    known = [one for one in amounts if one is not None]
    return min(known) if len(known) == len(amounts) else None


def _names(runs: Sequence[Facts]) -> list[str]:
    """What distinguishes the runs: their sources, without what they share at the front and at the end."""
    parts = [(facts.run.source or facts.run.name).split("/") for facts in runs]
    for end in (0, -1):
        while all(len(part) > 1 for part in parts) and len({part[end] for part in parts}) == 1:
            parts = [part[:-1] if end else part[1:] for part in parts]
    return ["/".join(part) for part in parts]


def _settings(runs: Sequence[Facts]) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    names = dict.fromkeys(name for facts in runs for name in facts.settings)
    values = {name: tuple(facts.settings.get(name) for facts in runs) for name in names}
    return tuple((name, row) for name, row in values.items() if len({str(value) for value in row}) > 1)
