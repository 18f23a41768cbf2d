"""OPT001: The rate is named as the cause where the loss is unstable and nothing speaks for another cause."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.remedies.rate import LOWEST_RATE
from diagnose.run import Role
from tests.cases import Case, assert_findings, case, table
from tests.curves import Floats, bouncing, constant, cosine, curve, descent, noisy, training, turned


def stranded(first: list[float], level: float, points: int = 120) -> Floats:
    """These first losses, then a level that stays."""
    return np.concatenate([first, noisy(np.full(points, level), 0.02)])


def remembering(points: int, size: float, memory: float, seed: int = 3) -> Floats:
    """A factor that scatters by `size`, each point keeping `memory` of the one before."""
    white = np.random.default_rng(seed).standard_normal(points) * size * np.sqrt(1 - memory**2)
    scatter = np.zeros(points)
    for place in range(1, points):
        scatter[place] = memory * scatter[place - 1] + white[place]
    return np.exp(scatter)


def tossed(level: float = 20.0, calm: float = 2.5) -> Floats:
    """Thrown about at `level` for a quarter of the run, then down to `calm` within a tenth, and quiet."""
    time = np.linspace(0.0, 1.0, 400)
    course = calm + (level - calm) / (1 + np.exp((time - 0.3) / 0.02))
    return course * np.exp(np.where(time < 0.3, 0.3, 0.05) * np.random.default_rng(4).standard_normal(400))


def hump(until: float, height: float = 0.4) -> Floats:
    """A fall to two thirds, with a rise by `height` that is over when this share of the run is."""
    time = np.linspace(0.0, 1.0, 600)
    rise = height * np.sin(np.pi * np.clip(time / until, 0, 1))
    return noisy((0.65 + 0.35 * np.exp(-time / 0.3)) * (1 + rise), 0.01)


FAULTY = (
    case(
        "a climb at a rate below what the run had borne",
        training(turned(noisy(descent())), curve(Role.LEARNING_RATE, cosine())),
        "OPT001",
        "STB002",
    ),
    case("divergence at a constant rate", training(turned(noisy(descent())), constant(1e-3)), "OPT001", "STB002"),
    case("bounces at a constant rate", training(noisy(bouncing()), constant(1e-3)), "OPT001", "STB003"),
)
HEALTHY = (
    case(
        "noisy single batches in the warm-up of a healthy run",
        training(
            [5.9, 6.1, 3.3, 3.5, 3.1, 3.1, 3.3, 4.0, 2.6, 3.9, 4.5, 3.9, 3.8, 3.0, 2.8, 3.3, 3.8, 5.1],
            curve(Role.LEARNING_RATE, 0.05 * np.arange(1, 19) / 40),
        ),
    ),
    case("a warm-up hump of 1.4 that has healed within a tenth of the run", training(hump(until=0.08))),
    case("a healthy loss", training(noisy(descent()), constant(1e-3))),
    case("a loss that falls tenfold at once and goes on", training(np.append([8.0], noisy(descent())), constant(1e-3))),
    case("a loss that converges early", training(noisy(0.2 + np.exp(-np.arange(200) / 3.0), 0.02), constant(1e-3))),
    case("a warm-up hump that is made good for", training(stranded([2.0, 3.2, 2.2, 1.2, 0.6], 0.2))),
)
EDGE = (
    case("flat and noisy, but without memory", training(stranded([1.0], 0.9) * noisy(np.ones(121), 0.15)), "FIT001"),
    case("a rate that is tiny is not to blame", training(turned(noisy(descent())), constant(1e-7)), "STB002"),
    case(
        "a loss that ends in NaN has its own finding", training(np.append(turned(noisy(descent())), np.nan)), "NUM001"
    ),
)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_learning_rate_too_high(one: Case) -> None:
    """The rate is named as the cause where the loss is unstable and nothing speaks for another cause."""
    assert_findings(one)


def test_an_unstable_loss_asks_for_a_quarter_of_the_rate_that_it_had_borne() -> None:
    """A quarter cured the spiking runs of the bundled trainer, half of it did not."""
    for values in (turned(noisy(descent())), noisy(bouncing(height=0.7))):
        diagnosis = case("", training(values, constant(1e-3))).diagnosis
        cut = [e.value for p in diagnosis.prescriptions for e in p.edits if e.parameter == "learning_rate"]
        assert cut == [pytest.approx(0.25 * 1e-3)]


def test_the_finding_carries_the_state_before_the_fault() -> None:
    """A supervisor goes back to it: the best step before the onset, and the rate then."""
    findings = case("", training(turned(noisy(descent())), constant(1e-3))).diagnosis.findings
    numbers = next(finding for finding in findings if finding.code == "OPT001").numbers
    assert 1000 < numbers["best_step_before"] < 2100
    assert numbers["rate_then"] == pytest.approx(1e-3)


def test_a_rate_is_never_lowered_below_the_range_of_float_trouble() -> None:
    """At 2e-6 a quarter would be 5e-7."""
    diagnosis = case("", training(turned(noisy(descent())), constant(2e-6))).diagnosis
    rates = [e.value for p in diagnosis.prescriptions for e in p.edits if e.parameter == "learning_rate"]
    assert rates == [pytest.approx(LOWEST_RATE)] or rates == [pytest.approx(LOWEST_RATE / 2e-6)]
