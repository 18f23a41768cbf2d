"""NUM002: A loss that no working training shows is named before anything is tuned."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.run import Curve, Role
from tests.cases import Case, assert_findings, case, table
from tests.curves import descent, line, noisy, run, training

FAULTY = (
    case("a constant loss", training(np.full(50, 0.693)), "NUM002", "FIT001"),
    case("exactly zero throughout", training(np.zeros(50)), "NUM002", "FIT001"),
    case("exactly zero after the first point", training([1.08, *np.zeros(20)]), "NUM002"),
    case(
        "a loss that falls without bound, as an earlier run of the story did",
        training(line(400, 2345.0)),
        *("NUM002", "STB002"),
    ),
    case("a loss that falls ever faster", training(1.6 - np.linspace(0, 60, 300) ** 3), "NUM002", "STB002"),
    case("a loss that falls evenly below zero", training(noisy(np.linspace(2, -90, 300))), "NUM002", "STB002"),
    case(
        "a cross-entropy below zero",
        run(Curve("train/ce_loss", np.arange(1, 101), 1 - 1.5 * np.linspace(0, 1, 100), role=Role.TRAIN_LOSS)),
        "NUM002",
    ),
)
HEALTHY = (
    case("a likelihood that becomes negative", training(noisy(descent()) - 0.5)),
    case(
        "the loss of a policy, which may go anywhere",
        run(
            Curve("loss", np.arange(1, 101), 0.1 - 5 * np.linspace(0, 1, 100), role=Role.TRAIN_LOSS),
            Curve("reward", np.arange(1, 101), np.linspace(0, 20, 100), role=Role.SCORE),
        ),
    ),
    case(
        "a ratio in decibels that begins near zero and settles",
        training(1.5 - 19 * (1 - np.exp(-np.linspace(0, 9, 300)))),
    ),
    case("a likelihood that falls by ever less", training(noisy(descent()) * 8 - 18)),
    case("a loss near zero", training(noisy(descent(end=0.001)))),
)
EDGE = (case("nine equal points are too few to call it constant", training(np.full(9, 0.5))),)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_impossible_loss(one: Case) -> None:
    """A loss that no working training shows is named before anything is tuned."""
    assert_findings(one)
