"""What the tests of the integrations share: small curves, and a doctor that looks at every point."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator

import numpy as np
import pytest

from diagnose.integrations.loop import Doctor

os.environ.setdefault("KERAS_BACKEND", "torch")  # before Keras is imported, by whichever test

ALWAYS = 1e9
"""A share of the wall time that makes an examination due at every point."""


@pytest.fixture
def eager() -> Doctor:
    """A doctor that examines at every point and stops at an error."""
    return Doctor(stop="error", share=ALWAYS)


def falling(points: int, seed: int = 0) -> Iterator[float]:
    """A healthy loss with a little noise."""
    noise = np.random.default_rng(seed)
    for step in range(points):
        yield 0.5 + 2.5 * math.exp(-4 * step / points) + 0.02 * float(noise.standard_normal())
