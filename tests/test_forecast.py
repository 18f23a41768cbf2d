"""The forecast: what it expects, what it leaves unsaid, and what it owes to the schedule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnose.facts import Facts, TargetBand
from diagnose.finding import Confidence, Forecast
from diagnose.forecast import forecast
from diagnose.run import Axis, Curve, FloatArray, Role, Run
from diagnose.testing.synthetic import Fault, sample


def a_run(values: FloatArray, rates: FloatArray | None = None, axis: Axis = Axis.STEP) -> Run:
    steps = np.arange(1, len(values) + 1)
    curves = {"loss": Curve("loss", steps, values, role=Role.TRAIN_LOSS, axis=axis)}
    if rates is not None:
        curves["lr"] = Curve("lr", steps, rates, role=Role.LEARNING_RATE, axis=axis)
    return Run("run", "run", "test", curves)


def falling(count: int, noise: float = 0.01, seed: int = 0) -> FloatArray:
    """A power law from 5 towards 1."""
    scatter = np.exp(noise * np.random.default_rng(seed).standard_normal(count))
    return np.asarray((1 + 4 * (1 + np.arange(count) / 20) ** -0.7) * scatter)


def forecast_of(run: Run, horizon: int | None = None, target: TargetBand | None = None, **config: int) -> Forecast:
    answer = forecast(Facts(run, settings=config, target=target, horizon=horizon))
    assert answer is not None
    return answer


def test_a_power_law_is_continued() -> None:
    whole = falling(1000)
    answer = forecast_of(a_run(whole[:500]), 1000)
    assert answer.low < np.median(whole[-20:]) < answer.high
    assert answer.median == pytest.approx(np.median(whole[-20:]), rel=0.05)


def test_the_interval_is_ordered_and_says_its_coverage() -> None:
    answer = forecast_of(a_run(falling(300)), 600)
    assert answer.low < answer.median < answer.high
    assert (answer.horizon_step, answer.coverage) == (600, 0.8)


def test_noise_widens_the_interval() -> None:
    calm, loud = (forecast_of(a_run(falling(300, noise)), 600) for noise in (0.001, 0.2))
    assert loud.high - loud.low > calm.high - calm.low


def test_a_rate_that_goes_to_nothing_lets_the_loss_fall_less() -> None:
    values = falling(500)
    decaying = np.linspace(1, 0, 1000)[:500]
    decayed = forecast_of(a_run(values, 3e-4 * decaying), 1000)
    constant = forecast_of(a_run(values, np.full(500, 3e-4)), 1000)
    assert decayed.median > constant.median


@pytest.mark.parametrize("factor", [0.001, 1000.0])
def test_the_scale_of_the_loss_does_not_matter(factor: float) -> None:
    values = falling(400)
    one, other = forecast_of(a_run(values), 800), forecast_of(a_run(factor * values), 800)
    assert other.median == pytest.approx(factor * one.median, rel=1e-6)
    assert other.high == pytest.approx(factor * one.high, rel=1e-6)


def test_a_likelihood_below_zero_is_continued_downwards() -> None:
    answer = forecast_of(a_run(falling(500) - 4.5), 1000)
    assert answer.median < -3


def test_a_loss_that_was_never_below_zero_is_not_expected_there() -> None:
    answer = forecast_of(a_run(falling(300, noise=0.3) - 0.9999 * falling(300, noise=0.3).min()), 1200)
    assert 0 <= answer.low <= answer.median


def test_the_config_gives_the_horizon_in_steps() -> None:
    assert forecast_of(a_run(falling(300)), max_steps=700).horizon_step == 700


def test_the_config_gives_the_horizon_in_epochs_of_an_epoch_log() -> None:
    run = a_run(falling(40), axis=Axis.EPOCH)
    assert forecast_of(run, max_epochs=100, max_steps=5000).horizon_step == 100


def test_epochs_become_steps_where_the_log_has_both() -> None:
    run = a_run(falling(300))
    curve = replace(run.curves["loss"], epochs=np.linspace(0.01, 3, 300))
    assert forecast_of(replace(run, curves={"loss": curve}), max_epochs=6).horizon_step == 600


@pytest.mark.parametrize(
    ("run", "horizon"),
    [
        pytest.param(a_run(falling(8)), 16, id="eight points"),
        pytest.param(a_run(falling(300)), None, id="no end is known"),
        pytest.param(a_run(falling(300)), 300, id="the end is here"),
        pytest.param(a_run(falling(300)), 330, id="less than a tenth to go"),
        pytest.param(a_run(falling(100)), 5000, id="a fiftieth of the way"),
        pytest.param(a_run(np.append(falling(300), np.nan)), 600, id="it ends in NaN"),
        pytest.param(a_run(np.full(300, 2.0)), 600, id="it never changes"),
        pytest.param(Run("run", "run", "test", {}), 600, id="no loss"),
    ],
)
def test_nothing_is_said_where_there_is_too_little_to_say(run: Run, horizon: int | None) -> None:
    assert forecast(Facts(run, horizon=horizon)) is None


def test_nothing_is_said_where_epochs_have_an_unknown_length() -> None:
    assert forecast(Facts(a_run(falling(300)), settings={"max_epochs": 9})) is None


@pytest.mark.parametrize("noise", [0.0, 0.005, 0.03])
def test_the_interval_never_reaches_below_the_floor_of_a_fall_that_has_settled(noise: float) -> None:
    scatter = np.exp(noise * np.random.default_rng(1).standard_normal(300))
    answer = forecast_of(a_run((3.2 + 4 * np.exp(-np.arange(300) / 40)) * scatter), 1000)
    assert answer.low > 2.8
    assert answer.low <= 3.2 <= answer.high


def test_the_unit_is_that_of_the_curve_and_the_horizon_counts_what_it_counts() -> None:
    answer = forecast_of(a_run(falling(40), axis=Axis.EPOCH), 60)
    assert (answer.metric, answer.axis) == ("loss", Axis.EPOCH)


def test_a_target_out_of_reach_is_noted() -> None:
    band = TargetBand("t3", 0.1, 0.2, Confidence.HIGH, "test")
    assert forecast_of(a_run(falling(500)), 1000, band).note == "target not reachable with this schedule"


def test_a_target_in_reach_is_noted() -> None:
    band = TargetBand("t3", 1.0, 4.0, Confidence.HIGH, "test")
    assert forecast_of(a_run(falling(500)), 1000, band).note == "target within reach"


def test_a_rate_that_is_zero_at_first_is_not_divided_by() -> None:
    rates = np.where(np.arange(300) < 200, 0.0, 1e-4)
    assert np.isfinite(forecast_of(a_run(falling(300), rates), 600).median)


def test_four_in_five_intervals_hold_what_came() -> None:
    held = []
    for seed in range(120):
        run = sample(Fault.HEALTHY, seed, "steady", points=400).run
        curve = run.curve(Role.TRAIN_LOSS)
        assert curve is not None
        answer = forecast_of(run.until(int(curve.steps[199])), int(curve.steps[-1]))
        held.append(answer.low <= np.median(curve.values[-20:]) <= answer.high)
    assert 0.7 <= np.mean(held) <= 0.97


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-1e6, 1e6), min_size=12, max_size=80), st.integers(1, 4))
def test_any_finite_losses_give_finite_forecasts(values: list[float], times: int) -> None:
    answer = forecast(Facts(a_run(np.array(values)), horizon=times * len(values)))
    assert answer is None or (np.isfinite([answer.low, answer.median, answer.high]).all() and answer.low <= answer.high)
