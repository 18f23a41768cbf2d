"""FIT003: A short straight fall is distinguished from the long bend of a healthy one."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.run import Role
from tests.cases import Case, assert_findings, case, facts_of, table
from tests.curves import Floats, cosine, curve, descent, evaluations, line, noisy, training


def decayed(points: int = 400, drop: float = 0.12) -> Floats:
    """A straight line until three quarters of the run, where an unlogged schedule takes the rate away."""
    time = np.linspace(0.0, 1.0, points)
    return np.asarray(1 - drop * (np.minimum(time, 0.75) + 0.2 * np.maximum(time - 0.75, 0)) / 0.8)


FAULTY = (
    case(
        "a straight line that validation follows to the end",
        training(noisy(line(), 0.01), evaluations(line())),
        "FIT003",
    ),
    case("a straight line down by a tenth", training(noisy(line(), 0.01)), "FIT003"),
    case(
        "most of the planned steps run", facts_of(training(noisy(line(), 0.01)), config={"max_steps": 5_000}), "FIT003"
    ),
    case(
        "a straight line at a rate that is too low",
        training(noisy(line(), 0.01), curve(Role.LEARNING_RATE, np.full(400, 1e-6))),
        "FIT003",
        "OPT002",
    ),
)
HEALTHY = (
    case("a healthy power law", training(noisy(descent()))),
    case(
        "a fine-tuning that falls by a third, ever more slowly",
        training(noisy(1 - 0.35 * np.log1p(np.linspace(0, 1, 400) / 0.1) / np.log(11), 0.02)),
    ),
    case(
        "a fifth of the planned steps not yet run",
        facts_of(training(noisy(line(), 0.01)), config={"max_steps": 30_000}),
    ),
    case(
        "a cosine that has only begun to decay",
        training(noisy(line(), 0.01), curve(Role.LEARNING_RATE, cosine(4000, 1e-4, 0.001)[:400])),
    ),
    case("a loss that has only just begun to fall", training(noisy(1 - 0.19 * np.linspace(0, 1, 400) ** 3, 0.01))),
)
EDGE = (case("eleven points are too few", training(noisy(line(11), 0.001))),)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_slow_learning(one: Case) -> None:
    """A short straight fall is distinguished from the long bend of a healthy one."""
    assert_findings(one)
