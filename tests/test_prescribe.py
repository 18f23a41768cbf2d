"""From findings to a plan: one edit a parameter, safe ones only unless asked, every refusal with its reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from diagnose.config import parse_config
from diagnose.finding import (
    Confidence,
    Diagnosis,
    Edit,
    Finding,
    Operation,
    Prescription,
    Safety,
    Scalar,
    Severity,
    Verdict,
)
from diagnose.plan import first_edits, gather, new_value, plan
from diagnose.run import Curve, Role, Run

CONFIG = """\
# mine
model:
  p_dropout: 0.1
data:
  batch_size: 16
training:
  learning_rate: 3.0e-4   # from the paper
  grad_clip_thresh: 1.0
  max_epochs: 1000
"""


def prescription(*edits: Edit, safety: Safety = Safety.SAFE, title: str = "cure") -> Prescription:
    return Prescription(title, "because", edits, safety)


def edit(parameter: str, operation: Operation, value: Scalar) -> Edit:
    return Edit(parameter, operation, value, "the number that led to it")


def diagnosis(*prescriptions: Prescription) -> Diagnosis:
    run = Run("r", "r.log", "test", {})
    found = [
        Finding(
            f"TST00{n}", f"fault-{n}", Severity.ERROR, Confidence.HIGH, "train_loss", "it is", prescriptions=(cure,)
        )
        for n, cure in enumerate(prescriptions)
    ]
    return Diagnosis(run, Verdict.UNHEALTHY, tuple(found), gather(found))


QUARTER = edit("learning_rate", Operation.SCALE, 0.25)


def test_only_the_changed_value_differs() -> None:
    after = plan(parse_config(CONFIG, "c.yaml"), diagnosis(prescription(QUARTER))).after
    assert after == CONFIG.replace("3.0e-4 ", "7.5e-05 ")


def test_the_first_prescription_decides_and_the_second_is_deferred_with_the_reason() -> None:
    harsher = prescription(edit("learning_rate", Operation.SCALE, 0.1), title="harsher")
    made = plan(parse_config(CONFIG, "c.yaml"), diagnosis(prescription(QUARTER), harsher))
    assert [applied.now for applied in made.applied] == [pytest.approx(7.5e-5)]
    assert [(left.parameter, left.reason) for left in made.deferred] == [
        ("learning_rate", "already changed: the number that led to it")
    ]


def test_an_unsafe_prescription_waits_until_it_is_asked_for() -> None:
    risky = diagnosis(prescription(QUARTER, safety=Safety.UNSAFE))
    config = parse_config(CONFIG, "c.yaml")
    assert plan(config, risky).after == CONFIG
    assert "--unsafe" in plan(config, risky).deferred[0].reason
    assert plan(config, risky, unsafe=True).after != CONFIG


def test_only_the_named_parameters_change() -> None:
    both = diagnosis(prescription(QUARTER, edit("max_epochs", Operation.CAP, 200)))
    made = plan(parse_config(CONFIG, "c.yaml"), both, only={"max_epochs"})
    assert [applied.parameter for applied in made.applied] == ["max_epochs"]
    assert [left.reason for left in made.deferred] == ["not among the parameters given with --only"]


def test_a_dead_key_is_never_the_cure() -> None:
    evidence = {"learning_rate": "train.py never reads training.learning_rate"}
    made = plan(parse_config(CONFIG, "c.yaml"), diagnosis(prescription(QUARTER)), dead=evidence)
    assert made.after == CONFIG
    assert made.deferred[0].reason == evidence["learning_rate"]


def test_a_value_that_is_right_already_is_no_change() -> None:
    made = plan(parse_config(CONFIG, "c.yaml"), diagnosis(prescription(edit("batch_size", Operation.SET, 16))))
    assert (made.after, made.applied, made.deferred) == (CONFIG, (), ())


def test_the_diff_shows_the_changed_line_alone() -> None:
    lines = plan(parse_config(CONFIG, "c.yaml"), diagnosis(prescription(QUARTER))).diff().splitlines()
    changed = [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert changed == ["-  learning_rate: 3.0e-4   # from the paper", "+  learning_rate: 7.5e-05   # from the paper"]


def test_fixing_twice_is_fixing_once() -> None:
    cap = diagnosis(prescription(edit("max_epochs", Operation.CAP, 200)))
    once = plan(parse_config(CONFIG, "c.yaml"), cap).after
    assert plan(parse_config(once, "c.yaml"), cap).after == once


@pytest.mark.parametrize(
    ("change", "old", "expected"),
    [
        pytest.param(edit("x", Operation.SCALE, 0.3), 3e-4, 9e-5, id="no float dust"),
        pytest.param(edit("warmup_steps", Operation.SCALE, 0.5), 15, 8, id="a count stays whole"),
        pytest.param(edit("x", Operation.CAP, 10), 4, None, id="a cap never raises"),
        pytest.param(edit("x", Operation.SCALE, 0.5), None, None, id="nothing to scale"),
        pytest.param(edit("x", Operation.SCALE, 0.5), "auto", None, id="text is not scaled"),
        pytest.param(edit("x", Operation.SCALE, 0.5), True, None, id="a flag is not scaled"),
        pytest.param(edit("grad_clip_norm", Operation.SCALE, 0.5), 1, 0.5, id="a threshold of 1 never becomes 0"),
        pytest.param(edit("warmup_steps", Operation.SCALE, 0.1), 2, 1, id="a count stays above 0"),
        pytest.param(edit("learning_rate", Operation.SCALE, 0.5), float("inf"), None, id="infinity is not scaled"),
        pytest.param(edit("learning_rate", Operation.SCALE, 0.5), -1.0, None, id="a negative value is not scaled"),
        pytest.param(edit("x", Operation.SET, 0.2), None, 0.2, id="set needs no old value"),
    ],
)
def test_new_value(change: Edit, old: object, expected: Scalar | None) -> None:
    assert new_value(change, old) == expected


def test_equal_prescriptions_are_told_once_and_answer_all_findings() -> None:
    cure = prescription(QUARTER)
    gathered = diagnosis(cure, replace(cure, why="another reason")).prescriptions
    assert [(one.title, one.answers) for one in gathered] == [("cure", ("TST000", "TST001"))]


def test_findings_that_disagree_change_nothing() -> None:
    higher = prescription(edit("learning_rate", Operation.SCALE, 4.0), title="higher")
    made = plan(parse_config(CONFIG, "c.yaml"), diagnosis(prescription(QUARTER), higher))
    assert made.after == CONFIG
    assert {left.reason for left in made.deferred} == {"the findings disagree whether it is too high or too low"}
    assert first_edits([prescription(QUARTER), higher]) == []


def test_a_config_that_was_changed_since_its_log_is_not_scaled_again() -> None:
    rate = Curve("lr", np.arange(4), np.full(4, 1.2e-3), role=Role.LEARNING_RATE)
    logged = diagnosis(prescription(QUARTER, edit("grad_clip_norm", Operation.SCALE, 0.5)))
    logged = replace(logged, run=Run("r", "r.log", "test", {"lr": rate}))
    made = plan(parse_config(CONFIG, "c.yaml"), logged)
    assert made.after == CONFIG
    assert all("changed since" in left.reason for left in made.deferred)


def test_first_edits_names_each_parameter_once() -> None:
    harsher = prescription(edit("learning_rate", Operation.SCALE, 0.1), title="harsher")
    assert [found for _, found in first_edits([prescription(QUARTER), harsher])] == [QUARTER]
