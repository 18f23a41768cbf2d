"""Promise 21: two may watch what one writes; two trainers never work in one folder, and a dead one's lock is free."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.promises.commands import ROOT, TTSDOC, environment_with, error_lines, refused, ttsdoc

ROWS = [json.dumps({"step": 10 * n, "loss": 3 / (1 + n / 20) if n < 90 else float("nan")}) + "\n" for n in range(150)]


def test_two_watch_one_writer_and_both_see_the_fault(tmp_path: Path) -> None:
    log = tmp_path / "metrics.jsonl"
    log.write_text("".join(ROWS[:20]))
    command = [*TTSDOC, "watch", str(tmp_path), "--interval", "0.1", "--until", "error"]
    watchers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
                         env=environment_with({}))
        for _ in range(2)
    ]  # fmt: skip
    for start in range(20, len(ROWS), 10):
        with log.open("a") as file:
            file.write("".join(ROWS[start : start + 10]))
        time.sleep(0.2)
    for watcher in watchers:
        output, errors = watcher.communicate(timeout=120)
        assert "Traceback" not in errors
        assert watcher.returncode == 1, errors
        assert "900" in output + errors
    assert log.read_text() == "".join(ROWS)


@pytest.mark.skipif(find_spec("torch") is None, reason="the trainer needs torch: pip install 'ttsdoc[train]'")
def test_a_second_trainer_is_refused_while_the_first_lives_and_no_longer(tmp_path: Path) -> None:
    from tests.trainer.test_process import config, start, wait_for
    from tests.trainer.tiny import data_set

    long = {"max_epochs": 400, "save_interval": 3, "early_stopping": False}
    path = config(tmp_path, data_set(tmp_path / "words"), training=long)
    first = start(path, "--out", tmp_path / "run")
    try:
        wait_for(tmp_path / "run" / "metrics.jsonl", first, lines=8)
        refused(ttsdoc("train", path, "--out", tmp_path / "run", "--resume"), f"process {first.pid}")
    finally:
        first.send_signal(signal.SIGKILL)
        first.communicate()
    second = start(path, "--out", tmp_path / "run", "--resume")
    before = (tmp_path / "run" / "metrics.jsonl").read_bytes().count(b"\n")
    wait_for(tmp_path / "run" / "metrics.jsonl", second, lines=before + 3)
    second.send_signal(signal.SIGTERM)
    _, errors = second.communicate()
    assert "another trainer" not in errors


def test_two_fixes_in_place_leave_one_whole_config(tmp_path: Path) -> None:
    config, log = tmp_path / "config.yaml", tmp_path / "metrics.jsonl"
    config.write_text("learning_rate: 0.01\nbatch_size: 16\nepochs: 100\n")
    log.write_text("".join(ROWS))
    command = [*TTSDOC, "fix", str(config), "--logs", str(log), "--in-place"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
                             env=environment_with({})) for _ in range(2)]  # fmt: skip
    errors = [one.communicate(timeout=120)[1] for one in both]
    assert not [text for text in errors if "Traceback" in text]
    error_lines(ttsdoc("check", config))
    assert config.read_text().startswith("learning_rate: ")
    assert config.read_text().count("\n") >= 3
