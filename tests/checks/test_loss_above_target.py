"""FIT005: a loss is compared with the band of its family only where the family and the size of the set are known."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.run import Axis, Role
from tests.cases import Case, assert_told, case, table
from tests.curves import curve, noisy, run

EPOCHS = np.arange(200)


def falling_to(end: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """From 13 down to `end` over 200 epochs, fast enough to stand on the path of a healthy T3."""
    return noisy(end + (13.0 - end) * np.exp(-EPOCHS / 8) + 0.001 * EPOCHS, 0.01)


def t3(end: float, samples: int | None = 525) -> Case:
    """A T3 whose loss ends at `end`."""
    loss = curve(Role.TRAIN_LOSS, falling_to(end), axis=Axis.EPOCH)
    return case(f"ends at {end:g} with {samples} clips", run(loss, family="t3", samples=samples))


SICK = (case("a T3 that stands at 3.5 after 200 epochs", t3(3.5).run, "FIT005"),)
HEALTHY = (case("a T3 that ends at 1.8", t3(1.8).run),)
EDGE = (case("a family that is not known", run(curve(Role.TRAIN_LOSS, falling_to(3.5), axis=Axis.EPOCH), samples=525)),)


@pytest.mark.parametrize("one", table(SICK, HEALTHY, EDGE))
def test_loss_above_target(one: Case) -> None:
    """Exactly these alarms."""
    assert_told(one)
