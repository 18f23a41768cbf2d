"""FIT007: An error rate that goes up while the loss falls is said; one that scatters or converges is not."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.checks.run.worsening_metric import WorseningMetric
from diagnose.run import Curve, Role, Run
from tests.cases import Case, assert_findings, case, facts_of, table
from tests.curves import Floats, descent, noisy, run, training

TIME = np.linspace(0.0, 1.0, 30)


def rated(values: Floats, *, held_out: bool = True) -> Run:
    """A healthy run with this error rate of held-out clips."""
    steps = 130 * np.arange(1, len(values) + 1)
    return training(noisy(descent()), Curve("eval/wer", steps, values, role=Role.ERROR_RATE, held_out=held_out))


def scored(tag: str, role: Role, values: Floats) -> Curve:
    return Curve(tag, 130 * np.arange(1, len(values) + 1), values, role=role, held_out=True)


WORSE = noisy(0.2 + 0.3 * np.abs(TIME - 0.4) / 0.6, 0.02)
IMAGES = noisy(np.interp(TIME, [0, 0.25, 0.4, 1], [24.5, 27.3, 27.5, 26.5]), 0.001)
FAULTY = (
    case(
        "a score in dB that lost a fifth of the error",
        training(noisy(descent()), scored("val/PSNR", Role.SCORE, IMAGES)),
        "FIT007",
    ),
    case("down to a fifth, up to a half", rated(noisy(0.2 + 0.3 * np.abs(TIME - 0.4) / 0.6, 0.02)), "FIT007"),
    case("in per cent", rated(100 * noisy(0.3 + 0.4 * np.abs(TIME - 0.3), 0.02)), "FIT007"),
    case(
        "doubled after it had fallen to a tenth",
        rated(noisy(0.06 + 0.7 * np.exp(-TIME / 0.12) + 0.2 * np.maximum(TIME - 0.5, 0), 0.02)),
        "FIT007",
    ),
    case("a cliff in the last third", rated(np.where(TIME < 0.66, 0.6 - 0.5 * TIME, 0.55)), "FIT007"),
)
HEALTHY = (
    case("falls to the end", rated(noisy(0.6 - 0.4 * TIME, 0.03))),
    case("scatters by a fifth", rated(noisy(0.3 + 0.3 * np.exp(-TIME / 0.1), 0.2))),
    case("a tenth worse, however plainly", rated(noisy(0.1 + 0.5 * np.exp(-TIME / 0.1) + 0.015 * TIME, 0.01))),
    case("not one error among few at an early evaluation", rated(np.array([0.9, 0.0, 0.0, *[0.01] * 8]))),
    case(
        "one of two rates was traded for the other",
        training(
            noisy(descent()),
            scored("EER source", Role.ERROR_RATE, WORSE),
            scored("EER target", Role.ERROR_RATE, noisy(0.5 * np.exp(-TIME / 0.2) + 0.02, 0.02)),
        ),
    ),
    case("converged", rated(noisy(0.1 + 0.5 * np.exp(-TIME / 0.1), 0.02))),
)
EDGE = (
    case("of the clips that are trained on", rated(noisy(0.2 + 0.3 * np.abs(TIME - 0.4) / 0.6, 0.02), held_out=False)),
    case("six evaluations are too few", rated(0.2 + 0.3 * np.abs(np.linspace(0, 1, 6) - 0.4))),
)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_worsening_metric(one: Case) -> None:
    """Its last level far above its best, beyond its scatter."""
    assert_findings(one)


def test_what_is_said_of_a_falling_loss_is_not_said_of_one_that_rises() -> None:
    loss, score = np.r_[0.16, 24.0, noisy(np.full(11, 55.0), 0.05)], np.r_[99.0, 42.0, noisy(np.full(11, 30.0), 0.03)]
    curves = (scored("cv/loss", Role.VAL_LOSS, loss), scored("cv/acc", Role.SCORE, score))
    assert list(WorseningMetric().check(facts_of(run(*curves)))) == []
    assert list(WorseningMetric().check(facts_of(run(curves[1])))) != []
