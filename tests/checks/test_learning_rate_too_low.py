"""OPT002: A crawling loss is blamed on a low rate, and the rate is raised."""

from __future__ import annotations

import numpy as np
import pytest

from tests.cases import Case, assert_findings, case, facts_of, table
from tests.curves import constant, descent, line, noisy, training

FAULTY = (
    case("a straight line at 1e-6", training(noisy(line(), 0.01), constant(1e-6)), "OPT002", "FIT003"),
    case(
        "a straight line at a configured 5e-6",
        facts_of(training(noisy(line(), 0.01)), config={"learning_rate": 5e-6}),
        "OPT002",
        "FIT003",
    ),
    case("a rate that trains nothing", training(noisy(np.full(400, 2.3), 0.1), constant(1e-7)), "OPT002", "FIT001"),
)
HEALTHY = (case("a healthy loss at a low rate", training(noisy(descent()), constant(1e-6))),)
EDGE = (
    case("a rate that is too low for nothing", training(noisy(line(), 0.01), constant(0.1)), "FIT003"),
    case("no rate known: the symptom alone is reported", training(noisy(line(), 0.01)), "FIT003"),
)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_learning_rate_too_low(one: Case) -> None:
    """A crawling loss is blamed on a low rate, and the rate is raised."""
    assert_findings(one)


@pytest.mark.parametrize(("rate", "factors"), [(1e-6, [30.0]), (5e-5, [30.0, 20.0])])
def test_a_rate_is_raised_by_as_much_as_its_slope_asks_for(rate: float, factors: list[float]) -> None:
    """A tenth lost in the whole run asks for thirty times; above Adam's default that is a trial."""
    diagnosis = case("", training(noisy(line(), 0.01), constant(rate))).diagnosis
    assert [edit.value for prescription in diagnosis.prescriptions for edit in prescription.edits] == factors
