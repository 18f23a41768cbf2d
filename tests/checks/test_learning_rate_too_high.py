"""OPT001: The rate is named as the cause where the loss is unstable and nothing speaks for another cause."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.run import Curve, Role
from tests.cases import Case, assert_told, case, table
from tests.curves import bouncing, curve, descent, noisy, training, turned


def constant(rate: float) -> Curve:
    """A learning rate that stays."""
    return curve(Role.LEARNING_RATE, np.full(400, rate))


SICK = (
    case("divergence at a constant rate", training(turned(noisy(descent())), constant(1e-3)), "OPT001", "STB002"),
    case("bounces at a constant rate", training(noisy(bouncing()), constant(1e-3)), "OPT001", "STB003"),
)
HEALTHY = (case("a healthy loss", training(noisy(descent()), constant(1e-3))),)
EDGE = (
    case("a rate that is tiny is not to blame", training(turned(noisy(descent())), constant(1e-7)), "STB002"),
    case(
        "a loss that ends in NaN has its own finding", training(np.append(turned(noisy(descent())), np.nan)), "NUM001"
    ),
)


@pytest.mark.parametrize("one", table(SICK, HEALTHY, EDGE))
def test_learning_rate_too_high(one: Case) -> None:
    """The rate is named as the cause where the loss is unstable and nothing speaks for another cause."""
    assert_told(one)


def test_a_substantial_setback_asks_for_a_quarter_and_mild_swings_for_half() -> None:
    """The factors are those of the cures measured on the bundled trainer."""
    for values, factor in ((turned(noisy(descent())), 0.25), (noisy(bouncing(height=0.7)), 0.5)):
        told = case("", training(values, constant(1e-3))).diagnosis
        cut = [e.value for p in told.prescriptions for e in p.edits if e.parameter == "learning_rate"]
        assert cut == [pytest.approx(factor * 1e-3)]


def test_a_rate_is_never_lowered_below_the_range_of_float_trouble() -> None:
    """At 2e-6 a quarter would be 5e-7."""
    told = case("", training(turned(noisy(descent())), constant(2e-6))).diagnosis
    assert all(e.parameter != "learning_rate" for p in told.prescriptions for e in p.edits)
