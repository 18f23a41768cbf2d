"""STB001: Sudden rises that come back are found at every scale, and noise is not."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.engine import examine
from diagnose.facts import Facts
from diagnose.finding import Severity
from tests.cases import Case, assert_findings, case, table
from tests.curves import Floats, descent, evaluations, noisy, run, spiked, training


def healing(values: Floats) -> Floats:
    """A rise to three times the loss at 40 % that heals over a quarter of the run."""
    since = np.arange(len(values)) - int(0.4 * len(values))
    return np.asarray(values * (1 + 2 * np.where(since >= 0, np.clip(1 - since / (0.25 * len(values)), 0, 1), 0.0)))


def spiked_by(values: Floats, height: float) -> Floats:
    """The values with two points raised by `height`."""
    return values + height * np.isin(np.arange(len(values)), [240, 241])


def higher_since(values: Floats, at: float = 0.6, factor: float = 1.2) -> Floats:
    """The values, from `at` on a fifth higher."""
    return np.asarray(values * np.where(np.linspace(0, 1, len(values)) >= at, factor, 1.0))


def two_kinds(points: int = 600, share: float = 0.45) -> Floats:
    """Batches of an easy task and of one that costs twice as much, drawn by lot, while both are learned."""
    hard = np.random.default_rng(8).random(points) < share
    return np.asarray(descent(points, 0.3) * np.where(hard, 2.0, 1.0))


FAULTY = (
    case("a spike of four times the loss", training(spiked(noisy(descent()))), "STB001"),
    case("a single point in a long run", training(spiked(noisy(descent(5000)), width=1, factor=6.0)), "STB001"),
    case("a rise that takes a quarter of the run to heal", training(healing(noisy(descent()))), "STB001"),
    case("a spike in a loss that is negative at times", training(spiked_by(noisy(descent()) - 0.5, 1.0)), "STB001"),
    case(
        "a single tall point in noise of 20 %",
        training(spiked(noisy(descent(600), 0.2, 1), width=1, factor=5.0)),
        "STB001",
    ),
    case(
        "a spike among two kinds of batches",
        training(spiked(noisy(two_kinds(share=0.1), 0.03), 0.5, 6.0, 3)),
        "STB001",
    ),
)
HEALTHY = (
    case("noise of 12 %", training(noisy(descent(), 0.12))),
    case("heavy-tailed noise", training(descent() * np.exp(0.05 * np.random.default_rng(1).standard_t(4, 400)))),
    case("two kinds of batches that take turns at random", training(noisy(two_kinds(), 0.03))),
    case("one batch in fifteen of a harder kind", training(noisy(two_kinds(share=0.07), 0.03))),
    case("the easy batches the rare ones", training(noisy(two_kinds(share=0.9), 0.03))),
    case("a warm-up hump", training(noisy(descent() + 0.3 * np.exp(-(((np.linspace(0, 1, 400) - 0.05) / 0.02) ** 2))))),
    case("a first value far above the rest", training(np.concatenate([[40.0], noisy(descent(200))]))),
)
EDGE = (
    case(
        "a spike at the very last point may be the beginning of a divergence",
        training(np.concatenate([noisy(descent()), [1.5]])),
    ),
    case(
        "a wobble of what is nearly zero",
        training(spiked(noisy(np.exp(-np.arange(400) / 20.0) + 0.001, 0.01), factor=3.0)),
    ),
)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_loss_spike(one: Case) -> None:
    """Sudden rises that come back are found at every scale, and noise is not."""
    assert_findings(one)


def test_the_finding_names_the_step_of_the_spike() -> None:
    """The spike is put in at 60 % of 400 points, ten steps apart."""
    finding = case("", training(spiked(noisy(descent())))).diagnosis.findings[0]
    assert (finding.code, finding.first_step) == ("STB001", 2410)


def test_a_spike_of_two_points_is_one_spike() -> None:
    values = noisy(descent(90), 0.008)
    values[54:56] *= [3.4, 1.9]
    (found,) = [one for one in examine(Facts(training(values))).findings if one.code == "STB001"]
    assert found.numbers["spikes"] == 1
    assert "one of" not in found.message


def test_a_spike_that_only_validation_shows_is_told_and_no_alarm() -> None:
    thrown = descent(40) * np.where(np.isin(np.arange(40), [15, 17]), 30.0, 1.0)
    found = examine(Facts(training(noisy(descent()), evaluations(np.repeat(thrown, 10), 40)))).findings
    assert [(one.severity, one.first_step) for one in found if one.code == "STB001"] == [(Severity.INFO, 1600)]


def test_it_says_the_highest_value_as_logged() -> None:
    """The middle of three such evaluations is a low one."""
    thrown = descent(40) * np.where(np.isin(np.arange(40), [15, 17]), 30.0, 1.0)
    (found,) = [
        one for one in examine(Facts(run(evaluations(np.repeat(thrown, 10), 40)))).findings if one.code == "STB001"
    ]
    assert f"jumps to {thrown.max():.4g} at step 1,600" in found.message


@pytest.mark.parametrize(("at", "factor"), [(0.08, 1.6), (0.12, 1.7), (0.17, 1.5)])
def test_a_small_spike_that_healed_long_ago_is_told_and_no_alarm(at: float, factor: float) -> None:
    found = examine(Facts(training(spiked(noisy(descent(400, 0.5), 0.01), at, factor, 4)))).findings
    assert {one.severity for one in found if one.code == "STB001"} == {Severity.INFO}


@pytest.mark.parametrize(
    ("values", "advice"),
    [
        pytest.param(spiked(noisy(descent()), 0.3), "no need to go back. If it returns", id="early"),
        pytest.param(spiked(noisy(descent()), 0.8), "no need to go back. If it returns", id="late, and healed"),
        pytest.param(spiked(spiked(noisy(descent()), 0.3), 0.8), "no need to go back. Clip the gradients", id="two"),
        pytest.param(higher_since(spiked(noisy(descent()))), "Resume from a checkpoint before", id="not as low again"),
    ],
)
def test_nobody_is_sent_back_to_before_a_spike_that_has_healed(values: Floats, advice: str) -> None:
    (finding,) = (one for one in examine(Facts(training(values))).findings if one.code == "STB001")
    assert advice in finding.advice
