"""The synthetic runs are what they claim to be: their cause can be measured in their curves."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.run import FloatArray, Role
from diagnose.testing.synthetic import Fault, Sample, fault_of, kinds, sample, samples

EVERY_KIND = [pytest.param(fault, kind, id=kind) for fault in Fault for kind in kinds(fault)]


def losses(one: Sample, role: Role = Role.TRAIN_LOSS) -> FloatArray:
    curve = one.run.curve(role)
    assert curve is not None
    return curve.values


@pytest.mark.parametrize(("fault", "kind"), EVERY_KIND)
def test_a_seed_always_gives_the_same_run(fault: Fault, kind: str) -> None:
    first, second = (sample(fault, 7, kind).run for _ in range(2))
    for tag, curve in first.curves.items():
        np.testing.assert_array_equal(curve.values, second.curves[tag].values)


@pytest.mark.parametrize(("fault", "kind"), EVERY_KIND)
def test_steps_rise_and_only_a_nan_run_holds_what_is_not_finite(fault: Fault, kind: str) -> None:
    for seed in range(5):
        one = sample(fault, seed, kind)
        for curve in one.run.curves.values():
            assert (np.diff(curve.steps) > 0).all()
            assert np.isfinite(curve.values).all() or fault is Fault.NAN


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.HEALTHY])
def test_every_fault_can_be_named_and_a_healthy_run_cannot(fault: Fault) -> None:
    assert sample(fault, 1).accepted
    assert not sample(Fault.HEALTHY, 1).accepted


def test_classes_are_shared_out_evenly() -> None:
    drawn = [fault_of(seed) for seed in range(1000)]
    assert drawn.count(Fault.HEALTHY) == 400
    assert {drawn.count(fault) for fault in Fault if fault is not Fault.HEALTHY} == {75}


def test_losses_span_scales_and_lengths() -> None:
    drawn = [losses(one) for one in samples(range(300))]
    scales = [abs(values[0]) for values in drawn]
    lengths = [len(values) for values in drawn]
    assert min(scales) < 1
    assert max(scales) > 1000
    assert min(lengths) <= 6
    assert max(lengths) == 100_000


def test_a_spike_rises_and_comes_back() -> None:
    for seed in range(30):
        values = losses(sample(Fault.SPIKE, seed))
        onset = int(np.argmax(values[5:])) + 5
        after = np.median(values[-4:])
        assert values[onset] > 1.5 * after


def test_a_divergence_gives_back_what_was_gained_and_stays_up() -> None:
    for seed in range(30):
        values = losses(sample(Fault.DIVERGENCE, seed))
        lost = (values[-1] - values.min()) / (values[0] - values.min())
        assert lost > 0.3


def test_a_hidden_nan_is_a_zero_loss_beside_a_nan_gradient() -> None:
    one = sample(Fault.NAN, 3, "hidden-nan")
    assert losses(one)[-1] == 0.0
    assert np.isnan(losses(one, Role.GRAD_NORM)[-1])


def test_a_plateau_keeps_most_of_its_loss_while_the_rate_stays_up() -> None:
    for seed in range(30):
        values = losses(sample(Fault.PLATEAU, seed, "stuck-midway"))
        assert np.median(values[len(values) // 2 :]) > 0.45 * values[0]


def test_overfitting_turns_validation_up_while_training_falls() -> None:
    for seed in range(30):
        one = sample(Fault.OVERFITTING, seed)
        validation, train = losses(one, Role.VAL_LOSS), losses(one)
        assert validation[-1] > 1.1 * validation.min()
        assert np.mean(train[-3:]) < np.mean(train[:3])


def test_a_rate_too_low_goes_a_straight_short_way() -> None:
    for seed in range(30):
        values = losses(sample(Fault.RATE_TOO_LOW, seed, points=400))
        quarters = values.reshape(4, 100).mean(axis=1)
        assert quarters[0] > quarters[1] > quarters[2] > quarters[3] > 0.75 * quarters[0]


def test_a_tiny_set_falls_most_at_the_turn_of_the_epoch() -> None:
    one = next(
        s for s in (sample(Fault.MEMORISATION, seed, points=600) for seed in range(99)) if _epochs(s) is not None
    )
    epochs, values = _epochs(one), losses(one)
    assert epochs is not None
    assert one.run.curve(Role.VAL_LOSS) is None
    turns = np.flatnonzero(np.diff(np.floor(epochs)) > 0)[1:5]
    before, after = values[turns - 1], values[turns + 2]
    assert (after < 0.9 * before).all()


def test_a_likelihood_may_fall_below_zero() -> None:
    assert losses(sample(Fault.HEALTHY, 1, "likelihood"))[-1] < 0


def test_too_few_points_for_a_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be told from 3 points"):
        sample(Fault.SPIKE, 0, points=3)


def test_a_kind_of_another_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="has no kind 'collapse'"):
        sample(Fault.SPIKE, 0, "collapse")


def _epochs(one: Sample) -> FloatArray | None:
    curve = one.run.curve(Role.TRAIN_LOSS)
    assert curve is not None
    return curve.epochs
