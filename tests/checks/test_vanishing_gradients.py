"""GRD002: Gradients that vanish while the loss is high are found; those of a finished run are not."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.run import Role
from tests.cases import Case, assert_findings, case, table
from tests.curves import curve, descent, noisy, training

FAULTY = (
    case(
        "norms fall a millionfold while the loss stays flat",
        training(noisy(np.full(200, 2.3), 0.03), curve(Role.GRAD_NORM, np.exp(-np.linspace(0, 14, 200)))),
        "GRD002",
        "FIT001",
    ),
    case(
        "norms of 0 and a loss that does not move",
        training(noisy(np.full(200, 2.3), 0.03), curve(Role.GRAD_NORM, np.zeros(200))),
        "GRD002",
        "FIT001",
    ),
)
HEALTHY = (
    case(
        "norms fall because the loss is gone",
        training(noisy(descent(200, 0.001)), curve(Role.GRAD_NORM, np.exp(-np.linspace(0, 14, 200)))),
    ),
)
EDGE = (
    case(
        "norms that are 0 while the loss falls were not measured",
        training(noisy(descent(200)), curve(Role.GRAD_NORM, np.zeros(200))),
    ),
    case(
        "nineteen norms are too few",
        training(noisy(descent(200)), curve(Role.GRAD_NORM, np.exp(-np.linspace(0, 14, 19)))),
    ),
)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_vanishing_gradients(one: Case) -> None:
    """Gradients that vanish while the loss is high are found; those of a finished run are not."""
    assert_findings(one)
