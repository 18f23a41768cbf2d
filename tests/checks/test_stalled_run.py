"""SPD001: Steps that take twice as long are reported, a pause is not."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.run import Role
from tests.cases import Case, assert_findings, case, table
from tests.curves import Floats, curve, descent, noisy, training


def paced(slower: float) -> Floats:
    """Wall times of 400 points, ten seconds apart, from two thirds on `slower` times that."""
    return np.asarray(1.7e9 + np.cumsum(np.where(np.arange(400) < 270, 10.0, 10.0 * slower)))


FAULTY = (
    case(
        "steps take three times as long in the last third", training(noisy(descent()), wall_times=paced(3.0)), "SPD001"
    ),
    case(
        "logged step times double",
        training(noisy(descent()), curve(Role.STEP_TIME, np.repeat([0.5, 1.2], [280, 120]))),
        "SPD001",
    ),
)
HEALTHY = (
    case("an even pace", training(noisy(descent()), wall_times=paced(1.0))),
    case(
        "a pause of ten hours at a restart",
        training(noisy(descent()), wall_times=paced(1.0) + 36000.0 * (np.arange(400) > 250)),
    ),
)
EDGE = (
    case(
        "a slow-down that costs a minute is no alarm",
        training(noisy(descent()), curve(Role.STEP_TIME, np.repeat([0.02, 0.08], [280, 120]))),
    ),
    case("thirty-nine points are too few", training(noisy(descent(39)), wall_times=paced(3.0)[-39:])),
)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_stalled_run(one: Case) -> None:
    """Steps that take twice as long are reported, a pause is not."""
    assert_findings(one)
