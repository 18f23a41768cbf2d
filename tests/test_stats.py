"""Numerics against numpy's own."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from diagnose.signals.trend import FINE_BLOCKS, slope, window_medians

NUMBERS = st.lists(st.floats(-1e300, 1e300) | st.just(float("nan")), min_size=1, max_size=60)


@given(NUMBERS, st.data())
def test_medians_of_neighbours_are_numpys(numbers: list[float], data: st.DataObject) -> None:
    """For odd and even windows, with repeated values and with NaN."""
    window = data.draw(st.integers(1, len(numbers)))
    values = np.array(numbers)
    expected = np.median(np.lib.stride_tricks.sliding_window_view(values, window), axis=1)
    np.testing.assert_array_equal(window_medians(values, window), expected)


def test_the_slope_of_a_series_is_that_of_its_line_however_long_it_is() -> None:
    """Beyond the fine blocks, and not a multiple of them."""
    for points in (2, 40, FINE_BLOCKS, 5 * FINE_BLOCKS + 7, 200_000):
        values = 3.0 - 0.25 * np.arange(points, dtype=np.float64)
        values[points // 3] += 50.0 * (points > 2)
        np.testing.assert_allclose(slope(values), -0.25, rtol=1e-9)
    assert slope(np.array([1.0])) == 0.0
