"""DAT003: A missing validation loss is said, as information."""

from __future__ import annotations

import pytest

from diagnose.run import Role
from tests.cases import Case, assert_findings, case, table
from tests.curves import curve, descent, evaluations, noisy, training

FAULTY = (case("no validation is no alarm", training(noisy(descent()))),)
HEALTHY = (case("a validation loss", training(noisy(descent()), evaluations(noisy(descent(), 0.01, 1)))),)
EDGE = (case("an empty validation curve", training(noisy(descent()), curve(Role.VAL_LOSS, []))),)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_missing_validation(one: Case) -> None:
    """A missing validation loss is said, as information."""
    assert_findings(one)


@pytest.mark.parametrize(("one", "said"), [(FAULTY[0], True), (HEALTHY[0], False), (EDGE[0], True)])
def test_it_is_said_as_information(one: Case, *, said: bool) -> None:
    """One cannot judge overfitting without it, but the run may be healthy."""
    assert ("DAT003" in {finding.code for finding in one.diagnosis.findings}) is said
