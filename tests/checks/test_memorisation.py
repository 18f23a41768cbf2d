"""FIT004: A set learned by heart shows its epochs as stairs, or leaves nearly nothing, without any validation."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.facts import Facts
from diagnose.finding import Severity
from diagnose.run import Axis, Role
from diagnose.signals import Trend
from diagnose.signals.epoch_steps import epoch_steps
from tests.cases import Case, assert_findings, case, facts_of, table
from tests.curves import Floats, curve, descent, evaluations, noisy, run, staircase, training

POINT = np.arange(300)


def used_up(points: int = 80, left: float = 0.01, pace: float = 8.0) -> Floats:
    """A loss that falls by the same factor again and again until a last hundredth is left."""
    return np.asarray(left + (1 - left) * np.exp(-pace * np.linspace(0.0, 1.0, points)))


def low_steps() -> Floats:
    """Sixty epochs of 16 points, each 6 % lower than the one before and flat in itself, in as much noise."""
    return noisy(3 * np.exp(-0.06 * np.floor(np.arange(960) / 16)), 0.06)


def rising_within() -> Floats:
    """Thirty epochs of 20 points: each begins 26 % lower than the last ended, and gives a third of it back."""
    epoch, place = np.divmod(np.arange(600), 20)
    return noisy(2 * np.exp(-0.2 * epoch + 0.1 * place / 20), 0.15)


def sorted_by_length(points: int = 300) -> Floats:
    """Ten epochs, short clips first: the loss climbs by 30 % through each of them and starts low in the next."""
    return noisy(descent(points, 0.02) * np.exp(0.3 * np.mod(np.arange(points) / 30, 1.0)), 0.03)


def every_other_pass(config: dict[str, int]) -> Facts:
    """80 points, one each second pass over 64 clips in batches of 8."""
    return facts_of(run(curve(Role.TRAIN_LOSS, used_up(left=0.05, pace=5.0), every=16)), config=config, samples=64)


FAULTY = (
    case("stairs at the logged epochs", training(noisy(staircase()), epochs=POINT / 30), "FIT004"),
    case("stairs without logged epochs", training(noisy(staircase())), "FIT004"),
    case("epochs that are written after the step", training(noisy(staircase()), epochs=(POINT + 1) / 30), "FIT004"),
)
HEALTHY = (
    case("a smooth curve with logged epochs", training(noisy(descent(300, 0.02)), epochs=POINT / 30)),
    case("small steps of enough data", training(noisy(descent(300) * 0.98 ** np.floor(POINT / 30)))),
    case("noise on a converged loss", training(noisy(descent(300, 0.05), 0.1))),
    case("a start far off, then slow progress", training(noisy(0.02 * descent(300, 0.3) + np.exp(-POINT / 8)))),
    case("many epochs of enough data", training(noisy(descent(80, 0.08)), axis=Axis.EPOCH)),
    case("clips sorted by length in each epoch", training(sorted_by_length(), epochs=POINT / 30)),
    case("clips sorted by length, the epochs not logged", training(sorted_by_length())),
    case("one pass over fresh clips", training(noisy(used_up(300)), epochs=POINT / 300, every=1)),
)
EDGE = (
    case("nearly nothing left, the passes not known", training(noisy(used_up()))),
    case(
        "with a validation loss overfitting is judged by it",
        training(noisy(staircase()), evaluations(noisy(1.3 * staircase(), 0.01, 1))),
    ),
    case("a twentieth left and no passes known is only worth telling", every_other_pass({})),
)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_memorisation(one: Case) -> None:
    """A set learned by heart shows its epochs as stairs, or leaves nearly nothing, without any validation."""
    assert_findings(one)


def test_what_cannot_be_distinguished_is_information() -> None:
    """Nearly nothing left, and no steps to be seen: without validation nobody can say more."""
    severity = {finding.code: finding.severity for finding in EDGE[0].diagnosis.findings}
    assert "FIT004" not in severity
    assert severity["DAT003"] is Severity.INFO


@pytest.mark.parametrize("late", [0, 1])
def test_an_epoch_that_is_written_one_step_late_is_the_same_epoch(late: int) -> None:
    """The boundary is where the loss jumps, whether the epoch is counted before or after the step."""
    one = training(noisy(staircase()), epochs=(POINT + late) / 30)
    trend = Trend.of(one.curves["train/loss"])
    assert trend is not None
    seen = epoch_steps(one, trend)
    assert seen is not None
    assert seen.known
    assert seen.drop == pytest.approx(0.35, abs=0.06)
