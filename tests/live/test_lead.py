"""Whether the beginning of one run is better than that of another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from diagnose.facts import Facts
from diagnose.live.lead import Lead, begun, judged_at, lead
from diagnose.run import Axis, Curve, Role, Run


def run(train: np.ndarray, val: np.ndarray | None = None, rate: np.ndarray | None = None, every: int = 1) -> Facts:
    """A training point every step, an evaluation every tenth."""
    steps = np.arange(1, len(train) + 1) * every
    curves = {"loss": Curve("loss", steps, train, role=Role.TRAIN_LOSS)}
    if val is not None:
        curves["val"] = Curve("val", np.arange(1, len(val) + 1) * 10, val, role=Role.VAL_LOSS)
    if rate is not None:
        curves["lr"] = Curve("lr", steps, rate, role=Role.LEARNING_RATE)
    return Facts(Run("r", "", "test", curves))


def falling(steps: int, speed: float, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return np.asarray(2.0 + 2.0 * np.exp(-speed * np.arange(steps)) + noise * draw.normal(size=steps))


def test_equal_runs_in_other_noise_are_hardly_ever_clearly_ahead() -> None:
    """Ahead by more than a standard error and a fiftieth of the loss."""
    ahead = 0
    for seed in range(100):
        first = run(falling(100, 0.02, 0.05, seed))
        found = lead(run(falling(10, 0.02, 0.05, 1000 + seed)), first)
        assert found is not None
        ahead += found.clear
    assert ahead <= 20


@pytest.mark.parametrize("speed", [0.08, 0.5])
def test_what_falls_faster_is_ahead_and_the_other_is_behind(speed: float) -> None:
    slow, fast = run(falling(100, 0.02, 0.01)), run(falling(20, speed, 0.01))
    found, other = lead(fast, slow), lead(slow, fast)
    assert found is not None
    assert other is not None
    assert (found.step, found.clear, other.clear) == (20, True, False)
    assert found.share == pytest.approx(-other.share)


def test_three_common_evaluations_count_before_the_training_loss() -> None:
    first = run(falling(100, 0.02), np.linspace(4, 3, 10))
    for evaluations, ahead in ((2, True), (3, False)):
        found = lead(run(falling(10 * evaluations, 0.1), np.full(evaluations, 5.0)), first)
        assert found is not None
        assert found.clear is ahead


def test_evaluations_that_are_counted_in_epochs_are_left_out() -> None:
    first = run(falling(100, 0.02), np.linspace(4, 3, 10))
    in_epochs = replace(first.run.curves["val"], axis=Axis.EPOCH)
    first = replace(first, run=replace(first.run, curves={**first.run.curves, "val": in_epochs}))
    found = lead(run(falling(40, 0.1), np.full(4, 5.0)), first)
    assert found is not None
    assert found.step == 40
    assert found.clear


def test_a_trial_is_judged_a_tenth_after_the_warm_up_and_never_on_a_few_points() -> None:
    flat = np.full(200, 1e-3)
    warmed = np.minimum(np.arange(1, 201) / 50, 1.0) * 1e-3
    assert judged_at(run(falling(200, 0.02), rate=flat), 200) == pytest.approx(21, abs=1)
    assert judged_at(run(falling(200, 0.02), rate=warmed), 200) == pytest.approx(65, abs=1)
    assert judged_at(run(falling(20, 0.02), every=10), 200) == 40
    assert judged_at(run(falling(7, 0.02)), 7) is None


def test_a_run_has_begun_once_its_rate_can_be_compared_if_its_length_is_known() -> None:
    def planned(steps: int, **config: int) -> Facts:
        return replace(run(falling(steps, 0.02)), settings=config)

    assert [begun(planned(steps, max_steps=200)) for steps in (3, 19, 20, 150)] == [False, False, True, True]
    assert not begun(planned(150))


def test_a_run_that_went_on_from_a_checkpoint_has_no_beginning_to_compare() -> None:
    first = run(falling(200, 0.02))
    train = first.run.curves["loss"]
    late = replace(first, run=replace(first.run, curves={"loss": train.where(train.steps > 50)}))
    assert judged_at(late, 200) is None


def test_a_trial_without_a_finite_loss_is_not_compared() -> None:
    assert lead(run(np.full(10, np.nan)), run(falling(100, 0.02))) is None


@pytest.mark.parametrize(
    ("share", "error", "clear", "sure"),
    [(0.12, 0.01, True, True), (0.12, 0.05, True, False), (0.12, 0.13, False, False), (0.015, 0.001, False, False)],
)
def test_a_small_lead_is_none_and_a_noisy_one_is_worth_a_training_and_ends_none(
    share: float, error: float, clear: bool, sure: bool
) -> None:
    found = Lead(20, share, error)
    assert (found.clear, found.sure) == (clear, sure)
