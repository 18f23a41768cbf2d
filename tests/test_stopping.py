"""When to stop: the guide's rules, and nothing that healed is a reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from diagnose.engine import examine
from diagnose.facts import Facts
from diagnose.finding import StopAdvice
from diagnose.run import Run
from diagnose.stopping import when_to_stop
from diagnose.targets import with_target
from tests.curves import Floats, constant, descent, evaluations, noisy, spiked, training, turned


def advice(run: Run) -> StopAdvice:
    facts = with_target(Facts(run))
    told = when_to_stop(facts, examine(facts).findings)
    assert told is not None
    return told


def with_nan(*places: int) -> Floats:
    values = noisy(descent())
    values[list(places)] = np.nan
    return values


@pytest.mark.parametrize(
    ("run", "recommendation", "reason"),
    [
        pytest.param(training(noisy(descent()), evaluations(descent())), "continue", "the last one", id="at its best"),
        pytest.param(training(noisy(descent())), "cannot tell", "no validation loss", id="nothing held out"),
        pytest.param(
            training(noisy(descent()), evaluations(turned(descent(), 0.3), 40)), "stop", "memorises", id="overfitting"
        ),
        pytest.param(training(turned(noisy(descent())), constant(1e-3)), "stop", "(divergence)", id="diverged"),
        pytest.param(training(with_nan(*range(300, 400))), "stop", "(non-finite-loss)", id="NaN to the end"),
        pytest.param(training(with_nan(100, 101, 102), evaluations(descent())), "continue", "best", id="healed NaN"),
        pytest.param(training(spiked(noisy(descent())), evaluations(descent())), "continue", "best", id="a spike"),
        pytest.param(
            training(np.concatenate([[11.0, 54.0, 6.5, 3.9], noisy(np.full(396, 14.0), 0.02)]), constant(1e-2)),
            "stop",
            "(learning-rate-too-high)",
            id="thrown away",
        ),
    ],
)
def test_the_recommendation_follows_from_the_findings_and_the_evaluations(
    run: Run, recommendation: str, reason: str
) -> None:
    told = advice(run)
    assert told.recommendation == recommendation, told
    assert reason in " ".join(told.reasons)


def test_twenty_evaluations_without_a_new_best_are_patience_enough() -> None:
    flat = np.concatenate([descent(200), np.full(200, descent(200)[-1] * 1.005)])
    told = advice(training(noisy(descent(), 0.01), evaluations(flat, 50)))
    assert told.recommendation == "stop"
    assert told.evaluations_since_best >= 20


def test_the_checkpoint_nearest_before_each_moment_is_named(tmp_path: Path) -> None:
    for step in (500, 1500, 2500, 3500):
        (tmp_path / f"model-{step}.pt").touch()
    (tmp_path / "notes-9.txt").touch()
    run = replace(training(noisy(descent()), evaluations(turned(descent(), 0.5), 40)), source=str(tmp_path))
    listen = {one.why: (one.step, one.file) for one in advice(run).listen}
    best, file = listen["lowest loss"]
    assert 1500 <= best < 2500
    assert file is not None
    assert Path(file).name == "model-1500.pt"
    assert listen["last"] == (4000, str(tmp_path / "model-3500.pt"))


def test_where_no_loss_is_logged_nothing_is_recommended() -> None:
    assert when_to_stop(Facts(Run("run", "run", "synthetic", {})), ()) is None
