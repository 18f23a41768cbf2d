"""NUM001: NaN and inf in a loss are found, distinguished from skipped batches, and cured in the right order."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.run import Role
from tests.cases import Case, assert_findings, case, facts_of, table
from tests.curves import Floats, curve, descent, noisy, training


def once_lost(points: int) -> Floats:
    values = noisy(descent(points))
    values[150] = np.nan
    return values


FAULTY = (
    case("one lost batch of four hundred", training(once_lost(400)), "NUM001"),
    case("NaN from the middle to the end", training(np.where(np.arange(100) < 60, descent(100), np.nan)), "NUM001"),
    case(
        "a few skipped batches",
        training(np.where(np.isin(np.arange(200), [90, 140]), np.nan, noisy(descent(200)))),
        "NUM001",
    ),
    case("all points NaN", training(np.full(13, np.nan)), "NUM001"),
    case("infinity at the last point", training([3.0, 2.0, 1.5, np.inf]), "NUM001"),
    case(
        "a filter that logs zero while the gradient norm is NaN",
        training(
            np.where(np.arange(60) < 40, noisy(descent(60)), 0.0),
            curve(Role.GRAD_NORM, np.where(np.arange(60) < 40, 1.0, np.nan)),
        ),
        "NUM001",
    ),
)
HEALTHY = (
    case("one lost batch of two thousand, and the loss goes on falling", training(once_lost(2000))),
    case("a finite loss", training(noisy(descent()))),
)
EDGE = (
    case(
        "a gradient norm that was NaN once, skipped by the loss scaler",
        training(noisy(descent(60)), curve(Role.GRAD_NORM, np.where(np.arange(60) == 3, np.nan, 1.0))),
    ),
)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_non_finite_loss(one: Case) -> None:
    """NaN and inf in a loss are found, distinguished from skipped batches, and cured in the right order."""
    assert_findings(one)


def test_precision_is_ruled_out_before_the_learning_rate() -> None:
    """The order of advice is precision, rate, clipping."""
    config = {"mixed_precision": True, "learning_rate": 2e-4, "grad_clip_norm": 1.0}
    diagnosis = case("", facts_of(training([3.0, 2.0, np.nan, np.nan]), config=config)).diagnosis
    edits = [edit.parameter for prescription in diagnosis.prescriptions for edit in prescription.edits]
    assert edits == ["mixed_precision", "learning_rate", "grad_clip_norm"]


def test_fp16_becomes_bf16() -> None:
    """A named half precision is replaced by the one with the range of fp32."""
    diagnosis = case("", facts_of(training([3.0, 2.0, np.nan, np.nan]), config={"mixed_precision": "fp16"})).diagnosis
    assert [edit.value for edit in diagnosis.prescriptions[0].edits] == ["bf16"]
