"""FIT001: A flat loss is a plateau only while it could still fall."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from diagnose.run import Curve, Role
from tests.cases import Case, assert_findings, case, facts_of, table
from tests.curves import Floats, cosine, curve, descent, evaluations, noisy, run, training


def stuck(level: float = 0.7, soon: float = 0.03) -> Floats:
    """Falls from 1 to `level` within a few times `soon` of the run, and stays."""
    return np.asarray(level + (1 - level) * np.exp(-np.linspace(0, 1, 400) / soon))


def error_rate(values: Floats) -> Curve:
    """A word error rate that was logged at each of these evaluations."""
    return Curve("eval/wer", 400 * np.arange(1, len(values) + 1), values, role=Role.ERROR_RATE, held_out=True)


def score(tag: str, values: Floats, **more: Any) -> Curve:
    """A score that was logged at each of these points."""
    return Curve(tag, 10 * np.arange(1, len(values) + 1), values, role=Role.SCORE, **more)


def scatter(points: int = 400) -> Floats:
    return np.random.default_rng(3).standard_normal(points)


CRITIC = Curve("value_loss", 10 * np.arange(1, 401), 9 + scatter(), role=Role.TRAIN_COMPONENT, component="value_loss")

FAULTY = (
    case("a reward that never rose, and no loss", run(score("reward", scatter())), "FIT001"),
    case(
        "a reward that never rose, beside a loss that falls",
        training(noisy(descent()), CRITIC, score("rollout/ep_rew_mean", 9 * scatter() - 150)),
        "FIT001",
    ),
    case(
        "a reward that came up in a tenth of the run and stays, beside a loss that begins later",
        run(
            replace(curve(Role.TRAIN_LOSS, noisy(descent())), steps=np.arange(9000, 9000 + len(descent()))),
            CRITIC,
            score("rollout/ep_rew_mean", np.resize([-6.0, 0.0, 6.0], 400) - 20 * stuck(0.5)),
        ),
        "FIT001",
    ),
    case(
        "an accuracy that came up in a tenth of the run and stays far from full, and no loss",
        run(score("val_acc", 0.9 - 0.6 * stuck(0.4) + 0.003 * scatter(), held_out=True)),
        "FIT001",
    ),
    case(
        "an accuracy that never left chance, and no loss",
        run(score("val_acc", 0.1 + 0.003 * scatter(60), held_out=True)),
        "FIT001",
    ),
    case("never learned", training(noisy(np.full(300, 2.3))), "FIT001"),
    case("stuck at 70 % since a tenth of the run", training(noisy(stuck())), "FIT001"),
    case(
        "stuck at a rate that stays up",
        training(noisy(stuck()), curve(Role.LEARNING_RATE, np.full(400, 1e-3))),
        "FIT001",
    ),
    case(
        "in noise of 12 %, flat as the evaluations show",
        training(noisy(stuck(0.8, 0.08), 0.12), evaluations(noisy(stuck(0.8, 0.08), 0.001, 1))),
        "FIT001",
    ),
)
HEALTHY = (
    case(
        "a return that rose by nearly all of its range at once, and stays",
        training(noisy(descent()), score("Episode Return", scatter() - 50 * stuck(0.1))),
    ),
    case("a reward that rises below its scatter", run(score("reward", 40 * scatter() + np.linspace(0, 200, 400)))),
    case("an accuracy that rises, and no loss", run(score("val_acc", 1 - descent(60), held_out=True))),
    case("an accuracy that is full from the start", run(score("val_acc", np.ones(60), held_out=True))),
    case(
        "trained weights that the config names, and that had nothing left to learn",
        facts_of(training(noisy(np.full(300, 2.3))), config={"init_checkpoint": "base.pth"}),
    ),
    case("a T3 that is where finished ones are", run(curve(Role.TRAIN_LOSS, 3 * noisy(stuck())), family="t3")),
    case("a flow-matching loss that learns below its noise", training(noisy(stuck(0.55), 0.2))),
    case("the same, printed with one digit", training(np.round(noisy(stuck(0.55), 0.2), 1))),
    case(
        "converged to a tenth of the first loss, and the words come right",
        training(noisy(stuck(0.1)), error_rate(np.linspace(1.0, 0.2, 10))),
    ),
    case("converged to a tenth of the first loss", training(noisy(stuck(0.1)))),
    case("flat at the end of its schedule", training(noisy(stuck(0.6, 0.2)), curve(Role.LEARNING_RATE, cosine()))),
    case(
        "flat but for a validation loss that still falls",
        training(noisy(stuck(), 0.05), evaluations(noisy(stuck() - np.linspace(0, 0.05, 400), 0.001, 1))),
    ),
    case(
        "a third learned, and a twelfth of it in a noisy end",
        training(noisy(stuck(0.7) - 0.05 * np.linspace(0, 1, 400), 0.06, 14)),
    ),
    case("a slow power law", training(noisy((1 + 20 * np.linspace(0, 1, 400)) ** -0.2))),
    case("a negative likelihood that has come down", training(noisy(stuck(0.2)) - 0.5)),
)
EDGE = (case("thirteen flat points are too few", training(noisy(np.full(13, 2.3), 0.01))),)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_plateau(one: Case) -> None:
    """A flat loss is a plateau only while it could still fall."""
    assert_findings(one)
