"""DAT001: a plan that is too large for its data set is cut to size; a large set is left alone."""

from __future__ import annotations

import pytest

from diagnose.run import Role
from tests.cases import Case, assert_findings, case, facts_of, table
from tests.curves import curve, descent, noisy, run

PLAN = {"max_epochs": 1000, "dropout": 0.1, "save_interval": 5000, "eval_interval": 1000, "batch_size": 16}
LOSS = curve(Role.TRAIN_LOSS, noisy(descent()))

FAULTY = (case("a thousand epochs of 525 clips", facts_of(run(LOSS), config=PLAN, samples=525), "DAT001"),)
HEALTHY = (
    case("the same plan for 50,000 clips", facts_of(run(LOSS), config=PLAN, samples=50_000)),
    case(
        "a small set with a plan of its size is information",
        facts_of(run(LOSS), config={"max_epochs": 200}, samples=525),
    ),
)
EDGE = (case("the number of clips is not known", facts_of(run(LOSS), config=PLAN)),)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_small_dataset(one: Case) -> None:
    """Exactly these alarms."""
    assert_findings(one)


def test_the_plan_of_the_story_is_cut_as_the_guide_cuts_it() -> None:
    """Epochs, dropout and intervals of the guide's table."""
    edits = {e.parameter: (e.value, e.unit) for p in FAULTY[0].diagnosis.prescriptions for e in p.edits}
    assert edits == {
        "max_epochs": (200, None),
        "dropout": (0.2, None),
        "save_interval": (5, "evaluations"),
        "eval_interval": (2, "epochs"),
    }
