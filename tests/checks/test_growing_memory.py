"""SPD004: Memory that climbs throughout is said, one that settles is not."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.run import Role, Run
from tests.cases import Case, assert_findings, case, table
from tests.curves import Floats, curve, descent, noisy, training

TIME = np.linspace(0.0, 1.0, 400)


def taking(values: Floats) -> Run:
    """A healthy run that uses this much memory."""
    return training(noisy(descent()), curve(Role.MEMORY, values))


FAULTY = (
    case("from 8 to 21 GB in a straight line", taking(noisy(8 + 13 * TIME, 0.01)), "SPD004"),
    case("doubled, in bytes", taking(noisy(6e9 * (1 + TIME), 0.005)), "SPD004"),
    case("ever faster", taking(4 + 8 * TIME**2), "SPD004"),
)
HEALTHY = (
    case("the same all along", taking(noisy(np.full(400, 16.0), 0.02))),
    case("settled after the longest batch", taking(np.where(TIME < 0.08, 6.0, 14.0) * noisy(np.ones(400), 0.005))),
    case("a saw of epochs", taking(10 + 4 * np.mod(TIME * 8, 1.0))),
)
EDGE = (case("a tenth more in all", taking(10 + TIME)),)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_growing_memory(one: Case) -> None:
    """A climb in nearly every part of the run, by a third and more."""
    assert_findings(one)
