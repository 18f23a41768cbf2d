"""What was sure while a run lasted is not forgotten when its log looks like a plateau."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from diagnose.checks import every_check
from diagnose.engine import examine
from diagnose.facts import Facts
from diagnose.finding import Confidence, Finding, Severity, Verdict
from diagnose.live.history import LOOKS, History, Sighting, confirmed_now, recovered, remember, replay
from diagnose.run import Curve, Role, Run


def finding(name: str = "divergence") -> Finding:
    return Finding("STB002", name, Severity.ERROR, Confidence.HIGH, "train_loss", "it diverged", first_step=20)


def facts(loss: np.ndarray, every: int = 2) -> Facts:
    steps = np.arange(len(loss)) * every
    return Facts(Run("r", "", "test", {"loss": Curve("loss", steps, loss, role=Role.TRAIN_LOSS)}))


def collapsed(points: int = 200) -> Facts:
    """Falls from 10 to 4, jumps back to 9.5 at a fifth of the run, and stays there."""
    draw = np.random.default_rng(0)
    fall = np.linspace(10, 4, points // 5)
    return facts(np.concatenate([fall, np.full(points - len(fall), 9.5)]) + 0.05 * draw.normal(size=points))


def test_two_looks_in_a_row_confirm_and_one_does_not() -> None:
    history = History().after(10, [finding()])
    assert history.confirmed == ()
    assert history.after(20, []).sightings == ()
    (sure,) = history.after(20, [finding()]).confirmed
    assert (sure.first_seen, sure.confirmed) == (10, 20)


def test_a_look_without_a_new_point_confirms_nothing() -> None:
    assert History().after(10, [finding()]).after(10, [finding()]).confirmed == ()


def test_what_was_confirmed_stays_in_the_history_when_it_is_said_no_more() -> None:
    history = History().after(10, [finding()]).after(20, [finding()]).after(30, [])
    assert [sighting.last_seen for sighting in history.confirmed] == [20]


def evaluated(val: list[float], train: list[float]) -> Facts:
    """One training point and one evaluation every 24 steps."""
    steps = np.arange(1, len(val) + 1) * 24
    curves = {
        "loss": Curve("loss", steps, np.array(train), role=Role.TRAIN_LOSS),
        "val": Curve("val", steps, np.array(val), role=Role.VAL_LOSS),
    }
    return Facts(Run("r", "", "test", curves))


MEMORISED = [8.06, 4.77, 4.19, 4.22, 4.22, 4.45, 4.59]
"""Of the bundled trainer on 96 clips: found at the last of these evaluations, the fourth after the best."""


@pytest.mark.parametrize(
    ("val", "train", "sure"),
    [
        pytest.param(MEMORISED, [8.2, 3.4, 2.5, 2.0, 1.7, 1.4, 1.0], True, id="four evaluations, none the best"),
        pytest.param(MEMORISED[:6], [8.2, 3.4, 2.5, 2.0, 1.7, 1.4], False, id="three"),
        pytest.param(MEMORISED, [9.2, 6.4, 6.0, 5.5, 5.2, 4.9, 4.5], False, id="training is worse than validation"),
        pytest.param([*MEMORISED[:4], 4.10, 4.45, 4.59], [8.2, 3.4, 2.5, 2, 1.7, 1.4, 1], False, id="a later best"),
    ],
)
def test_overfitting_is_confirmed_by_four_evaluations_after_the_best(
    val: list[float], train: list[float], *, sure: bool
) -> None:
    """A look earlier shows nothing yet, and another would cost an evaluation."""
    run = evaluated(val, train)
    assert bool(confirmed_now(run, [replace(finding("overfitting"), metric="val_loss")])) == sure
    if sure:
        assert "overfitting" in {one.name for one in examine(run).findings if one.alarming}


def test_two_states_of_nearly_the_same_points_confirm_nothing() -> None:
    """After 200 points of 1,000 the loss jumps: ten more than when it is first found are needed."""
    run = collapsed(1000)
    parts = [run.until(int(step)) for step in run.run.curves["loss"].steps[196:240]]
    named = ["divergence" in {one.name for one in examine(part).findings} for part in parts]
    sure = [bool(confirmed_now(part, [finding()])) for part in parts]
    assert 8 <= sure.index(True) - named.index(True) <= 12


def test_a_collapse_is_named_at_the_end_with_the_step_at_which_it_was_sure() -> None:
    run = collapsed()
    diagnosis = remember(examine(run))
    assert diagnosis.verdict is Verdict.UNHEALTHY
    names = {one.name for one in diagnosis.findings if one.alarming}
    assert names & {"divergence", "learning-rate-too-high"}


def test_a_spike_that_heals_is_not_kept() -> None:
    loss = np.linspace(10, 3, 200)
    loss[60:70] += 4
    run = facts(loss)
    spike = replace(finding(), first_step=118)
    assert recovered(run, Sighting(spike, 124, 140, 130))
    assert not {"divergence"} & {one.name for one in remember(examine(run)).findings if one.alarming}


def test_a_setback_that_took_a_third_of_the_run_is_kept_although_it_healed() -> None:
    """The best before it is reached again, but the updates in between were for nothing."""
    loss = np.concatenate([np.linspace(10, 6, 40), np.linspace(10, 6, 70), np.linspace(6, 3, 90)])
    thrown = replace(finding(), first_step=78)
    assert not recovered(facts(loss), Sighting(thrown, 90, 130, 94))


def test_a_healthy_run_is_remembered_as_it_is() -> None:
    draw = np.random.default_rng(1)
    diagnosis = examine(facts(10 * np.arange(1, 301) ** -0.3 + 0.05 * draw.normal(size=300)))
    assert remember(diagnosis) is diagnosis


def test_the_replay_of_a_long_run_asks_a_bounded_number_of_times() -> None:
    """Cheap whatever the length: the looks are counted by a check that counts them."""
    asked: list[int] = []

    class Counting:
        code, name, about = "TST001", "counting", every_check()[0].about
        explained_by = part_of = ()

        def applies(self, facts: Facts) -> bool:
            return True

        def skip_reason(self, facts: Facts) -> None:
            return None

        def check(self, facts: Facts) -> list[Finding]:
            asked.append(1)
            return []

    replay(collapsed(20_000), checks=[Counting()])  # type: ignore[list-item]  # counts, judges nothing
    assert 0 < len(asked) <= LOOKS


@pytest.mark.parametrize("points", [1, 2, 3])
def test_of_a_beginning_nothing_is_said(points: int) -> None:
    run = facts(np.array([10.0, 50.0, 90.0])[:points])
    assert replay(run) == History()
    assert confirmed_now(run, [finding()]) == []
