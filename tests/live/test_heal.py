"""The whole loop around a real trainer: a bad rate healed, a healthy run left alone, an end by the user, a crash."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

PLAIN = Path(__file__).with_name("plain.py")
HEALTHY = {"learning_rate": 0.05, "max_steps": 200, "batch_size": 32, "warmup_steps": 40, "pause": 0.01}


def config(folder: Path, **changes: Any) -> Path:
    path = folder / "config.yaml"
    path.write_text("# mine\n" + yaml.safe_dump({"training": HEALTHY | changes}, sort_keys=False), encoding="utf-8")
    return path


def command(path: Path, *options: str, resume: bool = True) -> list[str]:
    trainer = [sys.executable, str(PLAIN), "{config}", "--log-dir", "{log_dir}"]
    trainer += ["--resume", "{resume}"] if resume else []
    heal = [sys.executable, "-m", "diagnose", "heal", str(path), "--out", str(path.parent / "healed")]
    return [*heal, "--interval", "0.2", "--quiet", *options, "--", *trainer]


def healed(path: Path, *options: str, **how: bool) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    done = subprocess.run(command(path, *options, **how), capture_output=True, text=True, check=False)
    record = path.parent / "healed" / "heal.json"
    assert record.exists(), done.stderr
    return done, json.loads(record.read_text("utf-8"))


def test_a_rate_far_too_high_is_stopped_lowered_and_kept_for_the_better(tmp_path: Path) -> None:
    path = config(tmp_path, learning_rate=2.0)
    before = path.read_bytes()
    done, record = healed(path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert record["result"]["verdict"] == "cured"
    first, second = record["attempts"][:2]
    assert first["stopped_by"] in ("learning-rate-too-high", "divergence", "impossible-loss")  # by when it is looked at
    assert first["last_step"] < 200
    assert "learning_rate" in {edit["parameter"] for edit in second["edits"]}
    assert second["accepted"]
    assert second["best_val_loss"] < 0.5
    assert path.read_bytes() == before
    cured = (tmp_path / "healed" / "cured.yaml").read_text("utf-8")
    assert cured.startswith("# mine\n")
    assert yaml.safe_load(cured)["training"]["learning_rate"] < 1.0


def test_a_lower_rate_that_is_no_better_is_halved_once_more_and_then_the_original_is_kept(tmp_path: Path) -> None:
    path = config(tmp_path, learning_rate=2.0)
    done, record = healed(path, "--noise", "1000")
    assert done.returncode == 1, done.stdout + done.stderr
    rates = [edit["now"] for one in record["attempts"] for edit in one["edits"] if edit["parameter"] == "learning_rate"]
    assert len(record["attempts"]) == 3
    assert rates[1] == pytest.approx(rates[0] / 2)
    assert not (tmp_path / "healed" / "cured.yaml").exists()


def test_a_trainer_that_takes_arguments_is_healed_by_those_that_the_command_names(tmp_path: Path) -> None:
    """Only what it passes is changed: the trainer would see nothing of the clipping that belongs to the cure."""
    path, own = config(tmp_path, learning_rate=2.0), tmp_path / "own.yaml"
    own.write_bytes(path.read_bytes())
    words = ["--", sys.executable, str(PLAIN), str(own), "--log-dir", "{log_dir}", "--lr", "{training.learning_rate}"]
    heal = [*command(path)[: command(path).index("--")], *words]
    done = subprocess.run(heal, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = json.loads((tmp_path / "healed" / "heal.json").read_text("utf-8"))["attempts"][:2]
    assert first["command"][-1] == "2.0"
    assert [edit["parameter"] for edit in second["edits"]] == ["learning_rate"]
    assert second["command"][-1] == str(second["edits"][0]["now"])
    assert second["accepted"]


def test_a_healthy_run_is_neither_stopped_nor_changed(tmp_path: Path) -> None:
    done, record = healed(config(tmp_path))
    assert done.returncode == 0, done.stderr
    assert record["result"] == {"attempt": 1, "verdict": "healthy"}
    (only,) = record["attempts"]
    assert only["stopped_by"] is None
    assert only["last_step"] == 200
    assert not (tmp_path / "healed" / "cured.yaml").exists()
    assert "--try-rates" in done.stdout


RIGHT = {"learning_rate": 0.3, "warmup_steps": 1, "samples": 4000, "label_noise": 0.1}  # nothing to memorise


def test_a_run_whose_rate_is_right_goes_on_after_the_beginnings_of_others_at_ten_times_and_a_tenth_of_it(
    tmp_path: Path,
) -> None:
    done, record = healed(config(tmp_path, **RIGHT, max_steps=400), "--try-rates")
    assert done.returncode == 0, done.stderr
    began, *trials, whole = record["attempts"]
    assert record["result"] == {"attempt": whole["number"], "verdict": "healthy"}
    assert [one["edits"][0]["now"] for one in trials] == [3.0, 0.03]
    assert all(one["trial"] and one["last_step"] < 200 for one in (began, *trials))
    assert began["reason"].endswith("neither is better")
    assert (whole["edits"], whole["last_step"]) == ([], 400)
    assert whole["resume"] in began["checkpoints"]
    assert whole["log_dir"] == began["log_dir"]  # judged with its beginning
    assert not (tmp_path / "healed" / "cured.yaml").exists()


def test_a_healthy_run_can_be_compared_afterwards_with_the_beginning_of_others_at_ten_times_and_a_tenth_of_the_rate(
    tmp_path: Path,
) -> None:
    path = config(tmp_path, **RIGHT)
    healed(path)
    log = tmp_path / "healed" / "attempt-1" / "logs" / "metrics.jsonl"
    trained = log.stat().st_mtime_ns
    done, record = healed(path, "--try-rates")
    assert done.returncode == 0, done.stderr
    assert log.stat().st_mtime_ns == trained
    assert record["result"] == {"attempt": 1, "verdict": "healthy"}
    first, *trials = record["attempts"]
    assert [one["edits"][0]["now"] for one in trials] == [3.0, 0.03]
    assert all(one["trial"] and one["accepted"] is False and one["last_step"] < 150 for one in trials)
    assert first["reason"].endswith("neither is better")
    again, _ = healed(path, "--try-rates")
    assert "holds a finished healing" in again.stderr


@pytest.mark.parametrize("trained_before", [False, True], ids=["from the beginning", "after a whole run"])
def test_a_rate_far_too_low_in_whose_log_nothing_is_wrong_is_found_by_trials(
    trained_before: bool, tmp_path: Path
) -> None:
    """What is better to the end is a cure; where the config's own rate was not trained so far, it is only ahead."""
    path = config(tmp_path, learning_rate=0.003, min_lr=0.0003, warmup_steps=1)
    if trained_before:
        healed(path)
    done, record = healed(path, "--try-rates")
    assert done.returncode == 0, done.stdout + done.stderr
    assert record["result"]["verdict"] == ("cured" if trained_before else "ahead")
    first, best = record["attempts"][0], record["attempts"][record["result"]["attempt"] - 1]
    assert first["findings"] == [] or not trained_before  # a beginning that was cut off may look flat
    assert first["trial"] is not trained_before
    assert best["best_val_loss"] < first["best_val_loss"] / 5
    assert ("is not known" in best["reason"]) is not trained_before
    cured = yaml.safe_load((tmp_path / "healed" / "cured.yaml").read_text("utf-8"))["training"]
    rate = best["edits"][0]["now"]
    assert cured == HEALTHY | {"learning_rate": rate, "min_lr": rate / 10, "warmup_steps": 1}


def test_trials_that_were_cut_off_are_made_anew_without_another_training(tmp_path: Path) -> None:
    path = config(tmp_path, **RIGHT)
    healed(path)
    _, record = healed(path, "--try-rates")
    stored = tmp_path / "healed" / "heal.json"
    record["result"]["verdict"] = "unfinished"
    stored.write_text(json.dumps(record | {"attempts": record["attempts"][:2]}), encoding="utf-8")
    _, again = healed(path, "--try-rates")
    assert again["result"] == {"attempt": 1, "verdict": "healthy"}
    assert [one["trial"] for one in again["attempts"]] == [False, True, True, True]


def test_ctrl_c_during_the_trials_concludes_nothing_and_the_same_command_goes_on(tmp_path: Path) -> None:
    path = config(tmp_path, **RIGHT, pause=0.05)
    process = subprocess.Popen(command(path, "--try-rates"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    log = tmp_path / "healed" / "attempt-3" / "logs" / "metrics.jsonl"
    while not log.exists():
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    assert json.loads((tmp_path / "healed" / "heal.json").read_text("utf-8"))["result"]["verdict"] == "interrupted"
    done, record = healed(path, "--try-rates")
    assert (done.returncode, record["result"]["verdict"]) == (0, "healthy")
    assert [one["trial"] for one in record["attempts"]] == [True] * 5 + [False]


def test_trials_are_no_attempts(tmp_path: Path) -> None:
    _, record = healed(config(tmp_path, learning_rate=0.003, warmup_steps=1), "--try-rates", "--attempts", "1")
    assert [one["trial"] for one in record["attempts"]] == [True, True, True, True, False]
    assert record["result"] == {"attempt": 5, "verdict": "ahead"}


def test_no_rate_is_tried_beyond_the_budget(tmp_path: Path) -> None:
    _, record = healed(config(tmp_path, **RIGHT, pause=0.1), "--try-rates", "--budget", "1s")
    assert len(record["attempts"]) == 1


def test_what_the_end_of_the_budget_cut_off_is_no_failure_and_goes_on_with_more_time(tmp_path: Path) -> None:
    path = config(tmp_path, pause=0.05)
    done, record = healed(path, "--budget", "4s")
    assert (done.returncode, record["result"]["verdict"]) == (2, "unfinished")
    assert "the time of --budget is over" in done.stderr
    assert "error" not in done.stdout + done.stderr
    done, record = healed(path)
    assert "going on after attempt 1, which has ended" in done.stderr
    assert (done.returncode, record["result"]["verdict"]) == (0, "healthy")
    assert record["attempts"][1]["resume"] in record["attempts"][0]["checkpoints"]


def test_a_change_that_is_better_when_the_budget_ends_is_kept(tmp_path: Path) -> None:
    done, record = healed(config(tmp_path, learning_rate=2.0, pause=0.05, max_steps=600), "--budget", "12s")
    assert (done.returncode, record["result"]["verdict"]) == (0, "cured"), done.stdout + done.stderr
    last = record["attempts"][-1]
    assert last["accepted"]
    assert last["last_step"] < 600
    assert "the time of --budget is over" in done.stderr


def test_a_cure_that_cannot_be_written_is_told_with_its_reason(tmp_path: Path) -> None:
    """The rate is in a file that the config builds on, as in a Hydra group: heal writes the config alone."""
    path = config(tmp_path, learning_rate=2.0)
    (tmp_path / "base.yaml").write_bytes(path.read_bytes())
    path.write_text("defaults: [base]\n", encoding="utf-8")
    start = f"import runpy, sys; sys.argv[1] = {str(tmp_path / 'base.yaml')!r}; "
    start += f"runpy.run_path({str(PLAIN)!r}, run_name='__main__')"
    heal = [*command(path)[: command(path).index("--") + 1], sys.executable, "-c", start]
    heal += ["{config}", "--log-dir", "{log_dir}"]
    done = subprocess.run(heal, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "it is in base.yaml (line 3): change it there" in done.stderr
    assert "no measured or cited cure is left" not in done.stderr


def test_after_a_start_that_failed_the_same_command_begins_again(tmp_path: Path) -> None:
    healed(config(tmp_path, fail_at=1))
    done, record = healed(config(tmp_path, pause=0.0))
    assert (done.returncode, record["result"]["verdict"]) == (0, "healthy"), done.stderr
    assert [one["status"] for one in record["attempts"]] == [1, 0]


def test_overfitting_is_stopped_within_five_evaluations_of_the_best_which_is_kept(tmp_path: Path) -> None:
    few = {"samples": 24, "label_noise": 1.5, "learning_rate": 0.1, "warmup_steps": 10}
    done, record = healed(config(tmp_path, **few, max_steps=2000, eval_interval=40))
    assert done.returncode == 0, done.stdout + done.stderr
    assert record["result"] == {"attempt": 1, "verdict": "cured"}
    (only,) = record["attempts"]
    assert only["stopped_by"] == "overfitting"
    assert 0 < only["last_step"] - only["best_step"] <= 5 * 40
    assert any(file.endswith(f"step-{only['best_step']}.pt") for file in only["checkpoints"])
    assert yaml.safe_load((tmp_path / "healed" / "cured.yaml").read_text("utf-8"))["training"]["max_steps"] < 2000


def test_a_trainer_that_dies_is_reported_with_its_last_lines_and_not_healed(tmp_path: Path) -> None:
    done, record = healed(config(tmp_path, fail_at=1))
    assert done.returncode == 2
    assert record["result"]["verdict"] == "failed"
    assert len(record["attempts"]) == 1
    assert "RuntimeError: CUDA out of memory" in done.stderr


def test_a_trainer_that_dies_after_it_has_logged_is_not_healed_however_long_its_end_takes(tmp_path: Path) -> None:
    """Its error is in the log before its process is gone: that is no fault for which it was stopped."""
    lines = ["import time, sys", "for step in range(30): print('step', step, 'loss', 9 - step / 10, flush=True)"]
    lines += ["print('Traceback (most recent call last):\\nRuntimeError: bad sample 17', file=sys.stderr, flush=True)"]
    trainer = tmp_path / "train.py"
    trainer.write_text("\n".join([*lines, "time.sleep(2)", "sys.exit(1)"]), encoding="utf-8")
    path = config(tmp_path)
    heal = [*command(path)[: command(path).index("--")], "--", sys.executable, str(trainer), "{config}"]
    done = subprocess.run(heal, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "RuntimeError: bad sample 17" in done.stderr
    assert "stopped" not in done.stderr + done.stdout


def test_a_trainer_that_always_logs_into_the_same_folder_is_judged_by_its_own_log_each_time(tmp_path: Path) -> None:
    """A diverged run of yesterday lies there; it is not what the first attempt, or the second, is stopped for."""
    path, logs = config(tmp_path, learning_rate=2.0), tmp_path / "runs"
    logs.mkdir()
    rows = [json.dumps({"step": step, "loss": 1e9 if step > 20 else 9 - step / 10}) for step in range(1, 201)]
    (logs / "metrics.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    trainer = [sys.executable, "-c", f"import time, sys; time.sleep(1.5); open({str(logs / 'metrics.jsonl')!r}, 'w')"]
    start = tmp_path / "start.sh"
    start.write_text(f'{trainer[0]} -c "{trainer[2]}"\nexec {sys.executable} {PLAIN} "$1" --log-dir {logs}\n', "utf-8")
    heal = [*command(path)[: command(path).index("--")], "--logs", str(logs), "--", "sh", str(start), "{config}"]
    done = subprocess.run(heal, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = json.loads((tmp_path / "healed" / "heal.json").read_text("utf-8"))["attempts"][:2]
    assert first["best_val_loss"] != second["best_val_loss"]
    assert first["last_step"] < 200
    assert second["accepted"]


def test_where_a_trainer_logs_nothing_the_message_names_the_missing_option(tmp_path: Path) -> None:
    path = config(tmp_path)
    heal = [*command(path)[: command(path).index("--")], "--", sys.executable, "-c", "pass", "{config}"]
    done = subprocess.run(heal, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "give --logs" in done.stderr


def test_a_command_without_a_place_for_the_config_is_refused(tmp_path: Path) -> None:
    path = config(tmp_path)
    heal = [*command(path)[: command(path).index("--")], "--", sys.executable, "train.py"]
    done = subprocess.run(heal, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "{config}" in done.stderr
    assert not (tmp_path / "healed").exists()


def test_ctrl_c_stops_both_and_the_same_command_goes_on(tmp_path: Path) -> None:
    path = config(tmp_path, pause=0.05)
    process = subprocess.Popen(command(path), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    log = tmp_path / "healed" / "attempt-1" / "logs" / "metrics.jsonl"
    while not log.exists() or log.read_bytes().count(b"\n") < 45:
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    record = json.loads((tmp_path / "healed" / "heal.json").read_text("utf-8"))
    assert record["result"]["verdict"] == "interrupted"
    size = log.stat().st_size
    time.sleep(0.3)
    assert log.stat().st_size == size  # the trainer is gone, too
    done, record = healed(path)
    assert done.returncode == 0, done.stderr
    assert "never started" not in done.stderr
    assert record["result"]["verdict"] in ("healthy", "cured")
    assert record["attempts"][1]["resume"].endswith(".pt")


def test_after_a_crash_of_heal_the_trainer_that_still_runs_is_not_doubled(tmp_path: Path) -> None:
    path = config(tmp_path, pause=0.05)
    process = subprocess.Popen(command(path), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    log = tmp_path / "healed" / "attempt-1" / "logs" / "metrics.jsonl"
    while not log.exists() or log.read_bytes().count(b"\n") < 25:
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.communicate()
    pid = json.loads((tmp_path / "healed" / "heal.json").read_text("utf-8"))["attempts"][0]["pid"]
    done = subprocess.run(command(path), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"still runs as process {pid}" in done.stderr
    os.kill(pid, signal.SIGKILL)
    while (Path("/proc") / str(pid)).exists():
        time.sleep(0.02)
    done, record = healed(path)
    assert done.returncode == 0, done.stderr
    assert record["attempts"][1]["resume"].endswith(".pt")


def test_a_finished_healing_is_not_overwritten(tmp_path: Path) -> None:
    path = config(tmp_path, pause=0.0, max_steps=60)
    healed(path)
    done = subprocess.run(command(path), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "holds a finished healing" in done.stderr


def test_one_at_a_time_reports_what_each_change_did(tmp_path: Path) -> None:
    path = config(tmp_path, learning_rate=2.0, grad_clip_norm=50.0)
    done, record = healed(path, "--one-at-a-time")
    assert done.returncode == 0, done.stdout + done.stderr
    chosen = record["attempts"][record["result"]["attempt"] - 1]
    if len(chosen["edits"]) > 1:
        assert {one["parameter"] for one in record["helped"]} == {edit["parameter"] for edit in chosen["edits"]}
        assert "alone" in done.stdout


@pytest.mark.parametrize(("noise", "verdict"), [(300.0, "cured"), (0.0, "not cured")])
def test_a_plateau_is_not_stopped_and_gets_a_trial_and_another_only_where_that_helped(
    noise: float, verdict: str, tmp_path: Path
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({"training": {"learning_rate": 2e-3, "noise": noise}}), encoding="utf-8")
    trainer = [sys.executable, str(PLAIN.with_name("floor.py")), "{config}", "{log_dir}"]
    done = subprocess.run([*command(path)[: command(path).index("--") + 1], *trainer], capture_output=True, check=False)
    record = json.loads((tmp_path / "healed" / "heal.json").read_text("utf-8"))
    first, second = record["attempts"][:2]
    assert len(record["attempts"]) == (3 if verdict == "cured" else 2)
    assert (first["stopped_by"], first["last_step"]) == (None, 2000)
    assert [(edit["parameter"], edit["now"]) for edit in second["edits"]] == [("learning_rate", 5e-4)]
    assert record["result"]["verdict"] == verdict
    assert done.returncode == (0 if verdict == "cured" else 1)


@pytest.mark.parametrize(("text", "expected"), [("90m", 5400.0), ("12h", 43_200.0), ("600", 600.0), ("2d", 172_800.0)])
def test_a_budget_is_a_time(text: str, expected: float) -> None:
    from diagnose.cli.options import seconds

    assert seconds(text) == expected
