"""FIT002: Validation that parts from training is found beyond its own noise."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.engine import examine
from diagnose.facts import Facts
from diagnose.run import Axis, Curve, Role
from tests.cases import Case, assert_findings, case, table
from tests.curves import Floats, curve, descent, evaluations, noisy, run, training, turned


def rising() -> Curve:
    """Twenty evaluations that are best at 40 % of the run and end far above."""
    return evaluations(noisy(turned(descent(), 0.4, 0.3), 0.005, 1))


def falling() -> Floats:
    """A training loss that falls to the end."""
    return 0.2 + 0.8 * np.exp(-np.linspace(0, 4, 400))


def creeping() -> Curve:
    """Forty evaluations without noise that are best at 60 % of the run and rise by a little more than a hundredth."""
    return evaluations(turned(descent(end=0.5), 0.6, 0.03), 40)


def part(tag: str, values: Floats) -> Curve:
    """A part of a validation loss of which no total is logged, at forty evaluations."""
    return Curve(tag, 10 * np.arange(1, 41), values, role=Role.VAL_COMPONENT, held_out=True)


LATE = np.linspace(0, 1, 40)
SOLD = noisy(0.3 + np.exp(-4 * LATE), 0.002)
"""What falls by more than others rise."""

FAULTY = (
    case(
        "a part rises by more than another falls",
        training(noisy(falling()), part("val_box_loss", SOLD), part("val_obj_loss", noisy(0.1 + 2 * LATE, 0.002, 1))),
        "FIT002",
    ),
    case("validation turns in the middle", training(noisy(descent(end=0.05)), rising()), "FIT002"),
    case(
        "few noisy evaluations while training falls tenfold",
        training(
            list(np.linspace(0.46, 0.03, 22)),
            curve(
                Role.VAL_LOSS, [0.31, 0.255, 0.267, 0.232, 0.303, 0.272, 0.254, 0.283, 0.294, 0.294, 0.288], every=20
            ),
        ),
        "FIT002",
    ),
    case(
        "epochs on both axes",
        training(
            noisy(descent(30, 0.05), 0.01),
            curve(Role.VAL_LOSS, turned(descent(30), 0.3, 0.3), axis=Axis.EPOCH),
            axis=Axis.EPOCH,
        ),
        "FIT002",
    ),
    case(
        "validation creeps up by a hundredth for a third of the run", training(noisy(falling()), creeping()), "FIT002"
    ),
    case(
        "seven evaluations after a steep descent",
        training(
            [2.0, 0.8, 0.5, 0.3, 0.15, 0.06, 0.03, 0.02],
            curve(Role.VAL_LOSS, [1.5, 0.8, 0.7, 0.69, 0.76, 0.81, 0.87, 0.93]),
        ),
        "FIT002",
    ),
)
HEALTHY = (
    case(
        "the batches of one evaluation are no course",
        run(curve(Role.VAL_LOSS, np.array([*[2.0, 1.9, 2.1] * 3, 2.6, 2.8, 2.7, 2.9]), epochs=np.full(13, 78.0))),
    ),
    case(
        "perplexities of which training's fell by far more, while validation's halved",
        training(
            list(np.exp(np.interp(np.linspace(0, 8, 150), range(9), np.log([12e3, 946, 228, 98, 56, 39, 32, 25, 26])))),
            curve(Role.VAL_LOSS, [69.1, 56.5, 46.6, 41.1, 36.9, 35.6, 32.9, 32.2, 31.4, 31.3], every=150),
        ),
    ),
    case(
        "a part of validation rises a little, the sum is at its best",
        training(
            noisy(falling()), part("val_box_loss", SOLD), part("val_obj_loss", noisy(0.1 + 0.02 * LATE, 0.002, 1))
        ),
    ),
    case(
        "one part of three gains nothing, the sum is at its best",
        training(
            noisy(falling()),
            part("val_mel_loss", SOLD),
            part("val_kl_loss", noisy(0.05 + 0.02 * LATE, 0.002, 1)),
            part("val_dur_loss", 0.4 * SOLD),
        ),
    ),
    case(
        "validation is best at the end, where training falls a hundredfold",
        training(
            noisy(np.exp(np.interp(np.linspace(0, 1, 168), [0, 0.85, 0.95, 1], [0.4, -2.5, -3, -9])), 0.1),
            evaluations(np.repeat([0.63, 0.64, 1.1, 0.7, 1.4, 1.0, 1.1, 1.2, 0.63, 0.34, 0.5, 0.28], 14), 12),
        ),
    ),
    case("validation follows training", training(noisy(descent()), evaluations(noisy(1.05 * descent(), 0.01, 1)))),
    case(
        "validation is flat and training too",
        training(
            noisy(np.exp(-np.linspace(0, 1, 400) / 0.02) + 0.1),
            evaluations(noisy(np.exp(-np.linspace(0, 1, 400) / 0.02) + 0.12, 0.01, 1)),
        ),
    ),
)
EDGE = (
    case("three evaluations are too few", training(noisy(descent()), evaluations(1 / descent(), 3))),
    case(
        "noise at the last evaluation",
        training(noisy(descent()), curve(Role.VAL_LOSS, [*noisy(descent(15), 0.05, 2), 0.3], every=250)),
    ),
)


def error(values: Floats) -> Curve:
    """Forty evaluations of an error in another unit than the training loss."""
    return Curve("val/mae_degrees", 10 * np.arange(1, 41), 3 * values, role=Role.VAL_COMPONENT, component="mae_degrees")


IN_ANOTHER_UNIT = (
    case(
        "an error in another unit than the training loss rises for most of the run",
        training(falling(), error(noisy(turned(descent(40), 0.3, 0.6), 0.01, 1))),
        "FIT002",
    ),
    case(
        "an error in another unit falls with the training loss",
        training(falling(), error(noisy(descent(40), 0.02, 1))),
    ),
)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE, IN_ANOTHER_UNIT))
def test_overfitting(one: Case) -> None:
    """Validation that parts from training is found beyond its own noise."""
    assert_findings(one)


FLAT = (
    case(
        "validation stays flat for most of the run while training falls tenfold",
        training(
            noisy(0.02 + np.exp(-np.linspace(0, 4, 400)), 0.02),
            evaluations(noisy(0.8 + 0.4 * np.exp(-np.linspace(0, 30, 400)), 0.003, 1)),
        ),
        "FIT002",
    ),
)
FINISHED = (
    case(
        "validation, still below training, can hardly fall any more",
        training(
            noisy(0.1 + np.exp(-np.linspace(0, 4, 400)), 0.02),
            evaluations(noisy(0.05 + 0.4 * np.exp(-np.linspace(0, 30, 400)), 0.003, 1)),
        ),
    ),
    case("both fall", training(noisy(descent()), evaluations(noisy(1.05 * descent(), 0.01, 1)))),
    case(
        "both stay flat",
        training(
            noisy(0.1 + np.exp(-np.linspace(0, 30, 400)), 0.02),
            evaluations(noisy(0.12 + np.exp(-np.linspace(0, 30, 400)), 0.003, 1)),
        ),
    ),
)
FEW = (
    case(
        "six evaluations are too few",
        training(noisy(np.exp(-np.linspace(0, 4, 400)), 0.02), evaluations(np.full(400, 0.8), 6)),
    ),
)


@pytest.mark.parametrize("one", table(FLAT, FINISHED, FEW))
def test_validation_that_gains_nothing(one: Case) -> None:
    """Training that halves while validation stays flat is reported, a finished run is not."""
    assert_findings(one)


@pytest.mark.parametrize(("gain", "capped"), [(0.0, False), (1.0, True)])
def test_where_validation_never_gained_no_number_of_epochs_is_prescribed(gain: float, capped: bool) -> None:
    """One epoch of 40 would be no cure: what is learned does not hold for new data at all."""
    epochs = np.arange(1, 41)
    val = noisy(2.0 + gain * np.exp(-epochs / 2.0) + 0.03 * np.maximum(epochs - 8, 0), 0.01)
    train = noisy(descent(40, 0.05), 0.01)
    made = training(train, curve(Role.VAL_LOSS, val, axis=Axis.EPOCH), axis=Axis.EPOCH)
    (finding,) = (one for one in examine(Facts(made)).findings if one.code == "FIT002")
    edits = [edit.parameter for cure in finding.prescriptions for edit in cure.edits]
    assert edits == ["max_epochs"] * capped
    assert ("never gained" in finding.advice) is not capped


def test_what_was_said_of_the_training_loss_is_what_it_did_to_the_end() -> None:
    """A noisy loss that once dipped by half has not fallen by half."""
    flat = noisy(np.full(400, 0.5), 0.02)
    flat[300:312] *= 0.5
    made = training(flat, evaluations(turned(descent(), 0.4, 0.3), 40))
    (finding,) = (one for one in examine(Facts(made)).findings if one.code == "FIT002")
    assert "while the training loss hardly moved" in finding.message


def test_what_validation_gained_in_vain_is_what_the_log_holds() -> None:
    """From 0.4727 to 0.4348 is 8 %, however smooth the course is."""
    val = [0.4727, 0.4348, 0.5815, 0.5264, 0.4782, 0.4378, 0.9572, 0.7360, 0.5514, 0.5981, 0.5844, 0.8462]
    train = [0.4165, 0.3406, 0.2669, 0.2124, 0.1719, 0.1412, 0.1169, 0.0976, 0.0831, 0.0715, 0.0625, 0.0551]
    made = training(train, curve(Role.VAL_LOSS, val, axis=Axis.EPOCH), axis=Axis.EPOCH)
    (finding,) = (one for one in examine(Facts(made)).findings if one.code == "FIT002")
    assert "has gained at most 8% since epoch 1 (11 evaluations)" in finding.message
