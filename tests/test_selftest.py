"""The self-test counts what the examination says, and says what it got wrong."""

from __future__ import annotations

import math

import pytest

from diagnose.facts import Facts
from diagnose.finding import Confidence, Diagnosis, Finding, Severity, Verdict
from diagnose.run import Run
from diagnose.testing.selftest import Mistake, Selftest, Tally, first_named, selftest
from diagnose.testing.synthetic import Fault


def finding(name: str, cause: str | None = None, severity: Severity = Severity.ERROR) -> Finding:
    return Finding("XXX001", name, severity, Confidence.HIGH, "train_loss", "", explained_by=cause)


def diagnosis(*findings: Finding) -> Diagnosis:
    return Diagnosis(Facts(Run("run", "run", "test", {})), Verdict.UNHEALTHY, findings)


def test_the_first_cause_counts_with_its_consequences() -> None:
    judged = diagnosis(
        finding("learning-rate-too-high"), finding("divergence", "learning-rate-too-high"), finding("plateau")
    )
    assert first_named(judged) == {"learning-rate-too-high", "divergence"}


def test_a_remark_is_no_alarm() -> None:
    assert first_named(diagnosis(finding("missing-validation", severity=Severity.INFO))) == frozenset()


def test_every_run_is_counted_once() -> None:
    outcome = selftest(range(5000, 5020))
    assert sum(tally.runs for tally in outcome.tallies) == 20
    assert sum(tally.runs - tally.right for tally in outcome.tallies) == len(outcome.mistakes)


def test_the_same_seeds_give_the_same_outcome() -> None:
    assert selftest(range(5000, 5005)) == selftest(range(5000, 5005))


def test_shares_are_of_faulty_and_of_healthy_runs() -> None:
    mistakes = (Mistake(Fault.HEALTHY, "steady", 1, ("plateau",)), Mistake(Fault.HEALTHY, "steady", 2, ()))
    outcome = Selftest((Tally(Fault.HEALTHY, 10, 8), Tally(Fault.SPIKE, 4, 3), Tally(Fault.NAN, 4, 4)), mistakes)
    assert outcome.recall == pytest.approx(7 / 8)
    assert outcome.false_alarms == pytest.approx(0.1)


def test_no_runs_have_no_share() -> None:
    assert math.isnan(selftest([]).recall)


def test_most_synthetic_runs_are_judged_rightly() -> None:
    outcome = selftest(range(5000, 5040))
    assert outcome.recall > 0.8
    assert outcome.false_alarms < 0.1
