"""SPD002: A card that waits is said, one that warms up or works is not."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.run import Role, Run
from tests.cases import Case, assert_findings, case, table
from tests.curves import Floats, curve, descent, noisy, training


def used(values: Floats) -> Run:
    """A healthy run with this use of the GPU."""
    return training(noisy(descent()), curve(Role.GPU_UTIL, values))


FAULTY = (
    case("eleven per cent throughout", used(noisy(np.full(400, 11.0), 0.2)), "SPD002"),
    case("a fifth, given as a share", used(noisy(np.full(400, 0.2), 0.1)), "SPD002"),
    case("busy for a moment, then waiting", used(np.where(np.arange(400) < 30, 95.0, 8.0)), "SPD002"),
)
HEALTHY = (
    case("nine tenths", used(noisy(np.full(400, 90.0), 0.03))),
    case("half, given as a share", used(noisy(np.full(400, 0.5), 0.1))),
    case("idle only while it starts", used(np.where(np.arange(400) < 30, 2.0, 85.0))),
)
EDGE = (case("nine readings are too few", used(np.full(9, 3.0))),)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_idle_gpu(one: Case) -> None:
    """The usual use after the start is what counts."""
    assert_findings(one)
