"""Promise 3: twice the input takes about twice the time, whatever is in it.

Measured as a ratio, in processor seconds of this process, so that a busy machine changes little; benchmarks/growth
has larger inputs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.growth.inputs import INPUTS
from diagnose.readers import discover, read_source

# A linear reader takes ten times as long for ten times the input, less for what is fixed, a little more where memory
# gets slower (17 times was seen beside three other jobs on two cores). One of which a sixth is quadratic takes 25 times
# as long, one that is quadratic a hundred times.
FACTOR, MOST = 10, 25.0
# A busy neighbour may take the processor's caches once or twice; a reader that is not linear is so each time.
ATTEMPTS = 3


def seconds(make: Callable[[Path, int], Path], folder: Path, size: int) -> float:
    folder.mkdir()
    path = make(folder, size)
    began = time.process_time()
    for source in discover(path):
        read_source(source)
    return time.process_time() - began


@pytest.mark.parametrize("name", sorted(INPUTS))
def test_ten_times_the_input_takes_about_ten_times_as_long(tmp_path: Path, name: str) -> None:
    make, size = INPUTS[name]
    seconds(make, tmp_path / "warm", size // 2)  # imports, caches and what else only the first pays
    ratios: list[float] = []
    while len(ratios) < ATTEMPTS and (not ratios or min(ratios) > MOST):
        first, second = (
            seconds(make, tmp_path / f"{len(ratios)} {part}", part) for part in (size // 2, FACTOR * size // 2)
        )
        ratios.append(second / first)
    assert min(ratios) < MOST
