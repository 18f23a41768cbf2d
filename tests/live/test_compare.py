"""Runs side by side: which is better, is it noise, what differs, and where one leaves the healthy band."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from diagnose.errors import LogError
from diagnose.facts import Facts
from diagnose.live.compare import By, against_band, compare_runs
from diagnose.live.verdict import Noise
from diagnose.report.comparison import as_text
from diagnose.run import Curve, Role, Run

CASES = Path(__file__).parent / "cases"


def run(name: str, end: float, seed: int = 0, points: int = 60, **settings: object) -> Facts:
    """A validation loss that falls from 10 to `end`, with noise of 1 %."""
    draw, steps = np.random.default_rng(seed), np.arange(1, points + 1) * 10
    loss = end + (10 - end) * np.exp(-np.arange(points) / 12)
    loss = loss * (1 + 0.01 * draw.normal(size=points))
    seconds = np.asarray(1e9 + steps * 0.5, dtype=np.float64)
    curves = {
        "loss": Curve("loss", steps, loss * 0.95, role=Role.TRAIN_LOSS),
        "val": Curve("val", steps, loss, role=Role.VAL_LOSS, wall_times=seconds),
    }
    return Facts(Run(name, f"/logs/{name}/metrics.jsonl", "test", curves), settings=settings)


def test_runs_are_ranked_and_named_by_what_differs() -> None:
    found = compare_runs([run("a", 4.0), run("b", 3.0, 1), run("c", 5.0, 2)])
    assert [entry.name for entry in found.entries] == ["b", "a", "c"]
    assert "better by" in found.entries[0].sentence
    assert "more than noise" in found.entries[0].sentence


def test_two_seeds_of_one_training_are_the_same_within_noise() -> None:
    found = compare_runs([run("a", 4.0, 1), run("b", 4.0, 2)])
    assert all("within noise" in entry.sentence or not entry.sentence for entry in found.entries)


def test_of_runs_within_noise_none_is_called_the_best() -> None:
    """Two equal logs, and two seeds of one training: the answer names no winner; a clear one it names."""
    for runs in ([run("a", 4.0), run("b", 4.0)], [run("a", 4.0, 1), run("b", 4.0, 2)]):
        answer = as_text(compare_runs(runs), []).split("\n")[0]
        assert answer.startswith("no winner: ")
        assert "best" not in answer
    assert as_text(compare_runs([run("a", 4.0), run("b", 3.0, 1)]), []).startswith("best: b, val_loss")


def test_a_measured_noise_decides_over_the_estimated_one() -> None:
    runs = [run("a", 4.0), run("b", 3.5, 1)]
    assert any("within noise" in entry.sentence for entry in compare_runs(runs, noise=Noise(2.0, "measured")).entries)


def test_a_longer_run_has_no_advantage() -> None:
    """At the samples that both have seen they are equal, although the longer one ends lower."""
    short, long = run("short", 3.0, points=12, batch_size=8), run("long", 3.0, points=60, batch_size=8)
    assert all("more than noise" not in entry.sentence for entry in compare_runs([short, long]).entries)


def test_the_answer_names_the_run_that_ends_first_and_what_all_have_trained() -> None:
    dead, others = run("dead", 3.0, points=12), [run("a", 3.1, 1), run("b", 5.0, 2)]
    assert " within the first 120 steps, where dead ends: " in as_text(compare_runs([*others, dead]), [])
    assert " within" not in as_text(compare_runs(others), []).split(":")[0]


def test_a_comparison_fits_a_terminal_of_eighty_columns() -> None:
    found = compare_runs([run("a", 4.0), run("b", 3.0, 1), run("c", 5.0, 2)])
    _, *tables = as_text(found, []).split("\n\n")
    assert max(len(line) for table in tables for line in table.split("\n")) <= 80


def test_steps_of_one_run_are_not_held_against_the_samples_of_another() -> None:
    """Only one batch size is known: both are judged by their steps, to the end of the shorter one."""
    known, unknown = run("known", 3.0, points=40, batch_size=8), run("unknown", 3.0, 1, points=60)
    found = compare_runs([known, unknown])
    assert found.within == "within the first 400 steps, where known ends"
    assert all(entry.best and entry.best.step > 300 for entry in found.entries)


def test_runs_of_which_one_died_before_its_first_validation_are_compared_on_the_training_loss() -> None:
    early = run("early", 3.0, 1, points=20)
    early = replace(early, run=replace(early.run, curves={"loss": early.run.curves["loss"]}))
    found = compare_runs([run("a", 4.0), early, run("b", 5.0, 2)])
    assert found.metric == "train_loss"
    assert {entry.best.metric for entry in found.entries if entry.best} == {"train_loss"}


def test_settings_that_differ_are_listed_and_others_are_not() -> None:
    found = compare_runs(
        [run("a", 4.0, learning_rate=1e-3, batch_size=8), run("b", 3.0, learning_rate=1e-4, batch_size=8)]
    )
    assert dict(found.settings) == {"learning_rate": (1e-4, 1e-3)}


def test_alignment_by_sample_accounts_for_the_batch() -> None:
    found = compare_runs([run("a", 4.0, batch_size=8), run("b", 4.0, batch_size=32)], by=By.SAMPLE)
    assert found.places[-1] == 600 * 32
    assert np.isnan(found.losses).any()


def test_a_clock_that_is_not_in_the_log_is_one_line() -> None:
    with pytest.raises(LogError, match="its log has no epoch"):
        compare_runs([run("a", 4.0), run("b", 4.0)], by=By.EPOCH)


def test_a_run_leaves_the_band_where_it_does_and_a_healthy_one_never() -> None:
    healthy = [run(f"h{seed}", 4.0, seed) for seed in range(4)]
    outside = run("left", 4.0, 9)
    val = outside.run.curves["val"]
    values = val.values.copy()
    values[30:] += 3.0
    outside = Facts(
        Run("left", "/logs/left/metrics.jsonl", "test", {"val": Curve("val", val.steps, values, role=Role.VAL_LOSS)})
    )
    left, stayed = against_band([outside, run("fine", 4.0, 11)], healthy)
    assert left.place == pytest.approx(300, abs=30)
    assert left.worse
    assert stayed.place is None


def test_the_command_answers_in_every_format() -> None:
    runs = [str(CASES / name / "metrics.jsonl") for name in ("forgotten-divergence", "patience-beyond-the-end")]
    for form in ("text", "markdown", "json"):
        command = [sys.executable, "-m", "diagnose", "compare", *runs, "--format", form]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "patience-beyond-the-end" in done.stdout.replace("\\", "")
    document = json.loads(done.stdout)
    assert document["ranking"][0]["run"] == "patience-beyond-the-end"
    assert "overfitting" in document["ranking"][0]["findings_new"]


def test_one_run_alone_is_compared_with_its_reference() -> None:
    run, healthy = (str(CASES / name / "metrics.jsonl") for name in ("forgotten-divergence", "healthy"))
    command = [sys.executable, "-m", "diagnose", "compare", run]
    done = subprocess.run([*command, "--reference", healthy], capture_output=True, text=True, check=True)
    assert "leaves the healthy band at" in done.stdout
    alone = subprocess.run(command, capture_output=True, text=True, check=False)
    assert alone.returncode == 2
    assert "--reference" in alone.stderr


def test_what_counts_epochs_is_shown_in_whole_epochs(tmp_path: Path) -> None:
    for name, end in (("a", 0.4), ("b", 0.6)):
        rows = (f"{n},{3 * 0.8**n + end:.4f},{3.3 * 0.8**n + end:.4f}" for n in range(1, 40))
        (tmp_path / f"{name}.csv").write_text("\n".join(["epoch,train_loss,val_loss", *rows]))
    command = [sys.executable, "-m", "diagnose", "compare", "a.csv", "b.csv", "--reference", "a.csv"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "(epoch 39)" in done.stdout
    assert "step" not in done.stdout
    course = done.stdout.partition("\nepoch  ")[2].splitlines()[1:9]
    assert [line.split()[0] for line in course] == ["1", "6", "12", "17", "23", "28", "34", "39"]
