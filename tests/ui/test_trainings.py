"""Trainings that a page starts are real processes, written down, and survive the server that started them."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from diagnose.errors import TrainerError
from diagnose.ui.trainings import Trainings, last_words

TRAINER = """\
import pathlib, signal, sys, time
folder = pathlib.Path(sys.argv[2])
print("trains", sys.argv[1], "from", sys.argv[3:], flush=True)
signal.signal(signal.SIGINT, lambda *_: (folder.joinpath("saved").touch(), sys.exit(3)))
folder.joinpath("ready").touch()
time.sleep(60)
"""


@pytest.fixture
def trainings(tmp_path: Path) -> Trainings:
    (tmp_path / "trainer.py").write_text(TRAINER)
    command = [sys.executable, str(tmp_path / "trainer.py"), "{config}", "{log_dir}", "--from", "{resume}"]
    return Trainings(tmp_path, command)


def until(true: Callable[[], bool]) -> None:
    for _ in range(600):
        if true():
            return
        time.sleep(0.05)
    pytest.fail("it did not happen within half a minute")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text("learning_rate: 0.1\n")
    return path


def test_a_training_runs_is_asked_to_save_and_ends_with_its_status(trainings: Trainings, config: Path) -> None:
    training = trainings.start(config)
    until((Path(training.folder) / "ready").exists)
    assert trainings.running(training)
    assert trainings.status(training) is None
    trainings.stop(training)
    until(lambda: not trainings.running(training))
    assert trainings.status(training) == 3
    assert (Path(training.folder) / "saved").exists()
    assert f"trains {config} from []" in last_words(training)


def test_another_server_finds_stops_and_goes_on_with_what_the_first_has_started(
    trainings: Trainings, config: Path, tmp_path: Path
) -> None:
    training = trainings.start(config)
    until((Path(training.folder) / "ready").exists)
    other = Trainings(tmp_path, trainings.command)
    assert other.every() == [training]
    assert other.running(training)
    other.stop(training)
    until(lambda: trainings.status(training) is not None)
    assert not other.running(training)
    assert other.status(training) is None
    again = other.resume(training, "step-7")
    until(lambda: "step-7" in last_words(again))
    assert again.folder == training.folder
    assert [one.name for one in other.every()] == [training.name]
    other.stop(again)
    until(lambda: other.status(again) is not None)


def test_what_runs_is_not_gone_on_with_and_no_checkpoint_is_no_resume(trainings: Trainings, config: Path) -> None:
    training = trainings.start(config)
    until((Path(training.folder) / "ready").exists)
    with pytest.raises(TrainerError, match="is running"):
        trainings.resume(training, "step-7")
    trainings.stop(training)
    until(lambda: not trainings.running(training))
    with pytest.raises(TrainerError, match="no checkpoint"):
        trainings.resume(training, None)


def test_each_start_has_a_folder_of_its_own(trainings: Trainings, config: Path) -> None:
    made = [trainings.start(config) for _ in range(2)]
    assert [one.name for one in made] == ["mine", "mine-2"]
    assert [one.name for one in trainings.every()] == ["mine-2", "mine"]
    for one in made:
        until((Path(one.folder) / "ready").exists)
        trainings.stop(one)
        until(partial(lambda one: not trainings.running(one), one))


def test_a_process_that_only_has_the_same_number_is_left_alone(
    trainings: Trainings, config: Path, tmp_path: Path
) -> None:
    from dataclasses import replace

    training = trainings.start(config)
    until((Path(training.folder) / "ready").exists)
    stranger = replace(training, born="0")
    other = Trainings(tmp_path, trainings.command)
    assert not other.running(stranger)
    other.stop(stranger)
    assert trainings.running(training)
    trainings.stop(training)
    until(lambda: trainings.status(training) is not None)


def test_a_trainer_that_cannot_be_started_is_said_in_one_line(config: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainerError, match="cannot be started"):
        Trainings(tmp_path, ["/no/such/program", "{config}"]).start(config)


def test_a_damaged_book_is_an_empty_one(trainings: Trainings, config: Path, tmp_path: Path) -> None:
    (tmp_path / ".ttsdoc").mkdir()
    (tmp_path / ".ttsdoc" / "trainings.json").write_text('[{"name": ')
    assert trainings.every() == []
    training = trainings.start(config)
    until((Path(training.folder) / "ready").exists)
    assert trainings.every() == [training]
    trainings.stop(training)
    until(lambda: trainings.status(training) is not None)


def test_ctrl_c_in_the_terminal_of_the_page_does_not_reach_the_training(trainings: Trainings, config: Path) -> None:
    import os

    training = trainings.start(config)
    until((Path(training.folder) / "ready").exists)
    assert os.getsid(training.pid) != os.getsid(0)
    os.kill(training.pid, signal.SIGINT)
    until(lambda: trainings.status(training) is not None)
