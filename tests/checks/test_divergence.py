"""STB002: A loss that gives back what it gained is distinguished from noise, humps and stages, on four points too."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.run import Axis, Role
from tests.cases import Case, assert_findings, case, facts_of, table
from tests.curves import Floats, curve, descent, evaluations, noisy, run, training, turned


def staged(values: Floats) -> Floats:
    """From 40 % on a second term lifts the loss by 40 %, and then it falls below where it was."""
    at = int(0.4 * len(values))
    since = np.clip((np.arange(len(values)) - at) / (len(values) - at), 0, 1)
    return np.where(
        since > 0, values[at] * 1.4 * (0.5 + 0.5 * np.exp(-4 * since)) * values / np.median(values[at:]), values
    )


FAULTY = (
    case(
        "the story: 13.18, 7.71, 6.93, 9.11", training([13.18, 7.71, 6.93, 9.11], axis=Axis.EPOCH), "STB002", "OPT001"
    ),
    case("a climb back by 80 %", training(turned(noisy(descent()))), "STB002", "OPT001"),
    case(
        "growth to many times the start",
        training(np.exp(np.linspace(0, 6, 50)) * noisy(np.ones(50))),
        "STB002",
        "OPT001",
    ),
    case(
        "a climb after the learning rate had decayed is not blamed on it",
        training(
            turned(noisy(descent()), at=0.7, back=0.9),
            curve(Role.LEARNING_RATE, 1e-3 * np.exp(-np.linspace(0, 9, 400))),
        ),
        "STB002",
        "OPT005",
    ),
    case(
        "validation lost all while training learned nothing: a warm-up that destroys what was trained before",
        training(
            noisy(np.concatenate([descent(40, 0.12), np.full(200, 0.2)])),
            evaluations(np.repeat([0.2, 0.4], [40, 200]), 6),
        ),
        "STB002",
        "OPT001",
    ),
)
HEALTHY = (
    case("four single batches of which one is high", training([2.68, 2.47, 2.38, 3.0])),
    case("four single batches, up and down", training([1.58, 2.17, 1.56, 1.79])),
    case("five points of a negative loss, as of a policy", training([-5041, -5882, -4410, -3950, -3198])),
    case("a healthy descent", training(noisy(descent()))),
    case("a second stage that adds a term and learns", training(staged(noisy(descent())))),
    case(
        "training that rises while validation is at its best: harder batches",
        training(noisy(turned(descent(), 0.5, 0.25)), evaluations(noisy(descent(), 0.002, 1))),
    ),
    case("four falling epochs", training([13.0, 10.5, 8.2, 7.1], axis=Axis.EPOCH)),
)
EDGE = (
    case("a last level that is above the best by rounding only", training([2.0, 1.0, 1.0, np.nextafter(1.0, 2.0)])),
    case("a rise of 5 % in the last epoch", training([13.0, 8.0, 7.0, 7.35], axis=Axis.EPOCH)),
    case("three points are too few", training([5.0, 3.0, 6.0], axis=Axis.EPOCH)),
)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_divergence(one: Case) -> None:
    """A loss that gives back what it gained is distinguished from noise, humps and stages, on four points too."""
    assert_findings(one)


def test_the_story_gets_the_cures_of_the_guide() -> None:
    """A quarter of the rate, half of the clipping threshold, smaller batches accumulated to 32."""
    config = {"learning_rate": 2e-4, "grad_clip_norm": 1.0, "batch_size": 16, "grad_accumulation_steps": 1}
    story = curve(Role.TRAIN_LOSS, [13.18, 7.71, 6.93, 9.11], axis=Axis.EPOCH)
    diagnosis = case("", facts_of(run(story), config=config, samples=525)).diagnosis
    edits = {edit.parameter: edit.value for prescription in diagnosis.prescriptions for edit in prescription.edits}
    assert edits == {"learning_rate": 0.25, "grad_clip_norm": 0.5, "batch_size": 8, "grad_accumulation_steps": 4}
    assert [finding.explained_by for finding in diagnosis.findings if finding.code == "STB002"] == [
        "learning-rate-too-high"
    ]


@pytest.mark.parametrize("points", [8, 15])
def test_standard_errors_of_a_few_points_are_left_out(points: int) -> None:
    values = np.concatenate([np.linspace(10.0, 5.0, points - 2), [9.0, 9.4]])
    diagnosis = case("a turn", training(values)).diagnosis
    found = [one for one in diagnosis.findings if one.name == "divergence"]
    assert found
    assert "z" not in found[0].numbers
