"""Numerics against numpy's own."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from diagnose.stats import window_medians

NUMBERS = st.lists(st.floats(-1e300, 1e300) | st.just(float("nan")), min_size=1, max_size=60)


@given(NUMBERS, st.data())
def test_medians_of_neighbours_are_numpys(numbers: list[float], data: st.DataObject) -> None:
    """For odd and even windows, with repeated values and with NaN."""
    window = data.draw(st.integers(1, len(numbers)))
    values = np.array(numbers)
    expected = np.median(np.lib.stride_tricks.sliding_window_view(values, window), axis=1)
    np.testing.assert_array_equal(window_medians(values, window), expected)
