"""OPT005: A rate that is next to nothing for much of the run is found, the end of a schedule is not."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.facts import Facts
from diagnose.run import Curve, Role
from tests.cases import Case, assert_findings, case, facts_of, table
from tests.curves import Floats, cosine, curve, descent, noisy, run, training

FORESEEN: Floats = np.asarray(0.004 * 0.93 ** np.arange(0, 24, 2), np.float64)
"""A decay at every update, seen for a fifth of the planned run."""


def early(rates: Floats, planned: int) -> Facts:
    """The first points of a run that falls steadily, every two updates."""
    steps = 2 * np.arange(1, len(rates) + 1)
    curves = {
        "loss": Curve("loss", steps, np.asarray(10 - 0.1 * np.arange(len(rates)), np.float64), role=Role.TRAIN_LOSS),
        "lr": Curve("lr", steps, rates, role=Role.LEARNING_RATE),
    }
    return facts_of(run(*curves.values()), config={"max_steps": planned, "lr_decay": 0.93})


FAULTY = (
    case("a decay an update, foreseen after a fifth of the run", early(FORESEEN, 120), "OPT005"),
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
    case("an inverse square root, long before its end", early(1e-3 * np.arange(1.0, 40.0) ** -0.5, 100_000)),
    case("a decay that leaves a tenth at the end", early(1e-3 * 0.1 ** (np.arange(30) / 100), 200)),
    case("three steps of ten", early(np.repeat([1e-3, 1e-4, 1e-5], 20), 120)),
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
