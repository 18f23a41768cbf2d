"""OPT003: A throw at a rate that starts at its peak is blamed on the missing warm-up."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.run import Role
from tests.cases import Case, assert_findings, case, facts_of, table
from tests.curves import Floats, cosine, curve, descent, noisy, training


def thrown() -> Floats:
    """A bump of 1.2 times the first loss around 4 % of the run."""
    return np.asarray(1.2 * np.exp(-(((np.arange(400) - 14) / 6) ** 2)))


FAULTY = (
    case(
        "the loss is thrown up at full rate and heals",
        training(noisy(descent() + thrown(), 0.02), curve(Role.LEARNING_RATE, np.full(400, 1e-3))),
        "OPT003",
    ),
)
HEALTHY = (
    case(
        "a hump during warm-up", training(noisy(descent() + 0.6 * thrown(), 0.02), curve(Role.LEARNING_RATE, cosine()))
    ),
    case(
        "an easy first batch of loud ones, at a rate that decays from the first step on",
        training(
            np.concatenate([[0.27], 0.55 + 0.2 * (-1.0) ** np.arange(24), noisy(np.linspace(0.4, 0.2, 56), 0.05)]),
            curve(Role.LEARNING_RATE, np.linspace(1e-4, 0, 81)),
        ),
    ),
    case("full rate without a throw", training(noisy(descent()), curve(Role.LEARNING_RATE, np.full(400, 1e-3)))),
)
EDGE = (case("nothing known of the rate", training(noisy(descent() + 0.6 * thrown(), 0.02))),)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_missing_warmup(one: Case) -> None:
    """A throw at a rate that starts at its peak is blamed on the missing warm-up."""
    assert_findings(one)


def test_the_warm_up_is_a_twentieth_of_the_run() -> None:
    """Of the configured steps, if they are known."""
    rates = curve(Role.LEARNING_RATE, np.full(400, 1e-3))
    diagnosis = case(
        "", facts_of(training(noisy(descent() + thrown(), 0.02), rates), config={"max_steps": 8000})
    ).diagnosis
    edits = {edit.parameter: edit.value for prescription in diagnosis.prescriptions for edit in prescription.edits}
    assert edits["warmup_steps"] == 400
