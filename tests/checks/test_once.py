"""Measures that several checks ask for."""

from __future__ import annotations

import gc
import weakref

import numpy as np

from diagnose.checks.run._once import once
from diagnose.run import Curve, Run


def _curve() -> Curve:
    return Curve("loss", np.arange(4), np.array([4.0, 3.0, 2.0, 1.0]))


def test_a_measure_is_worked_out_once_for_each_run_and_curve() -> None:
    asked: list[tuple[Run, Curve]] = []

    @once
    def measure(run: Run, curve: Curve) -> int:
        asked.append((run, curve))
        return len(asked)

    curve, other = _curve(), _curve()
    run, same_curve = Run("a", "", "", {"loss": curve}), Run("b", "", "", {"loss": curve})
    answers = [measure(run, curve), measure(run, curve), measure(run, other), measure(same_curve, curve)]
    assert answers == [1, 1, 2, 3]
    assert measure(run, curve) == 1


def test_a_measure_that_says_nothing_is_not_asked_again() -> None:
    asked = []

    @once
    def measure(curve: Curve) -> None:
        asked.append(curve.tag)

    curve = _curve()
    assert measure(curve) is None
    assert measure(curve) is None
    assert asked == ["loss"]


def test_answers_do_not_keep_a_run_alive() -> None:
    @once
    def measure(run: Run, curve: Curve) -> float:
        return float(curve.values[0])

    curve = _curve()
    run = Run("a", "", "", {"loss": curve})
    measure(run, curve)
    gone = weakref.ref(run)
    del run
    gc.collect()
    assert gone() is None
