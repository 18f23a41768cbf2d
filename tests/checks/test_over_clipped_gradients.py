"""GRD003: Updates that are nearly all clipped are reported."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.run import Role
from tests.cases import Case, assert_findings, case, facts_of, table
from tests.curves import curve, descent, noisy, training

FAULTY = (
    case(
        "usual norms of thirty times the threshold",
        facts_of(training(noisy(descent()), curve(Role.GRAD_NORM, np.full(400, 30.0))), config={"grad_clip_norm": 1.0}),
        "GRD003",
    ),
)
HEALTHY = (
    case(
        "norms below the threshold",
        facts_of(training(noisy(descent()), curve(Role.GRAD_NORM, np.full(400, 0.3))), config={"grad_clip_norm": 1.0}),
    ),
    case(
        "norms of twice the threshold are information",
        facts_of(training(noisy(descent()), curve(Role.GRAD_NORM, np.full(400, 2.0))), config={"grad_clip_norm": 1.0}),
    ),
)
EDGE = (
    case(
        "a logged share of clipped updates is information",
        training(noisy(descent()), curve(Role.CLIPPED_SHARE, np.full(400, 0.9))),
    ),
)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_over_clipped_gradients(one: Case) -> None:
    """Updates that are nearly all clipped are reported."""
    assert_findings(one)


def test_most_updates_clipped_is_said_as_information() -> None:
    """With Adam it often does no harm."""
    diagnosis = case("", training(noisy(descent()), curve(Role.CLIPPED_SHARE, np.full(400, 0.9)))).diagnosis
    assert "GRD003" in {finding.code for finding in diagnosis.findings}
