"""OPT004: A logged rate that the config does not explain is reported."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.facts import Facts
from diagnose.run import Role
from tests.cases import Case, assert_findings, case, facts_of, table
from tests.curves import cosine, curve, descent, noisy, training


def logged(rate: float) -> Facts:
    """A healthy run whose log shows `rate` while its config asks for 1e-4."""
    rates = curve(Role.LEARNING_RATE, np.full(400, rate))
    return facts_of(training(noisy(descent()), rates), config={"learning_rate": 1e-4})


FAULTY = (
    case("ten times the configured rate", logged(1e-3), "OPT004"),
    case("a constant rate below the configured one", logged(1e-5), "OPT004"),
    case("two per cent above", logged(1.02e-4), "OPT004"),
)
HEALTHY = (
    case("the configured rate", logged(1e-4)),
    case(
        "a schedule below the configured rate",
        facts_of(
            training(noisy(descent()), curve(Role.LEARNING_RATE, cosine(peak=1e-4))), config={"learning_rate": 1e-4}
        ),
    ),
)
EDGE = (
    case(
        "a log that prints four decimals",
        facts_of(
            training(noisy(descent()), curve(Role.LEARNING_RATE, np.full(400, 0.0002))),
            config={"learning_rate": 1.6e-4},
        ),
    ),
    case("no configured rate", training(noisy(descent()), curve(Role.LEARNING_RATE, np.full(400, 1e-3)))),
)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_learning_rate_mismatch(one: Case) -> None:
    """A logged rate that the config does not explain is reported."""
    assert_findings(one)
