"""Kinds of failure that were met in the field, each with siblings under other names, numbers and layouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from diagnose.api import analyze
from diagnose.errors import LogError
from diagnose.finding import Diagnosis, Recommendation, Verdict
from diagnose.signals import signals
from tests.curves import descent, noisy

RNG = np.random.default_rng(7)


def table(path: Path, columns: Mapping[str, npt.ArrayLike], separator: str = ",") -> Diagnosis:
    """What is said of a table with these columns."""
    rows = zip(*map(np.asarray, columns.values()), strict=True)
    lines = [separator.join(columns), *(separator.join(f"{value:.6g}" for value in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return analyze(path)[0]


def text(path: Path, lines: Sequence[str]) -> Diagnosis:
    """What is said of a console log."""
    path.write_text("\n".join(lines) + "\n")
    return analyze(path)[0]


def alarms(diagnosis: Diagnosis) -> set[str]:
    return {finding.name for finding in diagnosis.findings if finding.alarming}


@pytest.mark.parametrize(("level", "points"), [(3.6e11, 200), (8e9, 60), (2.5e15, 500)])
def test_a_loss_of_billions_that_does_not_fall_is_no_loss(tmp_path: Path, level: float, points: int) -> None:
    diagnosis = table(
        tmp_path / "log.csv", {"step": 10 * np.arange(points), "train_loss": level * RNG.uniform(0.8, 1.2, points)}
    )
    assert diagnosis.findings[0].name == "impossible-loss"
    assert all(finding.explained_by == "impossible-loss" for finding in diagnosis.findings[1:] if finding.alarming)


@pytest.mark.parametrize(("best", "value"), [(4, 0.9), (7, 0.61), (11, 2.3)])
def test_the_best_step_and_its_logged_value_are_the_same_everywhere(tmp_path: Path, best: int, value: float) -> None:
    """One low evaluation between higher ones: what is named is what the log holds."""
    epochs = np.arange(1, 31)
    val = value * (1 + 0.03 * np.abs(epochs - best) + 0.02 * (epochs != best))
    diagnosis = table(tmp_path / "v.csv", {"epoch": epochs, "train_loss": val[0] * 0.95**epochs, "val_loss": val})
    finding = next(finding for finding in diagnosis.findings if finding.name == "overfitting")
    assert f"epoch {best} ({value:.4g})" in finding.message
    assert diagnosis.stop is not None
    assert diagnosis.stop.best_step == best
    assert diagnosis.stop.best_value == pytest.approx(value)
    assert finding.first_step == best


@pytest.mark.parametrize(("first", "level", "spread"), [(1.56, 2.28, 0.28), (0.31, 0.5, 0.06), (40.0, 71.0, 9.0)])
def test_a_first_batch_that_happens_to_be_low_makes_no_throw(
    tmp_path: Path, first: float, level: float, spread: float
) -> None:
    values = RNG.normal(level, spread, 3000)
    values[0] = first
    diagnosis = table(tmp_path / "l.tsv", {"step": np.arange(3000), "loss": values, "lr": np.full(3000, 1e-4)}, "\t")
    assert alarms(diagnosis) <= {"plateau"}


@pytest.mark.parametrize("names", [("Epoch", "loss"), ("epoch", "train loss"), ("Epoch", "cost")])
def test_where_nothing_was_ever_finite_nobody_is_sent_back_to_a_checkpoint(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    lines = [f"{names[0]} {n} {names[1]}: nan val_accuracy: 0.0{n}" for n in range(1, 9)]
    diagnosis = text(tmp_path / "t.log", lines)
    finding = next(finding for finding in diagnosis.findings if finding.name == "non-finite-loss")
    assert "nothing to go back to" in finding.advice
    assert finding.prescriptions == ()
    assert diagnosis.stop is None


@pytest.mark.parametrize("last", [40.0, 3.0, 0.9])
def test_infinite_training_losses_beside_a_validation_that_improves_are_single_clips(
    tmp_path: Path, last: float
) -> None:
    lines = [f"epoch {n} train loss inf val loss {3 * last - n * 2 * last / 14:.3f}" for n in range(15)]
    diagnosis = text(tmp_path / "t.log", lines)
    finding = next(finding for finding in diagnosis.findings if finding.name == "non-finite-loss")
    assert "infinite" in finding.message
    assert "weights are fine" in finding.advice
    assert finding.prescriptions == ()


@pytest.mark.parametrize(("start", "end", "done"), [(5.3, 4.85, 40), (2.31, 2.12, 30), (0.71, 0.66, 35)])
def test_a_loss_that_fell_first_is_not_said_to_have_never_fallen(
    tmp_path: Path, start: float, end: float, done: int
) -> None:
    epochs = np.arange(1, 101)
    values = end + (start - end) * np.exp(-epochs / (done / 4)) + RNG.normal(0, 0.001 * end, 100)
    diagnosis = table(tmp_path / "n.csv", {"epoch": epochs, "train_loss": values})
    finding = next(finding for finding in diagnosis.findings if finding.name == "plateau")
    assert "has been near" in finding.message
    assert "tokenizer" not in finding.advice


@pytest.mark.parametrize(
    ("val", "rate"),
    [([6.6, 8.4, 5.3, 6.9, 6.1, 6.3, 6.6, 6.0], 1.0), ([2.1, 2.0, 2.2, 2.1, 2.0, 2.1, 2.2, 2.1, 2.1], 0.6)],
)
def test_training_to_nothing_while_validation_stays_flat_is_no_healthy_run(
    tmp_path: Path, val: list[float], rate: float
) -> None:
    epochs = np.arange(len(val))
    diagnosis = table(tmp_path / "g.csv", {"epoch": epochs, "loss": 0.43 * np.exp(-rate * epochs), "val_loss": val})
    assert "overfitting" in alarms(diagnosis)
    assert diagnosis.stop is not None
    assert diagnosis.stop.recommendation is Recommendation.STOP


@pytest.mark.parametrize("losses", [(0.544, 0.389, 0.262, 0.697), (48, 32, 63, 38), (2.1, 1.7, 1.2, 1.9, 2.6)])
@pytest.mark.parametrize("first", [1_855_600, 30_000])
def test_a_few_batches_from_the_middle_of_a_run_are_too_few_to_judge(
    tmp_path: Path, losses: tuple[float, ...], first: int
) -> None:
    """Not divergence, whatever they fell before: what came before is not shown."""
    lines = [f"Iteration {first + 100 * n}, loss = {loss}" for n, loss in enumerate(losses)]
    diagnosis = text(tmp_path / "train.log", lines)
    assert diagnosis.verdict is Verdict.INCONCLUSIVE
    assert alarms(diagnosis) == set()


@pytest.mark.parametrize(("low", "start"), [(0.47, 1.41), (2.0, 6.1), (0.11, 0.36)])
def test_ten_points_that_fall_once_and_climb_for_the_rest_have_diverged(
    tmp_path: Path, low: float, start: float
) -> None:
    climb = low * np.array([1.0, 1.25, 1.51, 1.4, 2.1, 1.43, 1.49, 1.87, 1.77])
    lines = [
        f"{{'loss': {value:.4f}, 'learning_rate': 0.0005, 'epoch': {0.05 * (n + 1):.2f}}}"
        for n, value in enumerate([start, *climb])
    ]
    assert "divergence" in alarms(text(tmp_path / "r.log", lines))


@pytest.mark.parametrize(("first", "last", "planned"), [(300, 360, 400), (81, 140, 200), (1200, 1260, 2000)])
def test_the_level_tail_of_a_long_run_is_not_judged_as_a_whole_run(
    tmp_path: Path, first: int, last: int, planned: int
) -> None:
    lines = [
        f"Epoch {n}/{planned} train loss {RNG.normal(0.413, 0.006):.4f} valid loss {RNG.normal(0.434, 0.004):.4f}"
        for n in range(first, last + 1)
    ]
    diagnosis = text(tmp_path / "t.log", lines)
    assert diagnosis.verdict is Verdict.INCONCLUSIVE
    assert any(f"begins at epoch {first:,}" in reason for reason in diagnosis.reasons)
    assert diagnosis.stop is not None
    assert diagnosis.stop.recommendation is Recommendation.CANNOT_TELL


@pytest.mark.parametrize(("best", "top"), [(2.69, 5.2), (0.31, 0.55), (41.0, 66.0)])
def test_validation_alone_that_doubles_is_a_finding(tmp_path: Path, best: float, top: float) -> None:
    falling = np.geomspace(4 * best, best, 9)
    rising = np.linspace(best, top, 22)[1:]
    values = np.concatenate([falling, rising])
    diagnosis = table(tmp_path / "v.csv", {"epoch": np.arange(30), "val_loss": values})
    assert alarms(diagnosis) & {"overfitting", "divergence"}
    assert diagnosis.stop is not None
    assert diagnosis.stop.recommendation is Recommendation.STOP


@pytest.mark.parametrize(("top", "end"), [(0.0166, 0.0078), (0.021, 0.0071), (0.0152, 0.0084)])
def test_a_rough_start_of_fine_tuning_that_is_made_good_is_no_error(tmp_path: Path, top: float, end: float) -> None:
    epochs = np.arange(100)
    bump = np.interp(epochs, [0, 10, 30, 100], [0.0088, top, 0.011, end])
    val = np.interp(epochs, [0, 8, 30, 100], [0.006, 0.015, 0.006, 0.0029])
    rate = np.interp(epochs, [0, 3, 100], [0.0033, 0.0132, 0.0001])
    diagnosis = table(
        tmp_path / "b.csv", {"epoch": epochs, "train_loss": noisy(bump, 0.02), "val_loss": val, "lr": rate}
    )
    assert not alarms(diagnosis) & {"oscillation", "divergence", "learning-rate-too-high"}


@pytest.mark.parametrize(("loader", "step"), [(4.72, 0.31), (1.9, 0.8), (0.25, 0.11)])
def test_a_run_that_waits_for_its_data_is_said(tmp_path: Path, loader: float, step: float) -> None:
    values = noisy(descent(40), 0.02)
    lines = []
    for n, value in enumerate(values):
        lines += [
            f"   --> TIME: 2026-03-01 10:{n:02d}:00 -- STEP: {25 * n}/1000 -- GLOBAL_STEP: {25 * n}",
            f"     | > loss: {value:.5f}  ({value:.3f})",
            f"     | > step_time: {step * RNG.uniform(0.95, 1.05):.4f}  ({step:.2f})",
            f"     | > loader_time: {loader * RNG.uniform(0.95, 1.05):.4f}  ({loader:.2f})",
            "",
        ]
    assert alarms(text(tmp_path / "trainer_0_log.txt", [" > EPOCH: 0/100", "", *lines])) == {"slow-loader"}


TIME = np.linspace(0, 1, 300)


@pytest.mark.parametrize(
    ("generator", "discriminator", "high", "left"),
    [("loss_gen", "loss_dis", 13.0, 0.07), ("G loss", "D loss", 6.0, 0.001), ("loss_G", "errorD", 40.0, 0.1)],
)
def test_a_discriminator_that_has_won_is_named(
    tmp_path: Path, generator: str, discriminator: str, high: float, left: float
) -> None:
    """Silence over a generator that climbs for good while nothing is left of its opponent's loss."""
    climbing = noisy(3 * (high / 3) ** TIME, 0.1)
    lost = noisy(left ** np.sqrt(TIME), 0.3, 1)
    diagnosis = table(tmp_path / "g.csv", {"step": np.arange(300), generator: climbing, discriminator: lost})
    assert alarms(diagnosis) == {"divergence"}
    assert "discriminator has won" in diagnosis.findings[0].message


@pytest.mark.parametrize(
    ("generator", "discriminator", "stuck"), [("g_loss", "d_loss", 50.0), ("Gen loss", "Disc loss", 9.0)]
)
def test_a_generator_that_has_won_is_named(tmp_path: Path, generator: str, discriminator: str, stuck: float) -> None:
    """From two thirds on nothing is left of its loss, and its opponent's is the same high number in every row."""
    dead = TIME > 2 / 3
    fooled, fools = np.where(dead, stuck, noisy(0.6 + 0 * TIME, 0.2)), np.where(dead, 0.0, noisy(3 + TIME, 0.2, 1))
    diagnosis = table(tmp_path / "g.csv", {"step": np.arange(300), generator: fools, discriminator: fooled})
    assert alarms(diagnosis) == {"divergence"}
    assert "generator has won" in diagnosis.findings[0].message


@pytest.mark.parametrize(("rise", "kept"), [(1.2, 0.5), (0.7, 0.6), (1.0, 0.35)])
def test_two_networks_in_balance_are_healthy(tmp_path: Path, rise: float, kept: float) -> None:
    """After a shift at the start both losses stay where they are."""
    settle = 1 - np.exp(-20 * TIME)
    columns = {"g_loss": noisy(rise**settle, 0.15), "d_loss": noisy(0.7 * kept**settle, 0.15, 1)}
    diagnosis = table(tmp_path / "b.csv", {"step": np.arange(300), **columns})
    assert diagnosis.verdict is Verdict.HEALTHY


@pytest.mark.parametrize(("points", "high"), [(8, [4]), (14, [2, 5, 8]), (20, [6, 9, 12, 15])])
def test_losses_of_a_thousand_times_the_first_are_no_noise(tmp_path: Path, points: int, high: list[int]) -> None:
    """In a short curve the noise is that of its spikes; a factor of a thousand is none."""
    losses = noisy(np.linspace(3, 2.5, points), 0.05)
    losses[high] *= 10.0 ** np.arange(3, 3 + len(high))
    assert "loss-spike" in alarms(table(tmp_path / "s.csv", {"step": np.arange(points), "loss": losses}))


@pytest.mark.parametrize(("start", "best", "end"), [(3.5, 0.08, 0.6), (900.0, 20.0, 110.0), (1.1, 0.01, 0.09)])
def test_a_scattering_climb_to_the_end_is_divergence(tmp_path: Path, start: float, best: float, end: float) -> None:
    """It turns by half of its spread again and again, and rises all the while: no oscillation."""
    fall = np.geomspace(start, best, 20)
    climb = noisy(np.geomspace(best, end, 280), 0.25)
    losses = np.concatenate([fall, climb])
    assert "divergence" in alarms(table(tmp_path / "c.csv", {"step": np.arange(300), "loss": losses}))


@pytest.mark.parametrize(
    ("tag", "best", "last"), [("ep_rew_mean", 200, 50), ("reward", -20, -90), ("return", 0.9, 0.2)]
)
def test_a_reward_that_collapses_is_told_whatever_the_losses_do(
    tmp_path: Path, tag: str, best: float, last: float
) -> None:
    learned = best - abs(best) * np.exp(-6 * TIME)
    reward = np.where(TIME < 0.6, learned, last) + 0.02 * abs(best) * RNG.standard_normal(300)
    columns = {"step": np.arange(300), tag: reward, "value_loss": noisy(descent(300), 0.3), "approx_kl": 0.01 + TIME}
    diagnosis = table(tmp_path / "p.csv", columns)
    assert alarms(diagnosis) == {"worsening-metric"}
    assert diagnosis.stop is not None
    assert diagnosis.stop.best_value == pytest.approx(best, abs=0.1 * abs(best))


@pytest.mark.parametrize(
    "line",
    [
        "Episode {n}\tAverage Score: {x:.2f}",
        "Episode: {n}, total reward: {x:.2f}, epsilon: 0.1",
        "[episode {n}] return={x:.3f} length=200",
    ],
    ids=["a score", "a reward", "a return"],
)
@pytest.mark.parametrize("learns", [True, False])
def test_a_log_of_nothing_but_rewards_is_judged_by_them(tmp_path: Path, line: str, learns: bool) -> None:
    rewards = (-200 + 190 * (1 - np.exp(-5 * TIME)) if learns else np.full(300, -200.0)) + 9 * RNG.standard_normal(300)
    diagnosis = text(tmp_path / "rl.log", [line.format(n=n, x=x) for n, x in enumerate(rewards, 1)])
    assert alarms(diagnosis) == (set() if learns else {"plateau"})
    assert diagnosis.stop is not None


@pytest.mark.parametrize(("at", "decay", "height"), [(0.6, 2.2, 4.1), (0.4, 4.0, 2.0), (0.75, 1.5, 9.0)])
def test_a_rate_that_is_back_at_its_peak_at_once_with_the_loss_is_a_broken_resume(
    tmp_path: Path, at: float, decay: float, height: float
) -> None:
    """Not the one cycle of a cosine: its rate falls to nothing before, and the loss comes back slowly."""
    points, place = 100, int(at * 100)
    since = np.concatenate([np.arange(place), np.arange(points - place)]) / place
    loss = noisy(0.1 * height + 0.9 * height * np.exp(-4 * since), 0.02)
    columns = {"epoch": np.arange(points), "loss": loss, "lr": 1e-3 * np.exp(-decay * since)}
    assert "broken-resume" in alarms(table(tmp_path / "r.csv", columns))


@pytest.mark.parametrize(("overflow", "lost"), [(240, 260), (10, 50), (90, 91)])
def test_a_nan_after_gradients_that_overflowed_did_not_come_out_of_nothing(
    tmp_path: Path, overflow: int, lost: int
) -> None:
    steps, losses, norms = np.arange(300), noisy(descent(300)), np.ones(300)
    losses[lost:], norms[overflow:lost] = np.nan, np.inf
    diagnosis = table(tmp_path / "n.csv", {"step": steps, "loss": losses, "grad_norm": norms})
    finding = next(one for one in diagnosis.findings if one.name == "non-finite-loss")
    assert f"overflowed first, at step {overflow}" in finding.advice


@pytest.mark.parametrize(("level", "points", "noise"), [(0.115, 22, 0.08), (4.6, 21, 0.07), (310.0, 24, 0.06)])
def test_twenty_points_without_any_trend_are_a_plateau(tmp_path: Path, level: float, points: int, noise: float) -> None:
    losses = level * np.exp(noise * np.tile([1, -1, 0.5, -0.5], 6)[:points])
    assert alarms(table(tmp_path / "f.csv", {"step": np.arange(points), "loss": losses})) == {"plateau"}


@pytest.mark.parametrize(("at", "factor", "long"), [(0.3, 3.0, 30), (0.5, 20.0, 12), (0.7, 6.0, 40)])
def test_a_validation_that_is_thrown_up_for_a_while_is_told_and_no_alarm(
    tmp_path: Path, at: float, factor: float, long: int
) -> None:
    """Training did not feel it: it runs on other statistics than evaluation does, and all came back."""
    val = noisy(1.1 * descent(300), 0.02, 1)
    val[int(300 * at) : int(300 * at) + long] *= factor
    columns = {"epoch": np.arange(300), "train_loss": noisy(descent(300), 0.02), "val_loss": val}
    diagnosis = table(tmp_path / "v.csv", columns)
    assert alarms(diagnosis) == set()
    assert "loss-spike" in {one.name for one in diagnosis.findings}


@pytest.mark.parametrize(("points", "best", "end"), [(40, 15, 1.45), (60, 10, 2.5), (25, 9, 0.9)])
def test_validation_alone_that_turns_and_climbs_evenly_is_overfitting(
    tmp_path: Path, points: int, best: int, end: float
) -> None:
    val = np.concatenate([np.geomspace(1.2, 0.58, best), np.linspace(0.58, end, points - best)])
    diagnosis = table(tmp_path / "o.csv", {"epoch": np.arange(points), "val_loss": noisy(val, 0.01)})
    assert alarms(diagnosis) == {"overfitting"}


@pytest.mark.parametrize(("first", "last"), [(-200, -20), (1, 480), (0.1, 0.8)])
def test_a_reward_that_grows_is_judged_though_no_loss_can_be(tmp_path: Path, first: float, last: float) -> None:
    reward = last + (first - last) * np.exp(-4 * TIME) + 0.05 * abs(last - first) * RNG.standard_normal(300)
    columns = {"step": np.arange(300), "ep_rew_mean": reward, "value_loss": noisy(np.ones(300), 0.4), "kl": TIME}
    assert table(tmp_path / "r.csv", columns | {"approx_kl": 0.01 + TIME}).verdict is Verdict.HEALTHY


@pytest.mark.parametrize(("noise", "at", "long"), [(0.5, 90, 80), (0.35, 150, 60), (0.45, 60, 50)])
def test_a_loud_loss_that_is_thrown_up_for_a_while_is_no_second_launch(
    tmp_path: Path, noise: float, at: int, long: int
) -> None:
    """Within so much noise anything is near the beginning; a launch that begins anew falls again as it did."""
    losses = noisy(0.3 + 1.7 * np.exp(-np.arange(600) / 12), noise)
    losses[at : at + long] *= 8
    said = alarms(table(tmp_path / "t.csv", {"step": np.arange(600), "loss": losses}))
    assert said & {"loss-spike", "oscillation"}


@pytest.mark.parametrize(("top", "low", "points"), [(2.7, 0.45, 100), (1.9, 0.3, 60), (4.0, 0.6, 150)])
def test_a_fine_tune_that_its_first_steps_threw_and_that_ends_below_its_start_is_healthy(
    tmp_path: Path, top: float, low: float, points: int
) -> None:
    """Validation was thrown within the warm-up; the last evaluations scatter about the best."""
    time = np.linspace(0, 1, points)
    val = np.where(time < 0.02, 1.0, low + (top - low) * np.exp(-5 * time))
    columns = {"epoch": np.arange(points), "train_loss": noisy(np.exp(-time), 0.01), "val_loss": noisy(val, 0.01, 1)}
    assert alarms(table(tmp_path / "b.csv", columns)) == set()


@pytest.mark.parametrize(("level", "fall", "speed"), [(4.85, 0.4, 8), (1.2, 0.09, 8), (31.0, 2.4, 7.5)])
def test_a_loss_that_won_little_and_creeps_for_half_of_the_run_is_a_plateau(
    tmp_path: Path, level: float, fall: float, speed: float
) -> None:
    """What is won after the middle is surely more than nothing, and surely not worth the second half."""
    time = np.linspace(0, 1, 120)
    losses = level + fall * (np.exp(-speed * time) - 0.02 * time)
    assert "plateau" in alarms(table(tmp_path / "p.csv", {"epoch": np.arange(120), "loss": noisy(losses, 0.0008)}))


@pytest.mark.parametrize(("box", "obj"), [(0.03, 0.08), (1.4, 4.0), (0.5, 31.0)])
def test_a_part_of_validation_that_is_greater_than_the_headline_is_not_hidden_by_it(
    tmp_path: Path, box: float, obj: float
) -> None:
    """A detector logs no total: one of its losses stands for it, and is at its best while another turned long ago."""
    epochs, time = np.arange(60), np.linspace(0, 1, 60)
    columns = {
        "epoch": epochs,
        "train/box_loss": noisy(box * (0.4 + np.exp(-3 * time)), 0.01),
        "train/obj_loss": noisy(obj / 20 * np.exp(-2 * time), 0.01, 1),
        "val/box_loss": noisy(box * (0.6 + np.exp(-3 * time)), 0.01, 2),
        "val/obj_loss": noisy(obj / 20 * np.where(time < 0.2, 2 - 5 * time, 1 + 23 * (time - 0.2)), 0.01, 3),
    }
    diagnosis = table(tmp_path / "results.csv", columns)
    assert alarms(diagnosis) == {"overfitting"}
    assert diagnosis.stop is not None
    assert diagnosis.stop.metric == "val/obj_loss"
    assert abs(diagnosis.stop.best_step - 12) <= 2
    assert f"epoch {diagnosis.stop.best_step}" in diagnosis.findings[0].message


@pytest.mark.parametrize(("drift", "found"), [(0.0, "overfitting"), (0.25, "divergence"), (-1.0, "overfitting")])
@pytest.mark.parametrize("scale", [0.02, 700.0])
def test_validation_that_rises_alone_is_overfitting_and_with_training_divergence(
    tmp_path: Path, drift: float, found: str, scale: float
) -> None:
    time = np.linspace(0, 1, 80)
    train = scale * np.exp(np.where(time < 0.3, -3 * time, -0.9 + drift * (time - 0.3) / 0.7))
    val = 1.1 * scale * np.exp(np.where(time < 0.3, -3 * time, -0.9 + (time - 0.3)))
    columns = {"epoch": np.arange(80), "train_loss": noisy(train, 0.01), "val_loss": noisy(val, 0.01, 1)}
    assert found in alarms(table(tmp_path / "v.csv", columns))


@pytest.mark.parametrize(("tag", "values"), [("val_acc", (0.4, 0.83, 0.7)), ("dev WER", (90.0, 12.0, 15.0))])
def test_where_only_a_metric_is_held_out_the_best_is_that_of_the_metric(
    tmp_path: Path, tag: str, values: tuple[float, ...]
) -> None:
    epochs = np.arange(1, 13)
    metric = np.interp(epochs, [1, 7, 12], values)
    diagnosis = table(tmp_path / "m.csv", {"epoch": epochs, "train loss": 3 * 0.8**epochs, tag: metric})
    assert diagnosis.stop is not None
    assert (diagnosis.stop.metric, diagnosis.stop.best_step) == (tag, 7)
    assert diagnosis.stop.best_value == pytest.approx(values[1])


@pytest.mark.parametrize(("length", "decay"), [(110, 0.95), (150, 0.96), (90, 0.93)])
def test_what_a_broken_resume_explains_asks_for_no_other_learning_rate(
    tmp_path: Path, length: int, decay: float
) -> None:
    at = length // 2
    since = np.where(np.arange(length) < at, np.arange(length), np.arange(length) - at)
    loss = 0.31 + 3.1 * np.exp(-since / at * 4)
    columns = {"Epoch": np.arange(length), "loss/train": noisy(loss, 0.01), "loss/valid": noisy(1.1 * loss, 0.01, 1)}
    diagnosis = table(tmp_path / "h.tsv", columns | {"learning_rate": 0.02 * decay**since}, "\t")
    assert "broken-resume" in alarms(diagnosis)
    assert diagnosis.prescriptions == ()
    assert diagnosis.stop is not None
    assert diagnosis.stop.recommendation is not Recommendation.STOP


@pytest.mark.parametrize(("level", "points"), [(812.0, 300), (0.02, 2000)])
def test_noise_at_a_high_rate_is_no_fault_before_which_the_loss_was_best(
    tmp_path: Path, level: float, points: int
) -> None:
    columns = {"step": np.arange(points), "loss": noisy(np.full(points, level), 0.1), "lr": np.full(points, 0.01)}
    diagnosis = table(tmp_path / "p.csv", columns)
    assert alarms(diagnosis) == {"plateau"}
    assert all("before the fault" not in cure.why for cure in diagnosis.prescriptions)


@pytest.mark.parametrize(("first", "last", "rate"), [(6.28, 4.64, 8e-7), (0.0391, 0.0288, 1e-4), (510.0, 380.0, 2e-4)])
def test_twelve_epochs_that_fall_by_a_quarter_are_not_too_slow(
    tmp_path: Path, first: float, last: float, rate: float
) -> None:
    train = np.linspace(first, last, 12)
    columns = {"epoch": np.arange(1, 13), "train loss": train, "valid loss": 0.93 * train, "lr": np.full(12, rate)}
    assert alarms(table(tmp_path / "s.csv", columns)) == set()


@pytest.mark.parametrize(("best", "scale"), [(10, 150.0), (6, 0.02)])
def test_what_is_said_of_the_last_evaluations_is_what_the_log_holds(tmp_path: Path, best: int, scale: float) -> None:
    epochs = np.arange(40)
    val = scale * np.where(epochs < best, 2 - epochs / best, 1 + 0.02 * (epochs - best))
    diagnosis = table(tmp_path / "o.csv", {"epoch": epochs, "train_loss": 0.9**epochs, "val_loss": val})
    last = float(np.median(val[-6:]))
    rise = f"{last / val[best] - 1:.0%} above that in the last 6 evaluations (near {last:.4g})"
    assert rise in diagnosis.findings[0].message


@pytest.mark.parametrize(
    "rows",
    [
        ("model,MAE,RMSE", "Linear,3.21,4.8", "Ridge,3.2,4.79", "Forest,2.1,3.4", "XGB,1.93,3.22", "LSTM,2.4,3.9"),
        (
            "data,horizon,mae,mse",
            "ETT,96,.4,.4",
            "ETT,192,.5,.6",
            "Weather,96,.2,.3",
            "Traffic,96,.3,.6",
            "Traffic,192,.3,.7",
        ),
        ("Method\ttest loss\tF1", "BERT-base\t.31\t88.1", "ours w/o aux\t.29\t89.0", "ours\t.27\t89.9"),
    ],
)
def test_a_table_whose_rows_are_models_is_no_training(tmp_path: Path, rows: tuple[str, ...]) -> None:
    (tmp_path / "results.csv").write_text("\n".join(rows) + "\n")
    with pytest.raises(LogError):
        analyze(tmp_path / "results.csv")


@pytest.mark.parametrize(("start", "end"), [(812, 690), (0.041, 0.033), (5.2, 4.3)])
def test_a_fall_is_said_as_a_share_of_what_it_fell_from(tmp_path: Path, start: float, end: float) -> None:
    columns = {"step": np.arange(400), "loss": np.linspace(start, end, 400), "lr": np.full(400, 2e-6)}
    diagnosis = table(tmp_path / "s.csv", columns)
    slow = next(one for one in diagnosis.findings if one.name == "slow-learning")
    trend = signals(diagnosis.facts).train
    assert trend is not None
    share = 1 - trend.loss(trend.end) / trend.loss(trend.start)
    assert slow.evidence[0].sentence == f"fell by {share:.0%} in all"


@pytest.mark.parametrize(("low", "turn"), [(-1.2, 16), (-40.0, 25)])
def test_a_likelihood_below_zero_has_no_per_cent(tmp_path: Path, low: float, turn: int) -> None:
    epochs = np.arange(60)
    train = low * (2 - np.exp(-epochs / 12)) - low / 2
    val = np.where(epochs < turn, low * epochs / turn, low + abs(low) * (epochs - turn) / 30)
    diagnosis = table(tmp_path / "f.csv", {"epoch": epochs, "train_nll": train, "val_nll": val})
    assert alarms(diagnosis) == {"overfitting"}
    assert "%" not in diagnosis.findings[0].message


@pytest.mark.parametrize("lost", [0, 5])
def test_a_validation_loss_that_alone_is_not_a_number_leaves_the_training_as_it_is(tmp_path: Path, lost: int) -> None:
    """The evaluation is broken: an empty set, half precision. Nobody goes back, or lowers a rate, for it."""
    val = np.where(np.arange(12) < lost, 3.1 * 0.9 ** np.arange(12), np.nan)
    columns = {"epoch": np.arange(12), "train_loss": np.geomspace(3, 0.6, 12), "val_loss": val}
    diagnosis = table(tmp_path / "v.csv", columns)
    assert alarms(diagnosis) == {"non-finite-loss"}
    assert "weights are fine" in diagnosis.findings[0].advice
    assert diagnosis.prescriptions == ()
    assert diagnosis.stop is not None
    assert diagnosis.stop.recommendation is not Recommendation.STOP


@pytest.mark.parametrize(("first", "points"), [(120, 40), (43, 20)])
def test_a_best_that_is_the_first_of_a_log_from_the_middle_is_no_number_of_epochs(
    tmp_path: Path, first: int, points: int
) -> None:
    rows = zip(np.linspace(0.2, 0.1, points), np.linspace(0.5, 0.8, points), strict=True)
    lines = [f"Epoch [{first + n}/300] train_loss: {a:.4f} val_loss: {b:.4f}" for n, (a, b) in enumerate(rows)]
    diagnosis = text(tmp_path / "x.log", lines)
    assert alarms(diagnosis) == {"overfitting"}
    assert f"best of what is logged at epoch {first}" in diagnosis.findings[0].message
    assert all(edit.parameter != "max_epochs" for cure in diagnosis.prescriptions for edit in cure.edits)


@pytest.mark.parametrize(("start", "end", "points"), [(2.5e4, 7.1e3, 9), (0.9, 0.2, 12), (41.0, 30.0, 20)])
def test_a_validation_that_is_best_at_the_end_does_not_overfit(
    tmp_path: Path, start: float, end: float, points: int
) -> None:
    """The last evaluations together are above the last of them: that is a fall, not a rise."""
    val = np.geomspace(start, end, points)
    columns = {"epoch": np.arange(points), "train loss": 0.9 * val, "val loss": val}
    assert alarms(table(tmp_path / "o.csv", columns)) == set()
