"""What a report advises can be done as it stands: the command that it names, the option that it mentions."""

from __future__ import annotations

import random
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = "model: vits\nepochs: 400\nbatch_size: 16\nlr: 0.01  # mine\noptimizer: AdamW\n"
PLACES = [
    pytest.param("my voice's config.yaml", "logs/run 1/console.txt", id="spaces and quotes, log elsewhere"),
    pytest.param("config.yaml", "train.log", id="a log that is called as no trainer calls it, beside it"),
    pytest.param("config.yaml", "metrics.csv", id="a log that the config leads to"),
]


def ttsdoc(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "diagnose", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


def thrown_off(folder: Path, config: str, log: str) -> None:
    """A config, and a log of 40 epochs that fall to the twelfth and rise from there on."""
    draw = random.Random(1)
    losses = [3 * 0.8**n + 0.2 if n < 12 else 0.3 + 0.25 * (n - 12) + 0.3 * draw.random() for n in range(1, 41)]
    (folder / log).parent.mkdir(parents=True, exist_ok=True)
    if log.endswith(".csv"):
        rows = [f"{n},{loss:.4f},{loss * 1.1:.4f},0.01" for n, loss in enumerate(losses, 1)]
        text = "\n".join(["epoch,train_loss,val_loss,lr", *rows])
    else:
        text = "\n".join(
            f"Epoch {n}/400 - train_loss: {loss:.4f} - val_loss: {loss * 1.1:.4f} - lr: 0.01"
            for n, loss in enumerate(losses, 1)
        )
    (folder / log).write_text(f"{text}\n")
    (folder / config).write_text(CONFIG)


@pytest.mark.parametrize(("config", "log"), PLACES)
def test_the_command_that_the_report_names_writes_the_config_that_it_shows(
    config: str, log: str, tmp_path: Path
) -> None:
    thrown_off(tmp_path, config, log)
    shown = ttsdoc("analyze", log, "--config", config, cwd=tmp_path)
    named = re.search(r"`(ttsdoc fix .*?)` writes", " ".join(shown.stdout.split()))
    assert named is not None, shown.stdout
    words = shlex.split(named[1])
    fixed = ttsdoc(*words[1:], cwd=tmp_path)
    assert fixed.stdout == CONFIG.replace("0.01", "0.0025"), fixed.stderr


def test_the_command_repeats_what_the_user_said_of_the_run(tmp_path: Path) -> None:
    thrown_off(tmp_path, "config.yaml", "train.log")
    said = ["--samples", "300", "--train-tag", "train_loss"]
    shown = ttsdoc("analyze", "train.log", "--config", "config.yaml", *said, cwd=tmp_path)
    words = " ".join(shown.stdout.split())
    command = words.partition("What to change (")[2].partition(" writes it)")[0]
    fixed = ttsdoc(*shlex.split(command)[1:], cwd=tmp_path)
    assert "batch_size (would be 4)" in words
    assert "batch_size (would be 4)" in " ".join(fixed.stderr.split())
    assert "lr: 0.0025" in fixed.stdout


def test_a_change_that_another_has_made_is_not_offered_with_an_option(tmp_path: Path) -> None:
    """The measured quarter of the rate is made; the rate that others use is not, with --unsafe or without it."""
    thrown_off(tmp_path, "config.yaml", "train.log")
    for options in ((), ("--unsafe",)):
        fixed = ttsdoc("fix", "config.yaml", "--logs", "train.log", *options, cwd=tmp_path)
        assert "apply it with --unsafe" not in fixed.stderr
        assert "already changed: a quarter of 0.01" in " ".join(fixed.stderr.split())


def test_a_diff_and_a_rewrite_in_one_are_refused(tmp_path: Path) -> None:
    thrown_off(tmp_path, "config.yaml", "train.log")
    done = ttsdoc("fix", "config.yaml", "--logs", "train.log", "--diff", "--in-place", cwd=tmp_path)
    assert (done.returncode, (tmp_path / "config.yaml").read_text()) == (2, CONFIG)
    assert "give one of them" in done.stderr


@pytest.mark.parametrize(("step", "given"), [("60", True), ("5000", False), ("20", False)])
def test_a_forecast_that_is_asked_for_is_given_or_refused_with_the_reason(
    step: str, given: bool, tmp_path: Path
) -> None:
    thrown_off(tmp_path, "config.yaml", "train.log")
    done = ttsdoc("analyze", "train.log", "--horizon", step, cwd=tmp_path)
    assert ("Forecast for epoch 60" in done.stdout) is given
    assert (f"no forecast for {int(step):,}" in done.stderr) is not given


def test_of_a_single_point_no_checkpoint_is_the_best(tmp_path: Path) -> None:
    (tmp_path / "train.log").write_text("step 200 loss 30.2\n")
    done = ttsdoc("analyze", "train.log", cwd=tmp_path)
    assert "too few to judge" in done.stdout
    assert "checkpoint" not in done.stdout


@pytest.mark.parametrize("name", ["lr", "learning_rate"])
def test_a_parameter_may_be_called_as_the_config_calls_it(name: str, tmp_path: Path) -> None:
    thrown_off(tmp_path, "config.yaml", "train.log")
    fixed = ttsdoc("fix", "config.yaml", "--logs", "train.log", "--only", name, cwd=tmp_path)
    assert fixed.stdout == CONFIG.replace("0.01", "0.0025"), fixed.stderr
    assert ttsdoc("explain", name, cwd=tmp_path).stdout.startswith("learning_rate")
    refused = ttsdoc("fix", "config.yaml", "--only", "colour", cwd=tmp_path)
    assert refused.returncode == 2
    assert "this config has" in refused.stderr


def test_the_watch_for_a_process_that_is_not_there_does_not_begin(tmp_path: Path) -> None:
    thrown_off(tmp_path, "config.yaml", "train.log")
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    done = ttsdoc("watch", "train.log", "--stop-pid", gone.stdout.decode().strip(), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is running" in done.stderr


def test_every_example_of_a_help_begins_with_the_program(tmp_path: Path) -> None:
    for command in ("schema", "analyze", "fix", "heal"):
        lines = ttsdoc(command, "--help", cwd=tmp_path).stdout.split("Examples:\n")[1].split("\n")
        assert all("ttsdoc " in line for line in lines if line.strip()), lines


def test_who_names_the_config_is_not_asked_whether_it_made_the_run(tmp_path: Path) -> None:
    thrown_off(tmp_path, "config.yaml", "metrics.csv")
    rows = (tmp_path / "metrics.csv").read_text().splitlines()
    (tmp_path / "metrics.csv").write_text("\n".join(row.rpartition(",")[0] for row in rows))
    doubt = "make sure that this config made the run"
    beside = ttsdoc("analyze", "metrics.csv", cwd=tmp_path)
    named = ttsdoc("analyze", "metrics.csv", "--config", "config.yaml", cwd=tmp_path)
    assert doubt in " ".join(beside.stdout.split())
    assert doubt not in " ".join(named.stdout.split())
    assert "a quarter" in named.stdout


@pytest.mark.parametrize("first", [0, 1])
def test_a_run_counted_in_steps_is_cut_to_the_best_epoch_of_a_log_that_counts_epochs(
    first: int, tmp_path: Path
) -> None:
    draw = random.Random(5)
    rows = ["epoch,train_loss,val_loss"]
    for n in range(1, 61):
        train = 3 * 0.93**n + 0.1 + 0.02 * draw.random()
        held_out = 3 * 0.9**n + 0.6 + 0.02 * max(0, n - 20) + 0.02 * draw.random()
        rows.append(f"{n - 1 + first},{train:.4f},{held_out:.4f}")
    (tmp_path / "log.csv").write_text("\n".join(rows))
    (tmp_path / "config.yaml").write_text("max_updates: 800000\nbatch_size: 10\nlr: 0.0002\n")
    fixed = ttsdoc("fix", "config.yaml", "--logs", "log.csv", "--samples", "800", cwd=tmp_path)
    assert "epoch are not known" not in fixed.stderr
    (steps,) = re.findall(r"max_updates: (\d+)\n", fixed.stdout)
    assert 15 * 68 <= int(steps) <= 30 * 68  # 85 % of 800 clips in batches of 10


def test_a_bound_that_another_change_keeps_is_not_listed_as_refused(tmp_path: Path) -> None:
    """Overfitting: 26 epochs by the log are within the 100 that the size of the data set allows."""
    rows = [f"{n},{3 * 0.93**n + 0.1:.4f},{3 * 0.9**n + 0.6 + 0.02 * max(0, n - 20):.4f}" for n in range(1, 61)]
    (tmp_path / "log.csv").write_text("\n".join(["epoch,train_loss,val_loss", *rows]))
    (tmp_path / "config.yaml").write_text("epochs: 10000\nbatch_size: 10\nlr: 0.0002\n")
    fixed = ttsdoc("fix", "config.yaml", "--logs", "log.csv", "--samples", "800", cwd=tmp_path)
    (epochs,) = re.findall(r"epochs: (\d+)\n", fixed.stdout)
    assert int(epochs) < 60
    assert "not changed: max_epochs" not in fixed.stderr
