"""OPT005: A rate that is next to nothing for much of the run is found, the end of a schedule is not."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.run import Role
from tests.cases import Case, assert_findings, case, facts_of, table
from tests.curves import cosine, curve, descent, noisy, training

FAULTY = (
    case(
        "a decay per epoch applied at every update",
        training(
            noisy(0.7 + 0.3 * np.exp(-np.linspace(0, 50, 400))),
            curve(Role.LEARNING_RATE, 1e-3 * np.exp(-np.linspace(0, 60, 400))),
        ),
        "OPT005",
    ),
    case(
        "zero throughout",
        training(noisy(np.full(400, 2.3)), curve(Role.LEARNING_RATE, np.zeros(400))),
        "OPT005",
        "FIT001",
    ),
)
HEALTHY = (
    case("a cosine to zero", training(noisy(descent()), curve(Role.LEARNING_RATE, cosine()))),
    case("a warm-up of a tenth", facts_of(training(noisy(descent())), config={"warmup_steps": 100, "max_steps": 1000})),
)
EDGE = (
    case(
        "the first rates of a warm-up, printed as zero",
        training(noisy(descent(12)), curve(Role.LEARNING_RATE, np.zeros(12))),
    ),
)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_dead_schedule(one: Case) -> None:
    """A rate that is next to nothing for much of the run is found, the end of a schedule is not."""
    assert_findings(one)
