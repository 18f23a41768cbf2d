"""Cross-validation by repository: thresholds chosen on other repositories than those that are scored.

Each field of the checks of the curves may be halved or doubled. For each fold every field takes the value that is
best on the other folds, one at a time from where it is shipped; the fold is judged with all of them. Drawn at random
instead of chosen, they show what the constants are worth beside the measures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from benchmarks.real.corpus import MEANS, Answer, Labelled, answer
from diagnose.checks import every_check
from diagnose.checks.base import Check

FOLDS = 5
FACTORS = (0.5, 1.0, 2.0)
EARNED = 1
"""Logs that another value must win on the other folds, so that it is no accident."""
Setting = Mapping[tuple[str, str], float]
"""(check, field) -> factor."""


def cross_validated(logs: Sequence[Labelled]) -> list[Answer]:
    """The answer to each log by thresholds that were chosen without its repository."""
    fold = folds(logs)
    shipped = [_worth(log, answer(log)) for log in logs]
    tried = {key: {f: _worths(logs, {key: f}) for f in FACTORS if f != 1.0} for key in tunable()}
    answers: dict[int, Answer] = {}
    for held_out in range(FOLDS):
        learned = np.flatnonzero(fold != held_out)
        chosen = {key: _best(shipped, by_factor, learned) for key, by_factor in tried.items()}
        checks = with_factors(chosen)
        answers |= {i: answer(logs[i], checks) for i in np.flatnonzero(fold == held_out).tolist()}
    return [answers[i] for i in range(len(logs))]


def at_random(logs: Sequence[Labelled], seed: int) -> list[Answer]:
    """The answers with every field halved, kept or doubled by chance."""
    rng = np.random.default_rng(seed)
    checks = with_factors({key: float(rng.choice(FACTORS)) for key in tunable()})
    return [answer(log, checks) for log in logs]


def folds(logs: Sequence[Labelled]) -> np.ndarray:
    """Shape (logs,): repositories dealt out, the largest first, each to the fold with the fewest logs."""
    filled, where = [0] * FOLDS, {}
    for repo, count in Counter(log.repo for log in logs).most_common():
        where[repo] = int(np.argmin(filled))
        filled[where[repo]] += count
    return np.array([where[log.repo] for log in logs])


def tunable() -> Iterator[tuple[str, str]]:
    """The fields of the checks that stand for a label."""
    for check in every_check():
        if check.name in MEANS and check.name != "non-finite-loss":
            yield from ((check.name, name) for name, value in check.thresholds().items() if isinstance(value, float))


def with_factors(setting: Setting) -> list[Check]:
    """All checks, these fields multiplied."""
    changed = []
    for check in every_check():
        mine = {name: factor for (owner, name), factor in setting.items() if owner == check.name and factor != 1.0}
        values = {name: factor * getattr(check, name) for name, factor in mine.items()}
        changed.append(check.tuned(values))
    return changed


def _worths(logs: Sequence[Labelled], setting: Setting) -> list[int]:
    checks = with_factors(setting)
    return [_worth(log, answer(log, checks)) for log in logs]


def _worth(log: Labelled, said: Answer) -> int:
    """A right answer counts one, a false alarm as much against it."""
    return int(log.demanded and said.right) - int(said.false)


def _best(shipped: Sequence[int], by_factor: Mapping[float, Sequence[int]], learned: np.ndarray) -> float:
    sums = {factor: sum(worths[i] for i in learned) for factor, worths in by_factor.items()}
    top = max(sums, key=lambda factor: sums[factor])
    return top if sums[top] > sum(shipped[i] for i in learned) + EARNED else 1.0
