"""Promise 3: twice the input takes about twice the time, whatever is in it.

Measured as a ratio, in processor seconds of this process, so that a busy machine changes nothing; benchmarks/growth
has larger inputs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.growth.inputs import INPUTS
from diagnose.readers import discover, read_source

# A quadratic reader takes 16 times as long for four times the input, a linear one 4 times and less for what is fixed.
FACTOR, MOST = 4, 9.0
# Too little to separate the two from the fixed cost. Processor seconds.
LEAST = 0.15


def seconds(make: Callable[[Path, int], Path], folder: Path, size: int) -> float:
    folder.mkdir()
    path = make(folder, size)
    began = time.process_time()
    for source in discover(path):
        read_source(source)
    return time.process_time() - began


@pytest.mark.parametrize("name", sorted(INPUTS))
def test_four_times_the_input_takes_about_four_times_as_long(tmp_path: Path, name: str) -> None:
    make, size = INPUTS[name]
    seconds(make, tmp_path / "warm", size // 8)
    first = seconds(make, tmp_path / "first", size)
    second = seconds(make, tmp_path / "second", FACTOR * size)
    assert second < LEAST or second / first < MOST, (first, second)
