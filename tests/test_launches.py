"""Several launches in one log: the last is judged, and what went wrong in those before it is told, no more."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import diagnose
from diagnose.engine import examine
from diagnose.finding import Diagnosis, Severity, Verdict
from diagnose.gather import facts_of_run
from diagnose.live.news import News
from diagnose.readers import read
from tests.curves import Floats, descent, noisy, spiked, turned
from tests.readers.events import scalar, write
from tests.test_cli import ttsdoc

POINTS = 60
LAUNCHES = {
    "csv": lambda epoch, loss: f"{epoch},{loss:.5f}",
    "text": lambda epoch, loss: f"epoch {epoch} loss: {loss:.5f}",
    "jsonl": lambda epoch, loss: json.dumps({"epoch": epoch, "loss": loss}),
}


def healthy(seed: int = 1) -> Floats:
    return noisy(descent(POINTS), 0.01, seed)


def log(path: Path, *launches: Floats, kind: str = "csv") -> Path:
    """A log to which each launch appended its epochs."""
    rows = [LAUNCHES[kind](epoch, loss) for losses in launches for epoch, loss in enumerate(losses, 1)]
    path.write_text("\n".join([*(["epoch,loss"] if kind == "csv" else []), *rows, ""]), "utf-8")
    return path


def diagnosed(path: Path) -> Diagnosis:
    (found,) = diagnose.analyze(path)
    return found


def of_earlier(diagnosis: Diagnosis) -> dict[str, str]:
    return {one.name: one.message for one in diagnosis.findings if one.launch}


@pytest.mark.parametrize("kind", LAUNCHES)
@pytest.mark.parametrize(
    ("losses", "name"),
    [
        (spiked(healthy(2), 0.5, 30.0), "loss-spike"),
        (turned(healthy(2), 0.5, 0.9), "divergence"),
        (np.where(np.arange(POINTS) < 40, healthy(2), np.nan), "non-finite-loss"),
    ],
    ids=["spike", "divergence", "nan"],
)
def test_a_fault_of_an_earlier_launch_is_told_and_the_last_one_judged(
    tmp_path: Path, kind: str, losses: Floats, name: str
) -> None:
    if kind == "jsonl" and not np.isfinite(losses).all():
        losses = np.where(np.isfinite(losses), losses, np.inf)
    diagnosis = diagnosed(log(tmp_path / f"train.{'log' if kind == 'text' else kind}", losses, healthy(), kind=kind))
    assert diagnosis.verdict is Verdict.HEALTHY
    assert of_earlier(diagnosis)[name].startswith(f"An earlier launch (number 1, epoch 1 to {POINTS}): ")
    assert diagnosis.prescriptions == ()
    assert {one.severity for one in diagnosis.findings if one.launch} == {Severity.WARNING}


def test_how_far_an_earlier_launch_came_is_no_news(tmp_path: Path) -> None:
    """It was given up: that it was flat or slow is why."""
    assert of_earlier(diagnosed(log(tmp_path / "train.csv", noisy(np.full(POINTS, 2.3)), healthy()))) == {}


def test_launches_with_the_same_fault_are_told_once(tmp_path: Path) -> None:
    thrown = [spiked(healthy(seed), 0.5, 30.0) for seed in (2, 3, 4)]
    told = of_earlier(diagnosed(log(tmp_path / "train.csv", *thrown, healthy())))
    assert told["loss-spike"].startswith(f"An earlier launch (number 1, epoch 1 to {POINTS}, and 2 others): ")


def test_a_fault_that_the_last_launch_has_too_is_told_of_that_one(tmp_path: Path) -> None:
    diagnosis = diagnosed(log(tmp_path / "train.csv", spiked(healthy(2), 0.5, 30.0), spiked(healthy(3), 0.5, 30.0)))
    assert diagnosis.verdict is Verdict.UNHEALTHY
    assert of_earlier(diagnosis) == {}


def test_a_launch_of_a_few_points_is_not_looked_at(tmp_path: Path) -> None:
    assert of_earlier(diagnosed(log(tmp_path / "train.csv", np.array([3.0, 2.9, np.nan]), healthy()))) == {}


def test_who_watches_is_not_called_for_what_is_past(tmp_path: Path) -> None:
    path = log(tmp_path / "train.csv", turned(healthy(2), 0.5, 0.9), healthy())
    assert of_earlier(diagnosed(path)) != {}
    assert News().take(examine(facts_of_run(read(path)))) == []


def test_it_fails_no_pipeline_and_says_so_in_json(tmp_path: Path) -> None:
    path = log(tmp_path / "train.csv", spiked(healthy(2), 0.5, 30.0), healthy())
    done = ttsdoc("analyze", str(path), "--format", "json", "--fail-on", "warning")
    assert done.returncode == 0
    (run,) = json.loads(done.stdout)["runs"]
    assert [one["launch"] for one in run["findings"] if "launch" in one] == [f"number 1, epoch 1 to {POINTS}"]


def test_event_files_that_a_later_launch_replaced_are_told_too(tmp_path: Path) -> None:
    for number, losses in enumerate((turned(healthy(2), 0.5, 0.9), healthy())):
        events = [scalar("loss", 10 * step, float(loss), 1.7e9 + 1000 * number) for step, loss in enumerate(losses, 1)]
        write(tmp_path / "tb", events, f"events.out.tfevents.{1700000000 + 1000 * number}.host.1.{number}")
    diagnosis = diagnosed(tmp_path / "tb")
    assert diagnosis.verdict is Verdict.HEALTHY
    assert of_earlier(diagnosis)["divergence"].startswith("An earlier launch (number 1, step 10 to 600): ")


def test_a_launch_that_goes_on_from_a_checkpoint_is_no_earlier_one(tmp_path: Path) -> None:
    losses = healthy()
    for number, steps in enumerate((range(40), range(30, 60))):
        events = [scalar("loss", 10 * step, float(losses[step]), 1.7e9 + 1000 * number) for step in steps]
        write(tmp_path / "tb", events, f"events.out.tfevents.{1700000000 + 1000 * number}.host.1.{number}")
    assert diagnosed(tmp_path / "tb").run.earlier == ()
