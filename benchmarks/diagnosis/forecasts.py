"""How often the forecast's interval holds the loss that came, and how far off its median is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from diagnose.facts import Facts
from diagnose.forecast import forecast
from diagnose.run import Curve, Role, Run

# Shorter runs have no end to speak of once the first part is cut off.
SHORTEST = 60


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A run cut short, and what came."""

    run: Run
    horizon: int
    came: float
    """Median loss of the last twentieth of the whole run."""


def question(run: Run, seed: int) -> Question | None:
    """The run cut at 30 to 80 % of its length; None where it is short or does not end in a finite loss."""
    curve = run.curve(Role.TRAIN_LOSS)
    if curve is None or len(curve) < SHORTEST or not np.isfinite(curve.values[-1]):
        return None
    tail = curve.values[-(len(curve) // 20) :]
    if not np.isfinite(tail).all():
        return None
    cut = int(np.random.default_rng(seed).uniform(0.3, 0.8) * len(curve))
    return Question(run.until(int(curve.steps[cut - 1])), int(curve.steps[-1]), float(np.median(tail)))


def questions(runs: Iterable[Run], cuts: int = 1) -> Iterator[Question]:
    """`cuts` questions a run, the cuts drawn by its place in the list."""
    asked = (question(run, cuts * place + cut) for place, run in enumerate(runs) for cut in range(cuts))
    return (one for one in asked if one is not None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Over a set of questions. Errors are medians of |forecast - came| / |came|."""

    asked: int
    answered: int
    covered: float
    error: float
    last_value: float
    power_law: float


def outcome(asked: Iterable[Question]) -> Outcome:
    """The forecast, `the last value stays` and a plain power law, on those that the forecast answers."""
    rows, count = [], 0
    for one in asked:
        count += 1
        told = forecast(Facts(one.run, horizon=one.horizon))
        curve = one.run.curve(Role.TRAIN_LOSS)
        if told is None or curve is None:
            continue
        size = abs(one.came) + 1e-12
        guesses = (told.median, float(curve.finite.values[-1]), power_law(curve.finite, one.horizon))
        rows.append([told.low <= one.came <= told.high, *(abs(guess - one.came) / size for guess in guesses)])
    table = np.array(rows, dtype=float).reshape(-1, 4)
    middle = np.median(table[:, 1:], axis=0) if len(table) else np.full(3, np.nan)
    covered = float(table[:, 0].mean()) if len(table) else float("nan")
    return Outcome(count, len(table), covered, *(float(value) for value in middle))


def power_law(curve: Curve, horizon: int) -> float:
    """The peer: floor + a * step ** -b by least squares over all points, b from a grid."""
    chosen = np.unique(np.linspace(0, len(curve) - 1, 2000).astype(int))
    steps, values = np.maximum(curve.steps[chosen], 1).astype(float), curve.values[chosen]
    best, answer = np.inf, float(values[-1])
    for exponent in np.linspace(0.05, 3.0, 30):
        table = np.stack([np.ones(len(steps)), (steps / steps[-1]) ** -exponent], axis=1)
        solution = np.linalg.lstsq(table, values, rcond=None)[0]
        missed = float(np.sum((table @ solution - values) ** 2))
        if missed < best:
            best, answer = missed, float(solution @ [1.0, (horizon / steps[-1]) ** -exponent])
    return answer
