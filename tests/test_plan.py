"""From findings to a plan: one edit a parameter, safe ones only unless asked, every refusal with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from diagnose import plan as plans
from diagnose.checks.base import About, Check
from diagnose.choice import Choice, new_value
from diagnose.config import Rewrite, parse_config
from diagnose.engine import examine
from diagnose.facts import NOTHING_LOGGED, Facts
from diagnose.finding import (
    Confidence,
    Diagnosis,
    Edit,
    Finding,
    Operation,
    Prescription,
    Safety,
    Severity,
    Support,
)
from diagnose.numbers import Value
from diagnose.plan import Plan, plan
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


def edit(parameter: str, operation: Operation, value: Value) -> Edit:
    return Edit(parameter, operation, value, "the number that led to it")


@dataclass(frozen=True)
class Asks(Check):
    """A check that asks for these prescriptions."""

    code = "TST000"
    name = "asks"
    about = About.CONFIG
    cures: tuple[Prescription, ...] = ()

    def check(self, facts: Facts) -> Iterator[Finding]:
        for cure in self.cures:
            yield self.finding(Severity.ERROR, Confidence.HIGH, "train_loss", "it is", prescriptions=(cure,))


def facts(text: str = CONFIG, *, source: str = "c.yaml", samples: int | None = None, run: Run | None = None) -> Facts:
    config = parse_config(text, source)
    settings = {name: setting.value for name, setting in config.values.items()}
    return Facts(run or NOTHING_LOGGED, config, settings=settings, samples=samples)


def diagnosis(*cures: Prescription, known: Facts | None = None) -> Diagnosis:
    return examine(known or facts(), checks=[Asks(cures)])


def planned(*cures: Prescription, text: str = CONFIG, samples: int | None = None, **options: Any) -> Plan:
    return plan(diagnosis(*cures, known=facts(text, samples=samples)), **options)


QUARTER = edit("learning_rate", Operation.SCALE, 0.25)


def test_only_the_changed_value_differs() -> None:
    after = planned(prescription(QUARTER)).after
    assert after == CONFIG.replace("3.0e-4 ", "7.5e-05 ")


def test_the_first_prescription_decides_and_the_second_is_deferred_with_the_reason() -> None:
    harsher = prescription(edit("learning_rate", Operation.SCALE, 0.1), title="harsher")
    made = planned(prescription(QUARTER), harsher)
    assert [applied.now for applied in made.applied] == [pytest.approx(7.5e-5)]
    assert [(left.parameter, left.reason) for left in made.deferred] == [
        ("learning_rate", "already changed: the number that led to it")
    ]


def test_an_unsafe_prescription_waits_until_it_is_asked_for() -> None:
    risky = diagnosis(prescription(QUARTER, safety=Safety.UNSAFE))
    assert plan(risky).after == CONFIG
    assert "--unsafe" in plan(risky).deferred[0].reason
    assert plan(risky, unsafe=True).after != CONFIG


def test_only_the_named_parameters_change() -> None:
    both = diagnosis(prescription(QUARTER, edit("max_epochs", Operation.CAP, 200)))
    made = plan(both, only={"max_epochs"})
    assert [applied.parameter for applied in made.applied] == ["max_epochs"]
    assert [left.reason for left in made.deferred] == ["not among the parameters given with --only"]


def test_a_value_that_is_right_already_is_no_change() -> None:
    made = planned(prescription(edit("batch_size", Operation.SET, 16)))
    assert (made.after, made.applied, made.deferred) == (CONFIG, (), ())


def test_the_diff_shows_the_changed_line_alone() -> None:
    lines = planned(prescription(QUARTER)).diff().splitlines()
    changed = [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert changed == ["-  learning_rate: 3.0e-4   # from the paper", "+  learning_rate: 7.5e-05   # from the paper"]


def test_fixing_twice_is_fixing_once() -> None:
    cap = prescription(edit("max_epochs", Operation.CAP, 200))
    once = planned(cap).after
    assert planned(cap, text=once).after == once


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
def test_new_value(change: Edit, old: object, expected: Value | None) -> None:
    assert new_value(change, old) == expected


def test_equal_prescriptions_count_once() -> None:
    cure = prescription(QUARTER)
    gathered = diagnosis(cure, replace(cure, why="another reason")).prescriptions
    assert [(one.title, one.answers) for one in gathered] == [("cure", ("TST000",))]


def test_two_cures_of_one_title_and_other_edits_are_two() -> None:
    assert len(diagnosis(prescription(QUARTER), prescription(edit("batch_size", Operation.SET, 8))).prescriptions) == 2


def test_findings_that_disagree_change_nothing() -> None:
    higher = prescription(edit("learning_rate", Operation.SCALE, 4.0), title="higher")
    made = planned(prescription(QUARTER), higher)
    assert made.after == CONFIG
    assert {left.reason for left in made.deferred} == {"the findings disagree whether it is too high or too low"}


def test_a_config_that_was_changed_since_its_log_is_not_scaled_again() -> None:
    rate = Curve("lr", np.arange(4), np.full(4, 1.2e-3), role=Role.LEARNING_RATE)
    known = facts(run=Run("r", "r.log", "test", {"lr": rate}))
    made = plan(diagnosis(prescription(QUARTER, edit("grad_clip_norm", Operation.SCALE, 0.5)), known=known))
    assert made.after == CONFIG
    assert all("changed since" in left.reason for left in made.deferred)


@pytest.mark.parametrize(("logged", "changed"), [(1e-4, False), (2e-4, True), (4e-4, False)])
def test_a_decay_measured_on_a_log_of_another_rate_is_not_set(logged: float, changed: bool) -> None:
    rate = Curve("lr", np.arange(4), np.full(4, logged), role=Role.LEARNING_RATE)
    known = facts("lr: 2.0e-4\nlr_decay: 0.5\nbatch_size: 8\nepochs: 50\n", run=Run("r", "r", "test", {"lr": rate}))
    made = plan(diagnosis(prescription(edit("lr_decay", Operation.SET, 0.99)), known=known))
    assert [one.parameter for one in made.applied] == ["lr_decay"] * changed


@pytest.mark.parametrize("first", [True, False])
def test_a_number_that_is_only_respelled_stops_no_cure_of_its_value(first: bool) -> None:
    respelled, cure = prescription(edit("learning_rate", Operation.SET, 5e-5)), prescription(QUARTER, title="lower")
    made = planned(*([respelled, cure] if first else [cure, respelled]), text="lr: 5e-5\nbatch_size: 8\nepochs: 50\n")
    assert "lr: 1.25e-05" in made.after
    assert [one.now for one in made.applied] == [1.25e-5]


def test_half_of_a_cure_is_not_made() -> None:
    """A smaller batch without the accumulation that belongs to it would make an unstable run worse."""
    halves = (
        replace(edit("batch_size", Operation.SET, 4), needs=("grad_accumulation_steps",)),
        replace(edit("grad_accumulation_steps", Operation.SET, 8), needs=("batch_size",)),
    )
    hifigan = '{"learning_rate": 0.0004, "adam_b1": 0.8, "adam_b2": 0.99, "lr_decay": 0.998, "batch_size": 20, '
    hifigan += '"upsample_rates": [8, 8], "segment_size": 8192}'
    made = plan(diagnosis(prescription(*halves), known=facts(hifigan, source="config.json")))
    assert made.after == hifigan
    reasons = {left.parameter: left.reason for left in made.deferred}
    assert "only together with grad_accumulation_steps" in reasons["batch_size"]
    assert reasons["grad_accumulation_steps"]


def test_what_the_config_lacks_is_left_to_be_changed_by_hand() -> None:
    made = planned(prescription(QUARTER), text="optimizer: adam\nbatch_size: 8\nmax_epochs: 9\n")
    assert [(left.parameter, left.value) for left in made.deferred] == [("learning_rate", "times 0.25")]
    assert "by hand" in made.deferred[0].reason


def test_an_interval_counts_with_the_batch_that_is_written() -> None:
    text = "lr: 1.0e-3\nbatch_size: 64\nepochs: 50\neval_steps: 900\nsave_steps: 5000\n"
    cure = prescription(
        edit("batch_size", Operation.SET, 16),
        replace(edit("eval_interval", Operation.CAP, 2), unit="epochs"),
        replace(edit("save_interval", Operation.CAP, 5), unit="evaluations"),
    )
    made = {applied.parameter: applied.now for applied in planned(cure, text=text, samples=753).applied}
    assert made == {"batch_size": 16, "eval_interval": 80, "save_interval": 400}  # 640 clips in batches of 16


def test_what_counts_in_epochs_of_the_new_run_comes_before_a_share_of_the_old_one() -> None:
    text = "lr: 1.0e-3\nbatch_size: 500\nepochs: 5000\neval_steps: 900\nsave_steps: 20000\n"
    old = prescription(edit("save_interval", Operation.CAP, 500))
    new = prescription(
        edit("max_epochs", Operation.CAP, 200),
        replace(edit("save_interval", Operation.CAP, 5), unit="evaluations"),
        replace(edit("eval_interval", Operation.CAP, 2), unit="epochs"),
    )
    made = planned(old, new, text=text, samples=590)
    assert {one.parameter: one.now for one in made.applied} == {
        "max_epochs": 200,
        "eval_interval": 4,
        "save_interval": 20,
    }


@pytest.mark.parametrize("every", [5000, 20_000])
def test_one_key_that_is_two_intervals_takes_the_shorter(every: int) -> None:
    """VITS evaluates and saves by one key: as long as a save may be, it would be too long between evaluations."""
    text = '{"train": {"eval_interval": EVERY, "epochs": 900, "learning_rate": 0.0002, "betas": [0.8, 0.99], '
    text += '"eps": 1e-9, "batch_size": 48, "lr_decay": 0.9998, "segment_size": 8192, "c_mel": 45, "c_kl": 1.0}}'
    loss = Curve("loss", np.arange(12), np.linspace(9, 4, 12), role=Role.TRAIN_LOSS)
    logged = Run("r", "r.log", "test", {"loss": loss})
    made = plan(examine(facts(text.replace("EVERY", str(every)), source="config.json", samples=400, run=logged)))
    assert {one.parameter: one.now for one in made.applied} == {"max_epochs": 200, "eval_interval": 20}
    assert made.problems == ()


def test_an_epoch_of_unknown_length_is_asked_for() -> None:
    cure = prescription(replace(edit("eval_interval", Operation.CAP, 2), unit="epochs"))
    made = planned(cure, text="lr: 1.0e-3\nbatch_size: 64\nepochs: 50\neval_steps: 900\n")
    assert "--samples" in made.deferred[0].reason


def test_the_warm_up_follows_a_run_that_is_cut() -> None:
    text = "lr: 1.0e-3\nbatch_size: 10\nepochs: 1000\nwarmup_steps: 1700\n"
    made = planned(prescription(edit("max_epochs", Operation.CAP, 100)), text=text, samples=200)
    assert {applied.parameter: applied.now for applied in made.applied} == {"max_epochs": 100, "warmup_steps": 170}


def test_a_warm_up_that_is_too_long_anyway_is_cut_to_the_run_that_is_left() -> None:
    text = "lr: 1.0e-3\nbatch_size: 10\nepochs: 1000\nwarmup_steps: 17000\n"
    tenth = prescription(edit("warmup_steps", Operation.SET, 1700))
    made = planned(tenth, prescription(edit("max_epochs", Operation.CAP, 100)), text=text, samples=200)
    assert {applied.parameter: applied.now for applied in made.applied} == {"max_epochs": 100, "warmup_steps": 170}


def test_the_guide_ends_no_run_within_a_warm_up_that_makes_its_rate() -> None:
    text = "batch_size: 10\nepochs: 2000\nlr: 1.0\nlr_scheduler: noam\nwarmup_steps: 4000\n"
    made = planned(prescription(edit("max_epochs", Operation.CAP, 100)), text=text, samples=200)
    assert made.after == text
    assert "within its warm-up" in made.deferred[0].reason
    measured = replace(prescription(edit("max_epochs", Operation.CAP, 100)), support=Support.MEASURED)
    assert planned(measured, text=text, samples=200).after != text


@pytest.mark.parametrize("samples", [200, None], ids=["size known", "size unknown"])
def test_a_warm_up_in_epochs_follows_in_epochs(samples: int | None) -> None:
    text = "lr: 1.0e-3\nbatch_size: 10\nepochs: 1000\nwarmup_epochs: 200\n"
    made = planned(prescription(edit("max_epochs", Operation.CAP, 100)), text=text, samples=samples)
    assert {applied.parameter: applied.now for applied in made.applied} == {"max_epochs": 100, "warmup_epochs": 20}


@pytest.mark.parametrize(
    ("text", "shorter"),
    [
        pytest.param("lr: 1.0\nlr_scheduler: noam\nwarmup_steps: 1700\n", None, id="Noam: its peak follows"),
        pytest.param("adam_eps: 1.0e-9\nwarmup_steps: 1700\n", None, id="a rate that the trainer computes"),
        pytest.param("lr: 1.0e-3\nlr_scheduler: cosine\nwarmup_steps: 1700\n", 170, id="cosine"),
        pytest.param("lr: 1.0e-3\nwarmup_steps: 150\n", None, id="still below a tenth"),
    ],
)
def test_a_warm_up_is_cut_only_where_that_is_safe_and_needed(text: str, shorter: int | None) -> None:
    cure = prescription(edit("max_epochs", Operation.CAP, 100))
    made = planned(cure, text=f"batch_size: 10\nepochs: 2000\n{text}", samples=200)
    applied = {applied.parameter: applied.now for applied in made.applied}
    assert applied == {"max_epochs": 100} | ({} if shorter is None else {"warmup_steps": shorter})


@pytest.mark.parametrize(
    ("rate", "applied"),
    [
        pytest.param("lr: 1.0e-3", {"max_steps": 500, "warmup_steps": 50, "learning_rate": 2.5e-4}, id="a rate"),
        pytest.param("weight_decay: 0", {"max_steps": 500}, id="none to lower"),
    ],
)
def test_a_run_that_ends_within_its_warm_up_keeps_the_rate_that_it_had(rate: str, applied: dict[str, float]) -> None:
    text = f"lr_scheduler: cosine\n{rate}\nmax_steps: 40000\nwarmup_steps: 2000\n"
    best = replace(prescription(edit("max_steps", Operation.CAP, 500)), support=Support.MEASURED)
    made = planned(best, text=text)
    assert {one.parameter: one.now for one in made.applied} == applied


@pytest.mark.parametrize(
    ("floor", "after"),
    [("1.0e-4", "2.5e-05"), ("3e-5", "7.5e-06"), ("1.0e-6", "1.0e-6")],
    ids=["a tenth", "3 %", "a guard"],
)
def test_the_end_of_a_schedule_follows_its_top(floor: str, after: str) -> None:
    made = planned(prescription(QUARTER), text=f"lr: 1.0e-3\nmin_lr: {floor}\nepochs: 9\n")
    assert made.after == f"lr: 0.00025\nmin_lr: {after}\nepochs: 9\n"


@pytest.mark.parametrize(("accumulation", "saved"), [(1, 60), (4, 2500)], ids=["a step is a batch", "unknown"])
def test_the_epochs_of_the_log_say_how_long_a_run_in_epochs_is(accumulation: int, saved: int) -> None:
    steps = np.arange(1, 41) * 28
    loss = Curve("loss", steps, np.linspace(4, 1, 40), role=Role.TRAIN_LOSS, epochs=steps / 56)
    text = f"lr: 0.1\nbatch_size: 4\nepochs: 1000\nsave_steps: 2500\naccumulation_steps: {accumulation}\n"
    known = facts(text, run=Run("r", "r", "test", {"loss": loss}))
    made = plan(diagnosis(prescription(edit("max_epochs", Operation.CAP, 10)), known=known))
    assert parse_config(made.after, "c.yaml").value("save_interval") == saved


def test_a_rate_that_is_low_already_while_another_was_logged_is_not_passed_over_in_silence() -> None:
    steps = np.arange(1, 41)
    run = Run("r", "r", "test", {"lr": Curve("lr", steps, np.full(40, 8e-4), role=Role.LEARNING_RATE)})
    cure = prescription(edit("learning_rate", Operation.CAP, 2e-4))
    made = plan(diagnosis(cure, known=facts("lr: 1.0e-4\nbatch_size: 8\nepochs: 50\n", run=run)))
    assert made.applied == ()
    assert "the log shows a learning rate of 0.0008" in made.deferred[0].reason


def test_a_change_that_would_make_a_contradiction_is_not_made() -> None:
    text = "lr: 1.0e-3\nbatch_size: 10\nepochs: 100\n"
    made = planned(prescription(edit("batch_size", Operation.SET, 400)), text=text, samples=200)
    assert made.after == text
    assert "would contradict itself" in made.deferred[0].reason


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_cure_that_would_make_a_contradiction_costs_no_other_cure(place: int) -> None:
    text = "lr: 1.0e-3\nbatch_size: 10\nepochs: 100\ndropout: 0.1\n"
    cures = [prescription(QUARTER, title="rate"), prescription(edit("dropout", Operation.SET, 0.2), title="dropout")]
    cures.insert(place, prescription(edit("batch_size", Operation.SET, 400), title="batch"))
    made = planned(*cures, text=text, samples=200)
    assert {one.parameter: one.now for one in made.applied} == {"learning_rate": 2.5e-4, "dropout": 0.2}
    assert ["would contradict itself" in left.reason for left in made.deferred] == [True]


def test_what_a_shorter_run_upsets_follows_it() -> None:
    text = "lr: 1.0e-3\nmax_steps: 30000\nearly_stopping_patience: 4\neval_steps: 5000\nsave_steps: 5000\n"
    made = planned(prescription(edit("max_steps", Operation.CAP, 1000)), text=text)
    follows = {"max_steps": 1000, "eval_interval": 100, "save_interval": 100}
    assert ({one.parameter: one.now for one in made.applied}, made.deferred) == (follows, ())
    patient = planned(
        prescription(edit("max_steps", Operation.CAP, 1000)), text=text.replace("patience: 4", "patience: 5")
    )
    assert {one.parameter: one.now for one in patient.applied} == follows


def test_without_a_config_the_plan_says_what_is_wanted() -> None:
    made = plan(examine(Facts(), checks=[replace(Asks((prescription(QUARTER),)))]))
    assert (made.after, made.applied) == ("", ())  # a check of configs has nothing to say where there is none


def test_a_second_contradiction_of_a_kind_that_was_there_is_new() -> None:
    """The config has one key twice; an edit that doubled another must not pass because the kind is known."""
    doubled = facts("lr: 1.0e-3\nbatch_size: 8\nbatch_size: 8\nepochs: 9\n", source="config.yaml")
    problems = tuple(examine(doubled).findings)
    [kind] = {plans._key(problem) for problem in problems if problem.code == "CFG003"}
    twice = plans._Draft(Choice({}, None, {}, ()), Rewrite(""), (problems[0], problems[0]))
    assert plans._new(twice, Counter({kind: 1})) == [problems[0]]
    assert plans._new(twice, Counter({kind: 2})) == []


@pytest.mark.parametrize(
    ("text", "after"),
    [
        pytest.param("betas: [0.9, 0.999] # Adam's\n", "betas: [0.9, 0.98] # Adam's\n", id="a list"),
        pytest.param("beta1: 0.9\nbeta2: 0.999\n", "beta1: 0.9\nbeta2: 0.98\n", id="a key each"),
    ],
)
def test_both_betas_are_written(text: str, after: str) -> None:
    wanted = prescription(edit("betas", Operation.SET, (0.9, 0.98)))
    config = facts(f"lr: 0.1\nepochs: 3\n{text}", source="config.yaml")
    assert plan(examine(config, checks=[Asks((wanted,))])).after == f"lr: 0.1\nepochs: 3\n{after}"
