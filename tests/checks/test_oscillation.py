"""STB003: Bounces without progress are found; the noise of single batches and restarts of the rate are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from diagnose.run import Curve, Role
from tests.cases import Case, assert_findings, case, table
from tests.curves import Floats, bouncing, curve, descent, evaluations, noisy, run, training


def cycles(points: int = 400, count: int = 5) -> Floats:
    """A cosine from 1 to 0 that starts again `count` times."""
    return np.asarray(0.5 * (1 + np.cos(np.pi * np.mod(np.linspace(0, count, points), 1.0))))


def swaying(points: int = 2000) -> Floats:
    """Up and down by most of the level for tens of points at a time, at no even pace."""
    time = np.linspace(0.0, 1.0, points)
    rng = np.random.default_rng(6)
    turns = np.cumsum(rng.uniform(0.5, 1.5, 60))
    swings = np.interp(time, turns / turns[-1], np.resize([1.0, 1.8], 60))
    return np.asarray((0.6 + 0.4 * np.exp(-time / 0.02)) * swings)


def buckets(points: int = 2000) -> Floats:
    """Clips of four lengths, ten points each, in the same order again and again, while all of them are learned."""
    course = 0.45 + 0.55 * (1 + 20 * np.linspace(0.0, 1.0, points)) ** -0.5
    return np.asarray(course * np.array([0.75, 0.9, 1.1, 1.4])[np.arange(points) // 10 % 4])


def fading() -> Floats:
    """A straight line from 1 to 0 over 400 points: a linear schedule."""
    return np.linspace(1.0, 0.0, 400)


FAULTY = (
    case("bounces by 90 % of the level", training(noisy(bouncing())), "STB003", "OPT001"),
    case("slow swings that turn sixty times", training(noisy(swaying(), 0.03)), "STB003", "OPT001"),
    case(
        "the first updates throw the loss up and it never recovers",
        training(noisy(0.9 + 2.5 * np.exp(-(((np.linspace(0, 1, 400) - 0.05) / 0.02) ** 2)), 0.02)),
        "STB001",
        "FIT001",
    ),
)
HEALTHY = (
    case("clips that come in the same order of length", training(noisy(buckets(), 0.04))),
    case(
        "batches of a single clip, whose scatter is half of the loss",
        training(noisy(0.4 + 0.6 * (1 + 40 * np.linspace(0, 1, 2000)) ** -0.9, 0.45)),
    ),
    case(
        "what a generator loses to its discriminator",
        run(
            replace(curve(Role.TRAIN_LOSS, noisy(bouncing(level=0.5))), tag="loss_g", adversarial=True),
            Curve("loss_d", 10 * np.arange(1, 401), noisy(np.full(400, 1.2))),
        ),
    ),
    case("batches that differ by 20 %", training(noisy(descent(), 0.2))),
    case(
        "batches that differ much while validation falls",
        training(noisy(bouncing() * descent(400, 0.7)), evaluations(descent(400, 0.5))),
    ),
    case(
        "a rate that restarts by schedule, and a loss that breathes with it",
        training(
            noisy(descent() * (1 + 0.15 * cycles()), 0.02),
            curve(Role.LEARNING_RATE, 1e-4 * cycles()),
        ),
    ),
)
EDGE = ()


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_oscillation(one: Case) -> None:
    """Bounces without progress are found; the noise of single batches and restarts of the rate are not."""
    assert_findings(one)
