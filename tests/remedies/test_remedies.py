"""Prescriptions take their dose from the run: the rate it had borne, the norms before the fault, its evaluations."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnose import remedies
from diagnose.config import parse_config
from diagnose.facts import Facts
from diagnose.finding import Prescription, Safety, Support
from diagnose.gather import facts_of_config
from diagnose.remedies.evidence import onset_of, rate_borne
from diagnose.remedies.rate import END_RATE
from diagnose.run import Axis, Curve, FloatArray, Role, Run

CASES = Path(__file__).resolve().parents[1] / "live" / "cases"


def facts_of(case: str) -> Facts:
    return facts_of_config(CASES / case / "config.yaml", logs=[CASES / case / "metrics.jsonl"])


def values(found: tuple[Prescription, ...]) -> dict[str, object]:
    return {edit.parameter: edit.value for prescription in found for edit in prescription.edits}


def run_with(*, norms: list[float] | None = None, shares: list[float] | None = None, **settings: Any) -> Facts:
    """Twelve points every 2 steps: the loss falls to 3 at step 14, then jumps to 9; the rate is 0.02."""
    steps = np.arange(2, 26, 2)
    loss = np.array([10, 8, 7, 6, 5, 4, 3, 9, 9, 9, 9, 9], dtype=float)
    curves = {"loss": Curve("loss", steps, loss, role=Role.TRAIN_LOSS)}
    curves["lr"] = Curve("lr", steps, np.full(12, 0.02), role=Role.LEARNING_RATE)
    if norms is not None:
        curves["norm"] = Curve("norm", steps, np.array(norms), role=Role.GRAD_NORM)
    if shares is not None:
        curves["clipped"] = Curve("clipped", steps, np.array(shares), role=Role.CLIPPED_SHARE)
    return Facts(Run("r", "r.jsonl", "test", curves), settings=settings, samples=None)


def test_a_collapse_in_the_warmup_gets_a_quarter_of_the_rate_at_its_best_point() -> None:
    """The rate rose to 0.1, and was 0.0154 when the loss last improved."""
    found = values(remedies.calm(facts_of("collapsed-in-warmup"), 6))
    assert found["learning_rate"] == pytest.approx(0.0154 / 4, rel=0.01)


def test_the_clip_comes_from_the_norms_before_they_exploded_even_where_only_the_nan_is_reported() -> None:
    facts = facts_of("clip-from-lost-norms")
    train = facts.curve(Role.TRAIN_LOSS)
    assert train is not None
    lost = int(train.steps[~np.isfinite(train.values)][0])
    found = values(remedies.calm(facts, lost, non_finite=True))
    assert found["grad_clip_norm"] == pytest.approx(3.4, rel=0.15)
    assert found["learning_rate"] == pytest.approx(0.005)  # announced by the norms: a quarter, not half


def test_a_loss_that_explodes_while_the_rate_rises_gets_half_of_the_rate_at_its_best_point() -> None:
    """It explodes as soon as the rate is past its limit; a quarter of that would learn next to nothing."""
    steps = np.arange(2, 26, 2)
    loss = np.array([10, 9, 40, 60, 90, 200, 300, 500, 400, 700, 800, 900], dtype=float)
    rates = np.minimum(np.arange(1, 13) * 0.003, 0.02)
    curves = {
        "loss": Curve("loss", steps, loss, role=Role.TRAIN_LOSS),
        "lr": Curve("lr", steps, rates, role=Role.LEARNING_RATE),
    }
    assert values(remedies.calm(Facts(Run("r", "", "test", curves)), 4))["learning_rate"] == pytest.approx(0.003)


def test_a_run_that_began_at_its_full_rate_and_soon_went_wrong_is_warmed_up_too() -> None:
    found = values(remedies.calm(run_with(max_steps=200), 14))
    assert (found["learning_rate"], found["warmup_steps"]) == (pytest.approx(0.005), 10)
    assert "warmup_steps" not in values(remedies.calm(run_with(), 14))  # more than half of the run went well


def test_outliers_do_not_set_the_threshold_that_is_to_cut_them() -> None:
    norms = [2.0, 200.0, 2.2, 2.1, 180.0, 4.0, 3.0, 300.0, 5.0, 4.0, 4.0, 3.0]
    assert values(remedies.clip_outliers(run_with(norms=norms), 4))["grad_clip_norm"] == pytest.approx(4.5, abs=0.6)
    assert values(remedies.clip_outliers(run_with(norms=norms), 10))["grad_clip_norm"] == pytest.approx(2.2, abs=0.1)


@pytest.mark.parametrize(("height", "lowered"), [(9.0, False), (900.0, True)])
def test_single_unclipped_norms_are_clipped_alone_unless_the_loss_explodes_with_them(
    height: float, lowered: bool
) -> None:
    facts = run_with(norms=[1, 1, 90, 1, 1, 80, 1, 1, 70, 1, 1, 1], shares=[0.0] * 12)
    loss = facts.run.curves["loss"]
    thrown = replace(loss, values=np.where(loss.values == 9, height, loss.values))
    facts = replace(facts, run=replace(facts.run, curves={**facts.run.curves, "loss": thrown}))
    assert ("learning_rate" in values(remedies.calm(facts, 16))) is lowered


def test_a_threshold_that_clips_nothing_is_not_halved() -> None:
    assert remedies.clip(run_with(grad_clip_norm=1000.0), 16) == ()
    assert values(remedies.clip(run_with(grad_clip_norm=4.0), 16)) == {"grad_clip_norm": 0.5}


def test_an_epoch_is_not_called_a_step() -> None:
    steps = np.arange(1, 13)
    loss = np.array([10, 8, 7, 6, 5, 4, 3, 9, 9, 9, 9, 9], dtype=float)
    curves = {
        "loss": Curve("loss", steps, loss, axis=Axis.EPOCH, role=Role.TRAIN_LOSS),
        "norm": Curve("norm", steps, np.full(12, 2.0), axis=Axis.EPOCH, role=Role.GRAD_NORM),
    }
    (cure,) = remedies.clip(Facts(Run("r", "", "test", curves)), 7)
    assert "before epoch 7" in cure.why


def test_where_no_rate_is_logged_the_reason_says_that_nobody_knows_what_made_the_run() -> None:
    facts = run_with(learning_rate=0.02)
    unlogged = Facts(Run("r", "", "test", {"loss": facts.run.curves["loss"]}), settings=facts.settings)
    assert "no rate is logged" in next(cure.why for cure in remedies.calm(unlogged, 14) if "rate" in cure.title)
    assert not any("no rate is logged" in cure.why for cure in remedies.calm(facts, 14))


def test_the_number_of_a_row_is_no_step_where_the_log_counts_epochs_only() -> None:
    facts = run_with(norms=[2.0] * 12, learning_rate=0.02)
    rows = {
        name: replace(curve, steps=np.arange(12), epochs=np.arange(12) / 4, counted=False)
        for name, curve in facts.run.curves.items()
    }
    cures = remedies.clip(Facts(Run("r", "", "test", rows)), 6)
    assert [cure.why for cure in cures] == ["90 % of the usual gradient norms before epoch 1.5 are below 2"]


def test_the_reason_for_a_lower_rate_names_no_other_best_than_the_finding() -> None:
    """Two places of a best in one report contradict each other."""
    (lower,) = (cure for cure in remedies.calm(run_with(learning_rate=0.02), 14) if "rate" in cure.title)
    assert lower.why == "a quarter of 0.02, the highest rate up to the best loss before the fault"


def test_a_nan_out_of_the_blue_halves_the_rate() -> None:
    found = values(remedies.calm(run_with(norms=[2.0] * 12), 14, non_finite=True))
    assert found["learning_rate"] == pytest.approx(0.01)


def test_a_decayed_rate_is_judged_by_the_highest_that_was_borne() -> None:
    facts = run_with()
    rates = Curve("lr", np.arange(2, 26, 2), np.geomspace(0.02, 0.002, 12), role=Role.LEARNING_RATE)
    decayed = Facts(Run("r", "", "test", {**facts.run.curves, "lr": rates}))
    assert values(remedies.calm(decayed, 16))["learning_rate"] == pytest.approx(0.005)


def test_a_clip_is_never_looser_than_the_one_in_force() -> None:
    norms = [2.0, 3.0, 4.0, 6.0, 6.5, 6.4, 6.0, 9.0, 9.0, 9.0, 9.0, 9.0]
    assert "grad_clip_norm" not in values(remedies.clip(run_with(norms=norms, grad_clip_norm=5.0), 16))


def test_a_clip_that_only_the_log_shows_counts_as_one_in_force() -> None:
    """The config does not name it, but updates were clipped from a norm of 5 on."""
    norms = [4.0, 4.5, 4.8, 6.0, 6.5, 6.4, 6.0, 9.0, 9.0, 9.0, 9.0, 9.0]
    shares = [float(norm > 5) for norm in norms]
    assert "grad_clip_norm" not in values(remedies.clip(run_with(norms=norms, shares=shares), 16))


@pytest.mark.parametrize("case", ["decay-per-update", "decay-half-dead"])
def test_a_decay_is_counted_in_the_unit_in_which_it_is_applied(case: str) -> None:
    found = values(remedies.slower_decay(facts_of(case)))
    assert found["lr_decay"] == pytest.approx(END_RATE ** (1 / 104), abs=0.002)


@pytest.mark.parametrize("steps", [10**6, 10**9])
def test_a_gentle_decay_of_a_long_run_is_still_a_decay(steps: int) -> None:
    at = np.arange(10, 410, 10)
    curves = {
        "loss": Curve("loss", at, np.linspace(5, 4, 40), role=Role.TRAIN_LOSS),
        "lr": Curve("lr", at, np.asarray(0.01 * 0.999**at, dtype=np.float64), role=Role.LEARNING_RATE),
    }
    settings = {"lr_decay": 0.999, "max_steps": steps}
    decay = values(remedies.slower_decay(Facts(Run("r", "", "test", curves), settings=settings)))["lr_decay"]
    assert isinstance(decay, float)
    assert decay**steps == pytest.approx(END_RATE, rel=0.01)


@pytest.mark.parametrize(
    ("text", "cured"), [("fp16: true\n", True), ("bf16: true\n", False), ("bf16: true\nfp16: false\n", False)]
)
def test_bf16_overflows_no_sooner_than_full_precision(text: str, cured: bool) -> None:
    config = parse_config(
        "learning_rate: 1.0e-4\nper_device_train_batch_size: 8\nnum_train_epochs: 3\n" + text, "c.yaml"
    )
    settings = {name: setting.value for name, setting in config.values.items()}
    known = Facts(Run("r", "", "test", {}), config, settings=settings)
    assert bool(remedies.leave_half_precision(known)) is cured


def test_a_decay_that_comes_once_an_epoch_is_counted_in_epochs() -> None:
    steps = np.arange(10, 410, 10)
    rates = np.asarray(0.01 * 0.3 ** (steps // 40), dtype=np.float64)
    curves = {
        "loss": Curve("loss", steps, np.linspace(5, 4, 40), role=Role.TRAIN_LOSS),
        "lr": Curve("lr", steps, rates, role=Role.LEARNING_RATE),
    }
    found = values(remedies.slower_decay(Facts(Run("r", "", "test", curves), settings={"lr_decay": 0.3})))
    assert found["lr_decay"] == pytest.approx(END_RATE ** (1 / 10), rel=0.05)


def test_a_decay_that_dies_after_a_throw_hides_a_rate_that_is_too_high() -> None:
    steps = np.arange(2, 50, 2)
    rates = np.concatenate([np.linspace(0.01, 0.04, 4), 0.04 * 0.87 ** np.arange(1, 21)])
    for thrown, parameters in ((13.0, {"lr_decay", "learning_rate"}), (9.6, {"lr_decay"})):
        curves = {
            "loss": Curve("loss", steps, np.array([12, 9.5, thrown, *[min(thrown, 11.0)] * 21]), role=Role.TRAIN_LOSS),
            "lr": Curve("lr", steps, rates, role=Role.LEARNING_RATE),
        }
        found = values(remedies.slower_decay(Facts(Run("r", "", "test", curves), settings={"lr_decay": 0.93})))
        assert found.keys() == parameters
        assert found.get("learning_rate", 0.005) == pytest.approx(0.005)  # a quarter of that of the second point


def test_a_rate_far_too_low_is_raised_the_more_the_less_the_loss_moved_and_safely_to_the_default_of_adam() -> None:
    facts = facts_of("rate-100-times-too-low")
    hardly, some = remedies.speed_up(facts, 0.06), remedies.speed_up(facts, 0.3)
    rate = facts.run.peak_logged_rate
    assert rate == pytest.approx(4e-5)
    assert [(one.edits[0].value, one.safety.value) for one in hardly] == [(50.0, "unsafe"), (25.0, "safe")]
    assert [(one.edits[0].value, one.safety.value) for one in some] == [(10.0, "safe")]
    assert all(one.support is Support.MEASURED for one in (*hardly, *some))


def test_half_of_a_fall_in_half_of_the_planned_run_asks_for_as_much() -> None:
    loss = Curve("loss", np.arange(1, 51), np.linspace(9, 8, 50), role=Role.TRAIN_LOSS)
    half = Facts(Run("r", "", "test", {"loss": loss}), settings={"learning_rate": 1e-5, "max_steps": 100})
    (whole,) = remedies.speed_up(Facts(half.run, settings={"learning_rate": 1e-5}), 0.1)
    (begun,) = remedies.speed_up(half, 0.05)
    assert whole.edits[0].value == begun.edits[0].value == 30


def test_patience_can_fire_within_what_was_left_of_the_run() -> None:
    facts = facts_of("patience-beyond-the-end")
    val = facts.curve(Role.VAL_LOSS)
    assert val is not None
    found = values(remedies.regularise(facts, int(val.steps[np.argmin(val.values)])))
    assert found["early_stopping"] is True
    assert found["early_stopping_patience"] in range(2, 5)


def test_without_early_stopping_that_fires_the_length_of_the_best_is_enough() -> None:
    val = Curve("val", np.arange(1, 13), np.array([5, 4, 3, 2.5, 3, 3.5, 4, 4, 4, 4, 4, 4.0]), role=Role.VAL_LOSS)
    val = Curve("val", val.steps * 10, val.values, epochs=val.steps.astype(float), role=Role.VAL_LOSS)
    run = Run("r", "", "test", {"val": val})
    for settings, end in (
        ({"max_epochs": 12}, {"max_epochs": 4}),
        ({"max_steps": 120}, {"max_steps": 40}),
        ({"max_steps": 120, "max_epochs": 12}, {"max_steps": 40, "max_epochs": 4}),
        ({"max_epochs": 12, "early_stopping_patience": 3}, {"max_epochs": 4}),  # it did not fire
        ({"max_epochs": 12, "early_stopping_patience": 0}, {"max_epochs": 4}),
        ({"max_epochs": 12, "dropout": 0}, {"max_epochs": 4}),
    ):
        assert values(remedies.regularise(Facts(run, settings=settings), 40)) == end, settings


def test_where_the_log_counts_epochs_alone_a_length_in_steps_is_cut_to_as_many_epochs() -> None:
    """The number of a row is no step; and a cut of the epochs alone does nothing where the steps win."""
    val = Curve("val", np.arange(8, 96, 9), np.array([5, 4, 3, 2.5, 3, 3.5, 4, 4, 4, 4.0]), role=Role.VAL_LOSS)
    rows = replace(val, epochs=np.arange(1, 11.0), counted=False)
    facts = Facts(Run("r", "", "test", {"val": rows}), settings={"max_steps": 900, "max_epochs": 10})
    assert values(remedies.regularise(facts, 35)) == {"max_steps": 4, "max_epochs": 4}
    (cure,) = remedies.regularise(facts, 35)
    assert {edit.parameter: edit.unit for edit in cure.edits} == {"max_steps": "epochs", "max_epochs": None}
    by_epoch = replace(facts, run=Run("r", "", "test", {"val": replace(rows, steps=np.arange(1, 11), axis=Axis.EPOCH)}))
    assert values(remedies.regularise(by_epoch, 4)) == {"max_steps": 4, "max_epochs": 4}


def test_batches_come_from_the_guide_alone_and_only_where_no_norm_was_logged() -> None:
    settings: dict[str, Any] = {"batch_size": 16, "grad_accumulation_steps": 1, "learning_rate": 0.02}
    plain = run_with(**settings)
    few = Facts(plain.run, settings=settings, samples=525)
    found = {prescription.title: prescription for prescription in remedies.calm(few, 16)}
    batches = found["Average each update over more clips"]
    assert values((batches,)) == {"batch_size": 8, "grad_accumulation_steps": 4}
    assert batches.support is Support.GUIDE
    logged = Facts(run_with(norms=[2.0] * 12, **settings).run, settings=settings, samples=525)
    assert "batch_size" not in values(remedies.calm(logged, 16))


def test_a_tiny_rate_is_not_lowered() -> None:
    facts = run_with()
    for rate, lowered in ((1e-6, {}), (2e-6, {"learning_rate": 1e-6})):
        rates = Curve("lr", np.arange(2, 26, 2), np.full(12, rate), role=Role.LEARNING_RATE)
        tiny = Facts(Run("r", "", "test", {**facts.run.curves, "lr": rates}))
        assert values(remedies.calm(tiny, 16)) == lowered


def test_the_rate_is_that_before_the_first_setback_however_late_the_fault_is_reported() -> None:
    found = values(remedies.calm(facts_of("collapsed-in-warmup"), 20))
    assert found["learning_rate"] == pytest.approx(0.0154 / 4, rel=0.01)


def test_a_rise_that_was_made_good_is_no_setback() -> None:
    steps = np.arange(1, 13)
    loss = np.array([10, 8, 11, 7, 6, 5, 4, 3, 9, 9, 9, 9.0])
    rates = np.linspace(0.01, 0.12, 12)
    curves = {
        "loss": Curve("loss", steps, loss, role=Role.TRAIN_LOSS),
        "lr": Curve("lr", steps, rates, role=Role.LEARNING_RATE),
    }
    found = values(remedies.calm(Facts(Run("r", "", "test", curves)), 10))
    assert found["learning_rate"] == pytest.approx(0.08 / 4)


def test_a_run_that_never_got_going_gets_a_quarter_of_what_it_bore_before_a_throw_else_a_tenth() -> None:
    steps = np.arange(2, 50, 2)
    full = Curve("lr", steps, np.full(24, 0.12), role=Role.LEARNING_RATE)
    flat = np.concatenate([[12, 11, 10.6], np.full(21, 10.0)])
    thrown = np.concatenate([[12, 11, 14.6], np.full(21, 10.9)])
    rising = Curve("lr", steps, np.minimum(0.12, np.arange(1, 25) * 0.012), role=Role.LEARNING_RATE)
    up = np.concatenate([[12.1, 10.8, 11.1, 12.1, 11.4, 11.1, 10.8, 10.3], np.full(16, 9.9)])  # never back for long
    for loss, rates, rate in ((flat, full, 0.012), (thrown, full, 0.03), (up, rising, 0.006)):
        curves = {"loss": Curve("loss", steps, loss, role=Role.TRAIN_LOSS), "lr": rates}
        found = values(remedies.trial_lower_rate(Facts(Run("r", "", "test", curves))))
        assert found["learning_rate"] == pytest.approx(rate)


def test_a_loss_that_fell_and_stopped_gets_a_quarter_as_a_trial_one_that_never_fell_nothing() -> None:
    steps = np.arange(1, 41)
    for end, titles in ((3.0, ["Try a quarter of the learning rate"]), (9.9, [])):
        loss = Curve("loss", steps, np.maximum(end, 10 - steps / 1.0), role=Role.TRAIN_LOSS)
        found = remedies.trial_lower_rate(Facts(Run("r", "", "test", {"loss": loss}), settings={"learning_rate": 1e-3}))
        assert [one.title for one in found] == titles
        assert {one.safety for one in found} <= {Safety.UNSAFE}


@pytest.mark.parametrize(("rate", "raised"), [(0.2, True), (0.02, False), (2e-4, True)])
def test_what_creeps_at_a_rate_that_only_plain_gradients_bear_is_raised_too(rate: float, raised: bool) -> None:
    facts = Facts(Run("r", "", "test", {}), settings={"learning_rate": rate})
    assert bool(remedies.speed_up(facts)) is raised


def test_what_creeps_after_a_high_rate_threw_it_back_is_not_raised() -> None:
    steps = np.arange(2, 82, 2)
    loss = np.array([12.3, 11, 10.2, 14, 15.2, 12, *np.linspace(11, 10.1, 34)])
    for rate, now in ((0.3, 0.075), (2e-4, 2e-3)):
        facts = Facts(Run("r", "", "test", {"loss": Curve("loss", steps, loss, role=Role.TRAIN_LOSS)}))
        facts = replace(facts, settings={"learning_rate": rate})
        assert rate * float(str(values(remedies.speed_up(facts, 0.35))["learning_rate"])) == pytest.approx(now)


def test_the_best_point_is_the_logged_one_not_where_a_smoothed_curve_was_lowest() -> None:
    """The loss still falls from step 10, at which a running median is lowest, to step 14."""
    steps = np.arange(2, 26, 2)
    rates = Curve("lr", steps, np.linspace(0.002, 0.024, 12), role=Role.LEARNING_RATE)
    facts = Facts(Run("r", "", "test", {**run_with().run.curves, "lr": rates}))
    assert values(remedies.calm(facts, 10))["learning_rate"] == pytest.approx(0.014 / 4, rel=0.01)


def test_where_the_patience_of_a_trainer_is_not_known_the_epochs_are_cut_too() -> None:
    steps = np.arange(10, 130, 10)
    loss = np.array([9, 7, 6, 5, 4, 4.1, 4.4, 4.8, 5.0, 5.2, 5.4, 5.6])
    val = Curve("val", steps, loss, epochs=np.arange(1.0, 13.0), role=Role.VAL_LOSS)
    facts = Facts(Run("r", "", "test", {"val": val}), settings={"early_stopping": False})
    found = values(remedies.regularise(facts, 50))
    assert (found["early_stopping"], found["max_epochs"]) == (True, 5)
    known = Facts(facts.run, settings={"early_stopping": False, "early_stopping_patience": None})
    assert "max_epochs" not in values(remedies.regularise(known, 50))


def test_where_ten_times_the_rate_is_a_trial_the_default_of_adam_is_the_safe_change() -> None:
    found = remedies.speed_up(Facts(Run("r", "", "test", {}), settings={"learning_rate": 4e-4}))
    assert [(one.edits[0].value, one.safety.value) for one in found] == [(10.0, "unsafe"), (2.5, "safe")]


def test_before_the_fault_is_before_the_part_that_was_lost_first() -> None:
    """The headline fell on for a while: its best point after the part was infinite is none before the fault."""
    steps = np.arange(60)
    lost = np.where(steps >= 30, np.inf, 1.0)
    curves = {
        "mel": Curve("mel", steps, np.linspace(5.0, 2.0, 60), role=Role.TRAIN_LOSS),
        "kl": Curve("kl", steps, lost, role=Role.TRAIN_COMPONENT),
    }
    facts = Facts(Run("r", "r.jsonl", "test", curves))
    rates = Curve("lr", steps, np.linspace(1e-3, 7e-3, 60), role=Role.LEARNING_RATE)
    logged = replace(facts, run=replace(facts.run, curves={**curves, "lr": rates}))
    assert rate_borne(logged, onset_of(logged, 30)) == pytest.approx(rates.values[29])


def test_epochs_that_are_counted_from_0_are_one_more_than_the_last() -> None:
    """The best at epoch 7 of 0 to 9 is the eighth: at most 7 would end before it."""
    for first, epochs in ((0, 8), (1, 7)):
        count = np.arange(first, first + 10)
        train = Curve("loss", count, np.linspace(2.0, 1.0, 10), role=Role.TRAIN_LOSS, axis=Axis.EPOCH)
        val = replace(train, tag="val_loss", role=Role.VAL_LOSS)
        (stop,) = remedies.regularise(Facts(Run("r", "r.csv", "test", {"loss": train, "val_loss": val})), 7)
        assert [edit.value for edit in stop.edits if edit.parameter == "max_epochs"] == [epochs]


@pytest.mark.parametrize(
    ("epochs", "end"),
    [
        (np.repeat(np.arange(10.0), 3), 8),  # Lightning: each row has the number of its epoch, from 0
        (np.repeat(np.arange(1.0, 11.0), 3), 7),
        (np.linspace(0.0, 10.0, 31)[1:], 7),  # Hugging Face: what was trained of them
        (np.linspace(0.0, 10.0, 30).round(2), 7),  # the same with a row before the first update
    ],
)
def test_epochs_beside_steps_that_are_counted_from_0_are_one_more_than_the_last(epochs: FloatArray, end: int) -> None:
    train = Curve("loss", np.arange(50, 1550, 50), np.linspace(2.0, 1.0, 30), epochs=epochs, role=Role.TRAIN_LOSS)
    val = Curve("val", np.array([400, 1050, 1500]), np.array([2.0, 1.0, 3.0]), role=Role.VAL_LOSS)
    val = replace(val, epochs=np.array([3.0, 7.0, 10.0]))
    (stop,) = remedies.regularise(Facts(Run("r", "r.csv", "test", {"loss": train, "val": val})), 1050)
    assert [edit.value for edit in stop.edits if edit.parameter == "max_epochs"] == [end]


def test_the_lowest_point_of_a_smoothed_course_is_not_called_the_best_loss() -> None:
    val = Curve("val", np.arange(10, 70, 10), np.array([5.0, 2.0, 4.0, 2.5, 2.4, 2.6]), role=Role.VAL_LOSS)
    facts = Facts(Run("r", "r.csv", "test", {"val": val}), settings={"max_steps": 60})
    whys = {step: remedies.regularise(facts, step)[0].edits[0].why for step in (20, 50)}
    assert whys == {
        20: "the step of the best validation loss",
        50: "the step where the smoothed validation loss is lowest",
    }
