"""DAT004: Evaluations that scatter by much of what was gained are said, as information."""

from __future__ import annotations

import pytest

from diagnose.run import Curve
from tests.cases import Case, assert_findings, case, table
from tests.curves import descent, evaluations, noisy, training


def scattered(level: float) -> Curve:
    """Twenty evaluations of a descent with this relative scatter."""
    return evaluations(noisy(descent(end=0.5), level, 1))


FAULTY = (
    case("scatter as large as the gain hides what was learned", training(noisy(descent()), scattered(0.3)), "FIT006"),
)
HEALTHY = (case("small scatter", training(noisy(descent()), scattered(0.01))),)
EDGE = (case("seven evaluations are too few", training(noisy(descent()), evaluations(noisy(descent(), 0.3, 1), 7))),)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_noisy_validation(one: Case) -> None:
    """Evaluations that scatter by much of what was gained are said, as information."""
    assert_findings(one)


@pytest.mark.parametrize(("one", "said"), [(FAULTY[0], True), (HEALTHY[0], False), (EDGE[0], False)])
def test_it_is_said_as_information(one: Case, *, said: bool) -> None:
    """Choosing the best checkpoint by such a curve is chance."""
    assert ("DAT004" in {finding.code for finding in one.diagnosis.findings}) is said
