"""SPD003: A run that waits for its data is said, whatever the unit of its steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from diagnose.run import Role, Run
from tests.cases import Case, assert_findings, case, table
from tests.curves import Floats, curve, descent, noisy, training


def timed(loading: float | Floats, computing: float, tag: str = "step_time") -> Run:
    """A healthy run with these times a step."""
    wait = np.broadcast_to(np.asarray(loading), 400)
    work = replace(curve(Role.STEP_TIME, noisy(np.full(400, computing), 0.05)), tag=tag)
    return training(noisy(descent()), curve(Role.LOADER_TIME, noisy(wait, 0.05, 1)), work)


FAULTY = (
    case("fifteen times as long as computing", timed(4.7, 0.31), "SPD003"),
    case("somewhat more than half", timed(0.9, 0.7), "SPD003"),
    case("two thirds of the time of MMEngine, which holds the loading", timed(2.0, 3.0, "time"), "SPD003"),
    case("in milliseconds", timed(900.0, 200.0), "SPD003"),
)
HEALTHY = (
    case("a tenth of the time", timed(0.05, 0.5)),
    case("a third of the time", timed(0.5, 1.0)),
    case("a third of the time of MMEngine", timed(1.0, 3.0, "time")),
    case("slow only while the cache fills", timed(np.where(np.arange(400) < 30, 5.0, 0.02), 0.4)),
)
EDGE = (case("no loading at all", timed(0.0, 0.4)),)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_slow_loader(one: Case) -> None:
    """The usual times after the start are compared."""
    assert_findings(one)
