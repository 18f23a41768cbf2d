"""GRD004: A share of lost updates is said; a scaler that finds its scale is not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from diagnose.run import Role, Run
from tests.cases import Case, assert_findings, case, table
from tests.curves import curve, descent, noisy, training

PLACE = np.arange(400)


def normed(lost: npt.NDArray[np.bool_]) -> Run:
    """A healthy run whose gradient norm is NaN where `lost`."""
    return training(noisy(descent()), curve(Role.GRAD_NORM, np.where(lost, np.nan, 1.5)))


FAULTY = (
    case("all of them", normed(PLACE >= 0), "GRD004"),
    case("every fourth", normed(PLACE % 4 == 0), "GRD004"),
    case("every eighth, from the middle on", normed((PLACE % 4 == 0) & (PLACE > 200)), "GRD004"),
    case("half of them", normed(PLACE % 2 == 1), "GRD004"),
)
HEALTHY = (
    case("none", normed(PLACE < 0)),
    case("the first ten, as a loss scaler finds its scale", normed(PLACE < 10)),
    case("one in two hundred", normed(PLACE % 200 == 150)),
)
EDGE = (case("one in thirty is only worth saying", normed(PLACE % 30 == 29)),)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_non_finite_gradients(one: Case) -> None:
    """A share of the norms after the start that are not finite."""
    assert_findings(one)
