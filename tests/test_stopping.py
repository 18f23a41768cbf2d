"""When to stop: the guide's rules, and nothing that healed is a reason."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from diagnose.api import analyze
from diagnose.checkpoints import checkpoints_of
from diagnose.engine import examine
from diagnose.facts import Facts
from diagnose.finding import StopAdvice
from diagnose.run import Run
from diagnose.stopping import when_to_stop
from diagnose.targets import with_target
from tests.curves import Floats, constant, descent, evaluations, noisy, spiked, training, turned


def advice(run: Run) -> StopAdvice:
    facts = with_target(Facts(run))
    stop = when_to_stop(facts, examine(facts).findings)
    assert stop is not None
    return stop


def with_nan(*places: int) -> Floats:
    values = noisy(descent())
    values[list(places)] = np.nan
    return values


def test_a_best_that_is_not_the_lowest_logged_value_is_called_smoothed() -> None:
    losses = noisy(descent(), 0.001)[::10]
    losses[12] = 0.9 * losses.min()  # one lucky evaluation
    lucky, level = (
        advice(training(noisy(descent()), evaluations(losses, 40))),
        advice(training(noisy(descent()), evaluations(np.sort(losses)[::-1].copy(), 40))),
    )
    assert (lucky.best_value > losses.min(), lucky.smoothed) == (True, True)
    assert (level.best_value, level.smoothed) == (losses.min(), False)


@pytest.mark.parametrize(
    ("run", "recommendation", "reason"),
    [
        pytest.param(
            training(noisy(descent()), evaluations(descent())),
            "continue",
            "the last evaluation is the best",
            id="at its best",
        ),
        pytest.param(training(noisy(descent())), "cannot tell", "no validation loss", id="nothing held out"),
        pytest.param(
            training(noisy(descent()), evaluations(turned(descent(), 0.3), 40)),
            "stop",
            "past its best",
            id="overfitting",
        ),
        pytest.param(training(turned(noisy(descent())), constant(1e-3)), "stop", "(divergence)", id="diverged"),
        pytest.param(training(with_nan(*range(300, 400))), "stop", "(non-finite-loss)", id="NaN to the end"),
        pytest.param(training(with_nan(100, 101, 102), evaluations(descent())), "continue", "best", id="healed NaN"),
        pytest.param(training(spiked(noisy(descent())), evaluations(descent())), "continue", "best", id="a spike"),
        pytest.param(
            training(np.concatenate([[11.0, 54.0, 6.5, 3.9], noisy(np.full(396, 14.0), 0.02)]), constant(1e-2)),
            "stop",
            "costs money",
            id="thrown away",
        ),
    ],
)
def test_the_recommendation_follows_from_the_findings_and_the_evaluations(
    run: Run, recommendation: str, reason: str
) -> None:
    stop = advice(run)
    assert stop.recommendation == recommendation, stop
    assert reason in " ".join(stop.reasons)


def test_twenty_evaluations_without_a_new_best_are_patience_enough() -> None:
    flat = np.concatenate([descent(200), np.full(200, descent(200)[-1] * 1.005)])
    stop = advice(training(noisy(descent(), 0.01), evaluations(flat, 50)))
    assert stop.recommendation == "stop"
    assert stop.evaluations_since_best >= 20


def test_the_checkpoint_nearest_before_each_moment_is_named(tmp_path: Path) -> None:
    for step in (500, 1500, 2500, 3500):
        (tmp_path / f"model-{step}.pt").touch()
    (tmp_path / "notes-9.txt").touch()
    run = replace(training(noisy(descent()), evaluations(turned(descent(), 0.5), 40)), source=str(tmp_path))
    facts = Facts(run, checkpoints=checkpoints_of(tmp_path))
    stop = when_to_stop(facts, examine(facts).findings)
    assert stop is not None
    listen = {one.why: (one.step, one.file) for one in stop.listen}
    best, file = listen["lowest loss"]
    assert 1500 <= best < 2500
    assert file is not None
    assert Path(file).name == "model-1500.pt"
    assert listen["last"] == (4000, str(tmp_path / "model-3500.pt"))


@pytest.mark.parametrize("own", ["best.safetensors", "best_model_1200.pt", "model-best-step=1200.ckpt"])
def test_the_file_that_the_trainer_kept_as_its_best_is_named_where_it_is_better(tmp_path: Path, own: str) -> None:
    losses = turned(descent(), 0.5)
    losses[119] *= 0.7  # step 1200: one evaluation far below its neighbours
    state = json.dumps({"__metadata__": {"ttsdoc": json.dumps({"progress": {"step": 1200}})}}).encode()
    (tmp_path / own).write_bytes(len(state).to_bytes(8, "little") + state)
    for step in range(500, 4001, 500):
        (tmp_path / f"step-{step}.safetensors").touch()
    run = replace(training(noisy(descent()), evaluations(losses, 40)), source=str(tmp_path))
    facts = Facts(run, checkpoints=checkpoints_of(tmp_path))
    stop = when_to_stop(facts, examine(facts).findings)
    assert stop is not None
    assert (stop.best_step, stop.best_value, stop.smoothed) == (1200, losses[119], False)
    assert next(one.file for one in stop.listen if one.why == "lowest loss") == str(tmp_path / own)
    worse = evaluations(np.where(np.arange(len(losses)) == 119, losses[109], losses), 40)
    other = when_to_stop(replace(facts, run=replace(training(noisy(descent()), worse), source=str(tmp_path))), ())
    assert other is not None
    assert other.best_step != 1200


def test_where_no_loss_is_logged_nothing_is_recommended() -> None:
    assert when_to_stop(Facts(Run("run", "run", "synthetic", {})), ()) is None


def saved(tmp_path: Path, *names: str) -> StopAdvice:
    """What is advised of a run of 4000 steps that is beside these checkpoints."""
    log = tmp_path / "log.csv"
    log.touch()
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    run = replace(training(noisy(descent()), evaluations(descent(), 40)), source=str(log))
    stop = when_to_stop(Facts(run, checkpoints=checkpoints_of(log)), ())
    assert stop is not None
    return stop


@pytest.mark.parametrize("name", ["checkpoint-200.pt", "ckpt/model_150.pth", "weights/step-300.safetensors"])
def test_a_checkpoint_far_away_is_not_named_as_near(tmp_path: Path, name: str) -> None:
    last = saved(tmp_path, name).listen[-1]
    assert last.file is None
    assert f"none kept near it (nearest: {Path(name).name}, 3," in last.why


@pytest.mark.parametrize("name", ["old_run/checkpoint-3990.pt", "baseline/model-4000.pt", "2024-01-02/step-4000.ckpt"])
def test_the_checkpoint_of_another_run_is_nobodys(tmp_path: Path, name: str) -> None:
    last = saved(tmp_path, name).listen[-1]
    assert (last.file, last.why) == (None, "last" if last.why == "last" else "lowest loss")


@pytest.mark.parametrize("name", ["checkpoints/step-4000.ckpt", "log/model-3990.pt", "model-4000.pt"])
def test_the_checkpoint_of_this_run_is_named(tmp_path: Path, name: str) -> None:
    assert saved(tmp_path, name).listen[-1].file == str(tmp_path / name)


def test_the_lowest_of_many_noisy_batches_is_chance() -> None:
    """The level is given, at a step that is as good as any, and not the luckiest batch."""
    stop = when_to_stop(Facts(training(noisy(np.full(2000, 0.6), 0.15))), ())
    assert stop is not None
    assert stop.smoothed
    assert stop.best_value == pytest.approx(0.6, abs=0.04)


def test_no_advice_to_go_on_where_a_finding_says_stop() -> None:
    val = np.tile([6.6, 8.4, 5.3, 6.9, 6.1, 6.3, 6.6, 6.0], 50)[:400]
    stop = advice(training(np.exp(-np.linspace(0, 4, 400)), evaluations(val, 8)))
    assert stop.recommendation == "stop"


@pytest.mark.parametrize("points", [40, 100, 400])
def test_the_fault_and_what_to_keep_name_the_same_step(points: int) -> None:
    noise = np.random.default_rng(0).normal(0, 0.05, points)
    level = np.concatenate([np.linspace(5, 2, points // 4), np.linspace(2, 9, points - points // 4)])
    (diagnosis,) = analyze({"loss": (level * np.exp(noise)).tolist()})
    (fault,) = (finding for finding in diagnosis.findings if finding.name == "learning-rate-too-high")
    assert diagnosis.stop is not None
    assert fault.first_step == diagnosis.stop.best_step


def test_a_patience_of_the_trainer_below_ours_is_the_patience() -> None:
    """A trainer that stopped after its ten evaluations is not told to keep training up to our twenty."""
    flat = np.concatenate([descent(200), np.full(200, descent(200)[-1] * 1.005)])
    run = training(noisy(descent(), 0.01), evaluations(flat, 24))
    facts = Facts(run, settings={"early_stopping_patience": 10})
    stop = when_to_stop(facts, examine(facts).findings)
    assert stop is not None
    assert 10 <= stop.evaluations_since_best < 20
    assert (stop.recommendation, "10 are patience enough" in stop.reasons[0]) == ("stop", True)


def validated(values: list[float] | Floats, **more: object) -> StopAdvice:
    """What is advised where training falls evenly and these are the evaluations."""
    losses = np.asarray(values, dtype=np.float64)
    run = training(np.exp(-np.linspace(0, 1, 400)), evaluations(np.repeat(losses, 400 // len(losses)), len(losses)))
    stop = when_to_stop(Facts(replace(run, **more)), ())  # type: ignore[arg-type] # fields by name
    assert stop is not None
    return stop


@pytest.mark.parametrize(
    ("values", "recommendation", "reason"),
    [
        pytest.param([0.7], "cannot tell", "only one validation loss is logged", id="one evaluation"),
        pytest.param(
            [9.0, 8.5, 7.0, 7.3, 13.6, 8.8, 11.2, 17.4], "cannot tell", "the last 5 of 8 evaluations", id="an old best"
        ),
        pytest.param(
            1.2 + np.exp(-np.arange(40.0)), "cannot tell", "more of the same brings little", id="levelled off"
        ),
        pytest.param(np.linspace(2, 1, 40), "continue", "quarter of the evaluations lowered it by", id="still falling"),
    ],
)
def test_nobody_is_told_to_keep_training_for_nothing(
    values: list[float] | Floats, recommendation: str, reason: str
) -> None:
    stop = validated(values)
    assert stop.recommendation == recommendation, stop
    assert reason in "; ".join(stop.reasons)


def test_a_run_at_its_planned_end_needs_a_longer_schedule() -> None:
    falling = np.linspace(2, 1, 40)
    assert validated(falling, planned=8000).recommendation == "continue"
    over = validated(falling, planned=4000)
    assert (over.recommendation, "more needs a longer schedule" in over.reasons[0]) == ("cannot tell", True)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param(noisy(descent(), 0.001), "lowered the training loss by 3%", id="falling"),
        pytest.param(noisy(np.full(400, 0.5), 0.05), "no fall of the training loss beyond its noise", id="flat"),
        pytest.param(noisy(np.linspace(1, 2, 400), 0.01), "no fall of the training loss beyond its noise", id="rising"),
    ],
)
def test_without_evaluations_what_the_last_quarter_brought_is_stated(values: Floats, words: str) -> None:
    stop = when_to_stop(Facts(training(values)), ())
    assert stop is not None
    assert words in stop.reasons[0]


def test_the_best_is_the_lowest_of_the_evaluations_that_are_equally_good() -> None:
    """Behind the smoothed minimum a lower one was logged: that it is older, or that none came since, would be false."""
    losses = noisy(1 + np.exp(-np.arange(60) / 8.0), 0.01, 3)
    lowest = int(np.argmin(losses))
    run = training(noisy(descent(600), 0.01), evaluations(np.repeat(losses, 10), 60))
    stop = when_to_stop(Facts(run), ())
    assert stop is not None
    assert (stop.best_value, stop.smoothed, stop.evaluations_since_best) == (losses[lowest], False, 59 - lowest)


def test_states_beside_the_one_that_holds_the_log_are_found_and_their_parts_are_none(tmp_path: Path) -> None:
    """The layout of Hugging Face: every state has the log so far, its shards, and the generator of each process."""
    for step in (1000, 2000, 4000):
        state = tmp_path / f"checkpoint-{step}"
        state.mkdir()
        for part in ("trainer_state.json", "model-00001-of-00004.safetensors", "rng_state_0.pth", "optimizer.pt"):
            (state / part).touch()
    found = checkpoints_of(tmp_path / "checkpoint-4000" / "trainer_state.json")
    assert [(one.step, Path(one.file).name) for one in found] == [
        (step, f"checkpoint-{step}") for step in (1000, 2000, 4000)
    ]
    assert found == checkpoints_of(tmp_path)


def test_a_log_that_begins_in_the_middle_is_asked_for_what_came_before(tmp_path: Path) -> None:
    """More points of the same say nothing of it; where only few points are logged, more of them do."""
    for first, count, asked in ((1400, 60, "Give the log of what came before"), (1, 3, "Log more often")):
        log = tmp_path / "train.log"
        log.write_text("".join(f"step {first + i} loss {2 - i / 100}\n" for i in range(count)), encoding="utf-8")
        (found,) = analyze(log)
        assert asked in str(found)
