"""The engine: causes before consequences, one complaint a cause, a verdict that says when it is inconclusive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from diagnose.checks.base import Check
from diagnose.engine import examine
from diagnose.facts import Facts
from diagnose.finding import Confidence, Finding, Severity, Verdict
from diagnose.readers.roles import assign_roles
from diagnose.run import Axis, Curve, Role, Run


def run_of(*losses: float, axis: Axis = Axis.EPOCH) -> Run:
    curve = Curve("loss", np.arange(1, len(losses) + 1), np.array(losses), role=Role.TRAIN_LOSS, axis=axis)
    return Run("r", "r.log", "test", {"loss": curve})


@dataclass(frozen=True)
class Fires(Check):
    """A check that always finds the same."""

    code: str = "TST001"  # type: ignore[misc]  # an instance's own code, so that one class makes many checks
    name: str = "always"  # type: ignore[misc]  # an instance's own
    explained_by: tuple[str, ...] = ()  # type: ignore[misc]  # an instance's own
    part_of: tuple[str, ...] = ()  # type: ignore[misc]  # an instance's own
    severity: Severity = Severity.WARNING
    confidence: Confidence = Confidence.HIGH
    steps: tuple[int, int] | None = field(default=(1, 2))

    def check(self, facts: Facts) -> Iterator[Finding]:
        yield self.finding(self.severity, self.confidence, "train_loss", "always", steps=self.steps)


@dataclass(frozen=True)
class Breaks(Fires):
    """A check that crashes."""

    def check(self, facts: Facts) -> Iterator[Finding]:
        raise ZeroDivisionError("oops")


@dataclass(frozen=True)
class NeedsGradients(Fires):
    """A check that needs what was not logged."""

    needs: tuple[Role, ...] = (Role.GRAD_NORM,)  # type: ignore[misc]  # an instance's own


def test_a_consequence_is_reported_under_its_cause_even_when_it_is_worse() -> None:
    cause = Fires("TST001", "cause")
    consequence = Fires("TST002", "consequence", explained_by=("cause",), severity=Severity.ERROR)
    other = Fires("TST003", "other", severity=Severity.ERROR)
    found = examine(Facts(run_of(3, 2, 1)), checks=[consequence, cause, other]).findings
    assert [(finding.name, finding.explained_by) for finding in found] == [
        ("other", None),
        ("cause", None),
        ("consequence", "cause"),
    ]


def test_a_cause_of_low_confidence_explains_nothing() -> None:
    cause = Fires("TST001", "cause", confidence=Confidence.LOW)
    found = examine(Facts(run_of(3, 2, 1)), checks=[Fires("TST002", "effect", explained_by=("cause",)), cause]).findings
    assert [(finding.name, finding.explained_by) for finding in found] == [("effect", None), ("cause", None)]


def test_the_same_event_seen_better_is_reported_once() -> None:
    found = examine(
        Facts(run_of(3, 2, 1)), checks=[Fires("TST001", "nan"), Fires("TST002", "spike", part_of=("nan",))]
    ).findings
    assert [finding.name for finding in found] == ["nan"]


def test_two_checks_that_explain_each_other_are_both_reported() -> None:
    one = Fires("TST001", "one", explained_by=("two",))
    two = Fires("TST002", "two", explained_by=("one",))
    assert {finding.name for finding in examine(Facts(run_of(3, 2, 1)), checks=[one, two]).findings} == {"one", "two"}


def test_a_check_that_crashes_is_named_and_hides_nothing() -> None:
    diagnosis = examine(Facts(run_of(3, 2, 1)), checks=[Breaks("TST001", "broken"), Fires("TST002", "works")])
    assert [crash.name for crash in diagnosis.crashed] == ["broken"]
    assert [finding.name for finding in diagnosis.findings] == ["works"]


def test_a_check_without_its_curve_is_skipped_with_the_reason() -> None:
    skipped = examine(Facts(run_of(3, 2, 1)), checks=[NeedsGradients()]).skipped
    assert [skip.reason for skip in skipped] == ["no gradient norm is logged"]


def test_information_alone_leaves_a_run_healthy() -> None:
    diagnosis = examine(Facts(run_of(9, 7, 6, 5.5, 5.2)), checks=[Fires(severity=Severity.INFO)])
    assert diagnosis.verdict is Verdict.HEALTHY


def test_three_points_cannot_be_judged() -> None:
    diagnosis = examine(Facts(run_of(9, 8, 7)))
    assert diagnosis.verdict is Verdict.INCONCLUSIVE
    assert "too few" in diagnosis.reasons[0]


def test_a_dozen_points_without_a_course_cannot_be_judged() -> None:
    losses = 3.6 + 0.1 * np.random.default_rng(0).standard_normal(12)
    assert examine(Facts(run_of(*losses))).verdict is Verdict.INCONCLUSIVE


def test_a_dozen_points_that_fall_are_healthy() -> None:
    assert examine(Facts(run_of(*np.linspace(9, 4, 12)))).verdict is Verdict.HEALTHY


def test_a_run_without_a_loss_cannot_be_judged_and_says_what_to_do() -> None:
    curve = Curve("accuracy", np.arange(50), np.linspace(0, 1, 50))
    diagnosis = examine(Facts(Run("r", "r.log", "test", {"accuracy": curve})))
    assert diagnosis.verdict is Verdict.INCONCLUSIVE
    assert "--train-tag" in diagnosis.reasons[0]
    assert "accuracy" in diagnosis.reasons[0]


def test_examining_a_prefix_is_examining_what_had_been_logged() -> None:
    run = run_of(13.18, 7.71, 6.93, 9.11)
    early, late = examine(Facts(run.until(3))), examine(Facts(run))
    assert "divergence" not in {finding.name for finding in early.findings}
    assert "divergence" in {finding.name for finding in late.findings}


def test_a_gan_whose_losses_stay_in_bounds_is_asked_for_a_reconstruction() -> None:
    curves = {tag: Curve(tag, np.arange(90), 1 + np.sin(np.arange(90.0))) for tag in ("D loss", "G loss")}
    diagnosis = examine(Facts(assign_roles(Run("r", "r.log", "text", curves))))
    assert diagnosis.verdict is Verdict.HEALTHY
    assert "log the generator's reconstruction loss" in " ".join(finding.message for finding in diagnosis.findings)


def test_a_loss_that_noise_hides_is_no_health() -> None:
    losses = 3.0 * np.exp(0.3 * np.random.default_rng(3).standard_normal(40)) - np.linspace(0, 0.3, 40)
    assert examine(Facts(run_of(*losses.tolist(), axis=Axis.STEP))).verdict is not Verdict.HEALTHY


def test_a_few_points_that_hardly_fell_prove_nothing() -> None:
    assert examine(Facts(run_of(*np.linspace(2.303, 2.29, 10).tolist()))).verdict is Verdict.INCONCLUSIVE
    assert examine(Facts(run_of(*np.linspace(2.303, 1.5, 10).tolist()))).verdict is Verdict.HEALTHY
