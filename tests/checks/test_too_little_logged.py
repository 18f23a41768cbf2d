"""RUN004: Silence about a run is good news only where a fault would have been seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from diagnose.finding import Verdict
from diagnose.run import Axis, Beginning, Curve, Role, Run
from tests.cases import Case, assert_findings, case, table
from tests.curves import curve, descent, evaluations, noisy, run, training


def verdict(one: Run) -> Verdict:
    return case("", one).diagnosis.verdict


FAULTY = ()
HEALTHY = (case("a healthy descent", training(noisy(descent()))),)
EDGE = (case("four falling epochs", training([13.0, 10.5, 8.2, 7.1], axis=Axis.EPOCH)),)
NOTHING = Curve("speed", np.arange(50), np.ones(50))


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        pytest.param(training(noisy(descent())), Verdict.HEALTHY, id="a healthy descent"),
        pytest.param(run(curve(Role.VAL_LOSS, noisy(descent(40)))), Verdict.HEALTHY, id="validation alone"),
        pytest.param(
            training(descent(7), evaluations(noisy(descent(70)), 70)),
            Verdict.HEALTHY,
            id="few points beside many evaluations",
        ),
        pytest.param(training([13.0, 10.5, 8.2, 7.1]), Verdict.INCONCLUSIVE, id="four points"),
        pytest.param(training(noisy(np.ones(14), 0.1)), Verdict.INCONCLUSIVE, id="few points without order"),
        pytest.param(run(NOTHING), Verdict.INCONCLUSIVE, id="no loss"),
        pytest.param(
            replace(training(noisy(np.full(60, 0.41), 0.01)), beginning=Beginning(300, Axis.STEP)),
            Verdict.INCONCLUSIVE,
            id="the level tail of a run",
        ),
        pytest.param(
            run(curve(Role.TRAIN_LOSS, noisy(descent())), Curve("rollout/reward_mean", np.arange(9), np.ones(9))),
            Verdict.INCONCLUSIVE,
            id="reinforcement learning",
        ),
        pytest.param(
            run(Curve("val/acc", np.arange(20), 1 - descent(20), role=Role.SCORE, held_out=True)),
            Verdict.HEALTHY,
            id="a held-out score alone",
        ),
        pytest.param(
            run(Curve("val/acc", np.arange(4), 1 - descent(4), role=Role.SCORE, held_out=True)),
            Verdict.INCONCLUSIVE,
            id="four of its points",
        ),
        pytest.param(
            training(noisy(descent(20)), evaluations(descent(20), 10)), Verdict.HEALTHY, id="twenty points in order"
        ),
    ],
)
def test_a_run_is_called_healthy_only_where_a_fault_would_show(one: Run, expected: Verdict) -> None:
    assert verdict(one) is expected


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_too_little_logged(one: Case) -> None:
    """What proves nothing is no alarm either."""
    assert_findings(one)
