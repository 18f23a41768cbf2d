"""FIT006: Training that halves while validation stays flat is reported, a finished run is not."""

from __future__ import annotations

import numpy as np
import pytest

from tests.cases import Case, assert_findings, case, table
from tests.curves import descent, evaluations, noisy, training

FAULTY = (
    case(
        "validation stays flat for most of the run while training falls tenfold",
        training(
            noisy(0.02 + np.exp(-np.linspace(0, 4, 400)), 0.02),
            evaluations(noisy(0.8 + 0.4 * np.exp(-np.linspace(0, 30, 400)), 0.003, 1)),
        ),
        "FIT006",
    ),
)
HEALTHY = (
    case(
        "validation, still below training, can hardly fall any more",
        training(
            noisy(0.1 + np.exp(-np.linspace(0, 4, 400)), 0.02),
            evaluations(noisy(0.05 + 0.4 * np.exp(-np.linspace(0, 30, 400)), 0.003, 1)),
        ),
    ),
    case("both fall", training(noisy(descent()), evaluations(noisy(1.05 * descent(), 0.01, 1)))),
    case(
        "both stay flat",
        training(
            noisy(0.1 + np.exp(-np.linspace(0, 30, 400)), 0.02),
            evaluations(noisy(0.12 + np.exp(-np.linspace(0, 30, 400)), 0.003, 1)),
        ),
    ),
)
EDGE = (
    case(
        "six evaluations are too few",
        training(noisy(np.exp(-np.linspace(0, 4, 400)), 0.02), evaluations(np.full(400, 0.8), 6)),
    ),
)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_past_best(one: Case) -> None:
    """Training that halves while validation stays flat is reported, a finished run is not."""
    assert_findings(one)
