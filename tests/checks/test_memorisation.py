"""FIT004: A set learned by heart shows its epochs as stairs, without any validation."""

from __future__ import annotations

import numpy as np
import pytest

from tests.cases import Case, assert_told, case, table
from tests.curves import descent, evaluations, noisy, staircase, training

SICK = (
    case("stairs at the logged epochs", training(noisy(staircase()), epochs=np.arange(300) / 30), "FIT004"),
    case("stairs without logged epochs", training(noisy(staircase())), "FIT004"),
)
HEALTHY = (
    case("a smooth curve with logged epochs", training(noisy(descent(300, 0.02)), epochs=np.arange(300) / 30)),
    case("small steps of enough data", training(noisy(descent(300) * 0.98 ** np.floor(np.arange(300) / 30)))),
    case("noise on a converged loss", training(noisy(descent(300, 0.05), 0.1))),
)
EDGE = (
    case(
        "with a validation loss overfitting is judged by it",
        training(noisy(staircase()), evaluations(noisy(1.3 * staircase(), 0.01, 1))),
    ),
)


@pytest.mark.parametrize("one", table(SICK, HEALTHY, EDGE))
def test_memorisation(one: Case) -> None:
    """A set learned by heart shows its epochs as stairs, without any validation."""
    assert_told(one)
