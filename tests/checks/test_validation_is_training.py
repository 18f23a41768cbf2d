"""DAT002: Equal curves are reported, close ones are not."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.run import Axis, Role
from tests.cases import Case, assert_findings, case, table
from tests.curves import curve, descent, evaluations, noisy, training

FAULTY = (
    case("validation is a copy of training", training(noisy(descent()), evaluations(noisy(descent()))), "DAT002"),
)
HEALTHY = (
    case("validation close to training", training(noisy(descent()), evaluations(noisy(descent(), 0.01, 5)))),
    case(
        "both printed with so few digits that they agree",
        training(np.round(noisy(descent(40)), 1), evaluations(np.round(noisy(descent(40), 0.01, 5), 1), 40)),
    ),
)
EDGE = (
    case(
        "curves on different axes are not compared",
        training(noisy(descent(30)), curve(Role.VAL_LOSS, noisy(descent(30)), axis=Axis.EPOCH)),
    ),
)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_validation_is_training(one: Case) -> None:
    """Equal curves are reported, close ones are not."""
    assert_findings(one)
