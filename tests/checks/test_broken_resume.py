"""OPT006: A resumption without optimiser and schedule is distinguished from a spike, a decay and warm restarts."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.run import Role, Run
from tests.cases import Case, assert_findings, case, table
from tests.curves import Floats, curve, descent, noisy, training

TIME = np.linspace(0.0, 1.0, 400)


def resumed(at: float, jump: float, again: float = 0.1) -> Run:
    """The rate falls to `again` of its peak at this share of the run and warms up anew; the loss jumps with it."""
    since = np.clip((TIME - at) / 0.05, 0.0, 1.0)
    rate = np.where(at <= TIME, again + (1 - again) * since, np.clip(TIME / 0.05, 0.05, 1.0))
    lift = np.where(at <= TIME, jump * np.exp(-np.clip(TIME - at, 0, 1) / 0.1), 0.0)
    return training(noisy(descent() * np.exp(lift), 0.02), curve(Role.LEARNING_RATE, 2e-4 * rate))


def restarts(times: int) -> Floats:
    """A rate that falls and is set back so many times, and the loss with it."""
    return 0.02 + 0.98 * (0.5 + 0.5 * np.cos(np.pi * np.mod(TIME * (times + 1), 1.0)))


FAULTY = (
    case("half-way, the loss doubles", resumed(0.5, 0.75), "OPT006"),
    case("late, the loss rises by a half", resumed(0.7, 0.45), "OPT006"),
    case("early, the rate starts from nothing", resumed(0.3, 0.6, 0.01), "OPT006"),
)
HEALTHY = (
    case("resumed well: the rate goes on", training(noisy(descent()), curve(Role.LEARNING_RATE, np.full(400, 2e-4)))),
    case("a decay to a tenth", training(noisy(descent()), curve(Role.LEARNING_RATE, np.where(TIME < 0.6, 1e-3, 1e-4)))),
    case("a new warm-up without a jump", resumed(0.5, 0.0)),
)
EDGE = (case("four warm restarts", training(noisy(descent()), curve(Role.LEARNING_RATE, 1e-3 * restarts(4)))),)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_broken_resume(one: Case) -> None:
    """Rate and loss must break together, and once."""
    assert_findings(one)
