"""Two kinds of batches are told apart by their levels, and only where they are drawn by chance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from diagnose.checks.run._kinds import of_one_kind
from diagnose.run import Role
from tests.curves import Floats, curve, descent, noisy

HARD = np.random.default_rng(3).random(600) < 0.1


def mixed(hard: npt.NDArray[np.bool_], factor: float = 2.0, noise: float = 0.03) -> Floats:
    return noisy(np.asarray(descent(600, 0.3) * np.where(hard, factor, 1.0)), noise)


@pytest.mark.parametrize("unit", [1.0, 1000.0, 0.001])
def test_only_the_more_frequent_kind_is_left(unit: float) -> None:
    for hard, left in ((HARD, ~HARD), (~HARD, ~HARD)):
        whole = curve(Role.TRAIN_LOSS, unit * mixed(hard))
        kept = np.isin(whole.steps, of_one_kind(whole).steps)
        assert kept[5:].tolist() == left[5:].tolist()  # at the very first points the course is steep and not yet known


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(noisy(descent(600, 0.3), 0.2), id="one kind, loud"),
        pytest.param(mixed(HARD, factor=1.05), id="levels within the noise"),
        pytest.param(mixed(np.arange(600) % 60 < 6), id="in groups, as a spike heals"),
        pytest.param(mixed(HARD & (np.arange(600) > 200)), id="not from the beginning"),
        pytest.param(mixed(np.arange(600) % 100 == 50), id="six spikes"),
        pytest.param(mixed(HARD)[:50], id="too few points"),
        pytest.param(np.full(600, 2.0), id="constant"),
        pytest.param(np.where(np.arange(600) == 300, 5.0, 2.0), id="constant but for one point"),
    ],
)
def test_every_finite_point_is_left_where_there_are_no_two_kinds(values: Floats) -> None:
    whole = curve(Role.TRAIN_LOSS, np.append(values, np.nan))
    assert len(of_one_kind(whole)) == len(values)
