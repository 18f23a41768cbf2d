"""RUN003: a log that stops far before its planned end is reported, once it has stopped growing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from diagnose.finding import Severity
from diagnose.run import Ending, EndingKind, Run
from tests.cases import Case, assert_findings, case, table
from tests.curves import descent, noisy, training

HOURS = 7200.0


def stopped(**known: Any) -> Run:
    return replace(training(noisy(descent())), **known)


# Information only: none of them fails a run.
FAULTY = (case("a fifth of the plan and silence since", stopped(planned=20_000, idle_seconds=HOURS)),)
HEALTHY = (case("at the end of the plan", stopped(planned=4000, idle_seconds=HOURS)),)
EDGE = (
    case("still growing", stopped(planned=20_000, idle_seconds=5.0)),
    case("no plan is known", stopped(idle_seconds=HOURS)),
    case(
        "stopped early on purpose",
        stopped(planned=20_000, idle_seconds=HOURS, ending=Ending(EndingKind.FINISHED, "Early stopping", 4000)),
    ),
)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_unfinished(one: Case) -> None:
    """A log that stops early fails no run."""
    assert_findings(one)


def severities_of(one: Case) -> list[Severity]:
    return [finding.severity for finding in one.diagnosis.findings if finding.code == "RUN003"]


def test_only_a_silent_log_far_before_its_end_is_reported() -> None:
    assert severities_of(FAULTY[0]) == [Severity.INFO]
    assert [severities_of(one) for one in (*HEALTHY, *EDGE)] == [[], [], [], []]
