"""GRD001: Gradient norms that leave their range are found, and large first norms are not."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.run import Curve, Role
from tests.cases import Case, assert_findings, case, facts_of, table
from tests.curves import Floats, curve, descent, noisy, training


def norms(outliers: int, factor: float) -> Curve:
    """Norms about 1, of which some in the second half are `factor` times larger."""
    values = noisy(np.ones(400), 0.2, 3)
    values[250 : 250 + 20 * outliers : 20] *= factor
    return curve(Role.GRAD_NORM, values)


def clipped(share: float) -> Curve:
    """How many updates were clipped."""
    return curve(Role.CLIPPED_SHARE, np.full(400, share))


def set_back(times: int = 5) -> Floats:
    """A loss that is a third higher for ten points after each outlier of `norms(times, ...)`."""
    values = noisy(descent(), 0.01)
    for place in range(250, 250 + 20 * times, 20):
        values[place + 1 : place + 11] *= np.linspace(1.35, 1.0, 10)
    return values


FAULTY = (
    case(
        "norms that have grown thirty times by the end",
        training(noisy(descent()), curve(Role.GRAD_NORM, np.exp(3.4 * np.linspace(0, 1, 400) ** 4))),
        "GRD001",
    ),
    case("outliers that nothing clips", training(noisy(descent()), norms(5, 50.0), clipped(0.0)), "GRD001"),
    case(
        "one outlier that nothing clips and that throws the loss up",
        training(set_back(1), norms(1, 50.0), clipped(0.0)),
        "GRD001",
    ),
)
HEALTHY = (
    case("outliers that the log shows to be clipped", training(noisy(descent()), norms(5, 50.0), clipped(1.0))),
    case("norms within their range", training(noisy(descent()), norms(0, 1.0))),
    case(
        "large norms at the start",
        training(noisy(descent()), curve(Role.GRAD_NORM, 1 + 100 * np.exp(-np.arange(400) / 4.0))),
    ),
)
EDGE = (
    case("outliers that clipping cut, and the loss falls on", training(noisy(descent()), norms(5, 50.0))),
    case("one outlier is what clipping is for", training(noisy(descent()), norms(1, 50.0))),
    case("one outlier that costs nothing", training(noisy(descent()), norms(1, 50.0), clipped(0.0))),
    case("one clipped outlier before a setback", training(set_back(1), norms(1, 50.0), clipped(1.0))),
)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_exploding_gradients(one: Case) -> None:
    """Gradient norms that leave their range are found, and large first norms are not."""
    assert_findings(one)


def test_clipping_is_set_by_the_logged_norms() -> None:
    """The 90th percentile of the norms, not half of the threshold."""
    diagnosis = case(
        "", facts_of(training(noisy(descent()), norms(5, 50.0)), config={"grad_clip_norm": 10.0})
    ).diagnosis
    (edit,) = diagnosis.prescriptions[0].edits
    assert isinstance(edit.value, float)
    assert 1.0 < edit.value < 2.0
