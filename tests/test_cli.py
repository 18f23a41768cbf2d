"""The command line as a newcomer meets it: streams, exit statuses, one clear line for bad input."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import OmegaConf
from ruamel.yaml import YAML
from typer.testing import CliRunner

from diagnose.cli import command_line
from diagnose.cli.examples import commands
from tests.promises.commands import in_this_process


def ttsdoc(*arguments: str | Path, cwd: Path | None = None, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "diagnose", *map(str, arguments)]
    environment = os.environ | {"PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"}
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", cwd=cwd, input=stdin, env=environment, check=False
    )


def report(done: subprocess.CompletedProcess[str]) -> Any:
    return json.loads(done.stdout, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


@pytest.fixture
def amharic(root: Path) -> Path:
    return root / "examples" / "amharic"


@pytest.mark.parametrize("words", [path.split() for path, _ in commands(command_line())], ids=" ".join)
def test_a_command_that_is_loaded_alone_is_the_same(words: list[str]) -> None:
    """Only the command that is called is imported; its help is what the whole command line says of it."""
    whole, alone = (CliRunner().invoke(app, [*words, "--help"]) for app in (command_line(), command_line(words)))
    assert whole.output == alone.output
    assert alone.exit_code == 0
    assert len(list(commands(command_line(words)))) < len(list(commands(command_line())))


def test_the_story_is_diagnosed(amharic: Path) -> None:
    done = ttsdoc("analyze", amharic, "--format", "json")
    (run,) = report(done)["runs"]
    names = {finding["name"]: finding["metric"] for finding in run["findings"]}
    assert done.returncode == 1
    assert run["verdict"] == "unhealthy"
    assert {"learning-rate-too-high", "loss-above-target", "small-dataset"} <= set(names)
    assert "train_loss" in {names.get("divergence"), names.get("oscillation")}
    assert run["metrics"]["train_loss"]["min"] == pytest.approx(6.93)


def test_the_story_is_diagnosed_from_text_on_standard_input() -> None:
    log = "Epoch 1: 13.18\nEpoch 2: 7.71\nEpoch 3: 6.93\nEpoch 4: 9.11\n"
    done = ttsdoc("analyze", "-", "--samples", "525", "--family", "t3", "--format", "json", stdin=log)
    names = {finding["name"] for finding in report(done)["runs"][0]["findings"]}
    assert {"learning-rate-too-high", "divergence", "loss-above-target", "small-dataset"} <= names


def test_the_story_is_corrected_as_in_the_guide(amharic: Path) -> None:
    done = ttsdoc("fix", amharic / "config.yaml")
    assert done.returncode == 0
    before = yaml.safe_load((amharic / "config.yaml").read_text("utf-8"))
    after = yaml.safe_load(done.stdout)
    changes = {
        (section, key): (before[section][key], value)
        for section, values in after.items()
        for key, value in values.items()
        if value != before[section][key]
    }
    assert changes == {
        ("training", "learning_rate"): (2e-4, 5e-5),
        ("data", "batch_size"): (16, 8),
        ("training", "grad_accumulation_steps"): (1, 4),
        ("training", "grad_clip_thresh"): (1.0, 0.5),
        ("model", "p_dropout"): (0.1, 0.2),
        ("training", "max_epochs"): (1000, 200),
        ("training", "save_interval"): (5000, 500),
        ("training", "eval_interval"): (1000, 100),
        # Not in the guide's table: it follows the epochs, else a third of the run would be warm-up.
        ("training", "warmup_steps"): (4000, 1600),
    }


def test_every_parser_reads_the_corrected_config_alike(amharic: Path, tmp_path: Path) -> None:
    stable = tmp_path / "stable.yaml"
    stable.write_text(ttsdoc("fix", amharic / "config.yaml").stdout, "utf-8")
    text = stable.read_text("utf-8")
    plain = yaml.safe_load(text)
    assert YAML(typ="safe").load(text) == plain
    assert OmegaConf.to_container(OmegaConf.load(stable)) == plain
    assert isinstance(plain["training"]["learning_rate"], float)


def test_a_healthy_run_on_a_large_set_changes_nothing(amharic: Path, root: Path) -> None:
    config = amharic / "config.yaml"
    done = ttsdoc("fix", config, "--logs", root / "examples" / "healthy" / "metrics.csv", "--samples", "50000")
    assert done.stdout == config.read_text("utf-8")
    assert "nothing to change" in done.stderr


def test_the_reasons_go_to_stderr_and_the_diff_to_stdout(amharic: Path) -> None:
    done = ttsdoc("fix", amharic / "config.yaml", "--diff", "--only", "learning_rate,dropout")
    changed = [line for line in done.stdout.splitlines() if line[:1] == "+" and line[:3] != "+++"]
    assert [line.split()[1] for line in changed] == ["p_dropout:", "learning_rate:"]
    assert "parameter" in done.stderr
    assert "why" in done.stderr


def test_correcting_a_corrected_config_on_the_same_log_changes_nothing(amharic: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(ttsdoc("fix", amharic / "config.yaml").stdout, "utf-8")
    done = ttsdoc("fix", config, "--logs", amharic / "logs", "--samples", "525")
    assert done.stdout == config.read_text("utf-8")


def test_a_corrected_config_behind_a_link_stays_behind_it(amharic: Path, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / "config.yaml").write_bytes((amharic / "config.yaml").read_bytes())
    link = tmp_path / "config.yaml"
    link.symlink_to(real / "config.yaml")
    ttsdoc("fix", link, "--in-place", "--logs", amharic / "logs", "--samples", "525")
    assert link.is_symlink()
    assert yaml.safe_load((real / "config.yaml").read_text("utf-8"))["training"]["learning_rate"] == 5e-5


def test_an_unknown_parameter_is_refused_by_name(amharic: Path) -> None:
    done = ttsdoc("fix", amharic / "config.yaml", "--only", "lr")
    assert done.returncode == 2
    assert "no parameter is called lr" in " ".join(done.stderr.split())


def test_a_tree_with_dead_links_and_pipes_is_read_all_the_same(tmp_path: Path) -> None:
    written(tmp_path / "train.log", "".join(f"Epoch {n}: {9 - n / 10:.2f}\n" for n in range(1, 41)).encode())
    (tmp_path / "gone.log").symlink_to(tmp_path / "nowhere.log")
    (tmp_path / "loop.log").symlink_to(tmp_path / "loop.log")
    os.mkfifo(tmp_path / "pipe.log")
    assert len(report(ttsdoc("analyze", tmp_path, "--format", "json"))["runs"]) == 1


@pytest.mark.parametrize("scale", [1e306, 1e-312, -1e306])
def test_losses_at_the_edge_of_floats_are_reported_without_a_chart(tmp_path: Path, scale: float) -> None:
    rows = "".join(f"{n},{(9 - n / 10) * scale}\n" for n in range(40))
    done = ttsdoc("analyze", written(tmp_path / "metrics.csv", f"step,loss\n{rows}".encode()), "--exit-zero")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


def test_an_infinite_rate_in_a_config_is_no_crash(amharic: Path, tmp_path: Path) -> None:
    text = (amharic / "config.yaml").read_text("utf-8").replace("2.0e-4", ".inf")
    config = written(tmp_path / "config.yaml", text.encode())
    assert ttsdoc("fix", config, "--logs", amharic / "logs").returncode == 0


def test_in_place_keeps_the_old_config(amharic: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_bytes((amharic / "config.yaml").read_bytes())
    done = ttsdoc("fix", config, "--in-place", "--logs", amharic / "logs", "--samples", "525")
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "config.yaml.bak").read_bytes() == (amharic / "config.yaml").read_bytes()
    assert yaml.safe_load(config.read_text("utf-8"))["training"]["learning_rate"] == 5e-5


@pytest.mark.parametrize(
    ("example", "status", "alarms"),
    [
        pytest.param("healthy", 0, set(), id="healthy"),
        pytest.param("overfitting", 1, {"overfitting"}, id="overfitting"),
    ],
)
def test_the_other_examples(root: Path, example: str, status: int, alarms: set[str]) -> None:
    done = ttsdoc("analyze", root / "examples" / example, "--format", "json")
    findings = report(done)["runs"][0]["findings"]
    assert done.returncode == status
    assert {finding["name"] for finding in findings if finding["severity"] != "info"} == alarms


def test_exit_zero_and_fail_on(amharic: Path, root: Path) -> None:
    assert ttsdoc("analyze", amharic, "--exit-zero").returncode == 0
    assert ttsdoc("analyze", root / "examples" / "overfitting", "--fail-on", "error").returncode == 1
    assert ttsdoc("analyze", root / "examples" / "healthy", "--fail-on", "warning").returncode == 0


def test_without_a_path_the_usual_places_are_searched(amharic: Path) -> None:
    done = ttsdoc("analyze", "--format", "json", cwd=amharic)
    assert "no path given, looking in logs" in done.stderr
    assert report(done)["runs"][0]["verdict"] == "unhealthy"


def test_the_usual_places_that_are_passed_over_are_named(amharic: Path, tmp_path: Path) -> None:
    shutil.copytree(amharic / "logs", tmp_path / "logs")
    shutil.copytree(amharic / "logs", tmp_path / "runs" / "first")
    assert "looking in logs/, not in runs/\n" in ttsdoc("analyze", cwd=tmp_path).stderr


def test_the_first_help_says_what_to_type_first() -> None:
    assert "Start with: ttsdoc analyze LOGS" in ttsdoc("--help").stdout


TRAINER = """\
import yaml, torch

def main():
    with open("config.yaml") as file:
        config = yaml.safe_load(file)
    training = config["training"]
    model = build(config["model"]["n_vocab"], dropout=0.1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=training["learning_rate"])
    batch_size = training.get("batch_size", 16)
    for epoch in range(training["max_epochs"]):
        for batch in batches(config["data"]["dataset_path"], batch_size):
            model(batch).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), training["grad_clip_thresh"])
            optimizer.step()

main()
"""


def test_a_key_that_the_trainer_ignores_is_not_changed_and_the_live_one_is_named(amharic: Path, tmp_path: Path) -> None:
    trainer = written(tmp_path / "train.py", TRAINER.encode())
    done = ttsdoc("fix", amharic / "config.yaml", "--trainer", trainer)
    after = yaml.safe_load(done.stdout)
    assert after["training"]["learning_rate"] == 5e-5
    assert (after["data"]["batch_size"], after["training"]["grad_accumulation_steps"]) == (16, 1)
    assert "it reads `training.batch_size`" in " ".join(done.stderr.split())
    assert "train.py:9" in done.stderr


BAD_INPUT: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing path": (lambda folder: folder / "nowhere", "no such file"),
    "empty folder": (lambda folder: made(folder / "empty"), "no training log"),
    "no scalars": (lambda folder: written(folder / "notes.log", b"hello\nworld\n"), "notes.log"),
    "binary file": (lambda folder: written(folder / "model.bin", bytes(range(256)) * 40), "model.bin"),
}


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_clear_line_and_status_2(tmp_path: Path, case: str) -> None:
    make, words = BAD_INPUT[case]
    done = ttsdoc("analyze", make(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.strip().splitlines()) == 1
    assert words in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("a: [1, 2\nb: 3\n", "c.yaml", id="does not parse"),
        pytest.param("greeting: hello\n", "no training hyperparameters", id="no known key"),
        pytest.param("", "c.yaml", id="empty"),
        pytest.param("x: !!python/object/apply:os.system ['echo pwned']\n", "c.yaml", id="a tag that runs code"),
    ],
)
def test_a_bad_config_is_one_clear_line_and_nothing_is_written(tmp_path: Path, text: str, words: str) -> None:
    config = written(tmp_path / "c.yaml", text.encode())
    done = ttsdoc("fix", config, "--in-place")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.strip().splitlines()) == 1
    assert words in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["c.yaml"]


def test_a_log_of_one_line_cannot_be_judged(tmp_path: Path) -> None:
    done = ttsdoc("analyze", written(tmp_path / "train.log", b"Epoch 1: 13.18\n"), "--format", "json")
    assert done.returncode in (0, 2)
    if done.returncode == 0:
        assert report(done)["runs"][0]["verdict"] == "inconclusive"


def test_nothing_in_a_log_controls_the_terminal(tmp_path: Path) -> None:
    hostile = "\x1b]0;owned\x07\x1b[2J\u202e"
    rows = "".join(f'{{"step": {n}, "loss": {9 - n / 10}, "a{hostile}": 1}}\n' for n in range(40))
    log = written(tmp_path / "metrics.jsonl", rows.encode())
    for form in ("text", "markdown", "json"):
        done = ttsdoc("analyze", log, "--format", form, "--train-tag", f"a{hostile}")
        assert not set(done.stdout + done.stderr) & set("\x1b\x07\u202e\x9b"), form


def test_explain_takes_code_or_name_and_lists_all_without_one() -> None:
    by_code, by_name = ttsdoc("explain", "STB002"), ttsdoc("explain", "divergence")
    assert by_code.stdout == by_name.stdout
    assert "How it is detected" in ttsdoc("explain", "STB002", "--long").stdout
    assert "STB002  divergence" in ttsdoc("explain").stdout
    unknown = ttsdoc("explain", "XYZ")
    assert unknown.returncode == 2
    assert "'XYZ'" in unknown.stderr


def test_a_usage_error_is_status_2_without_a_traceback() -> None:
    done = ttsdoc("analyze", "--nonsense")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "--nonsense" in done.stderr


def test_a_new_check_and_a_new_reader_are_found_by_being_there(tmp_path: Path, root: Path) -> None:
    """A copy of the package with one file more in each folder; nothing else is edited."""
    import shutil

    shutil.copytree(root / "diagnose", tmp_path / "diagnose", ignore=shutil.ignore_patterns("presets", "__pycache__"))
    shutil.copytree(root / "presets", tmp_path / "diagnose" / "presets")
    written(tmp_path / "diagnose" / "checks" / "run" / "too_quiet.py", NEW_CHECK.encode())
    written(tmp_path / "diagnose" / "readers" / "dotted.py", NEW_READER.encode())
    log = written(tmp_path / "x.dots", b"DOTS\n5\n4\n3\n2\n1\n")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "diagnose", "analyze", str(log), "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
    (run,) = report(done)["runs"]
    assert run["format"] == "dots"
    assert "TST001" in {finding["code"] for finding in run["findings"]}


NEW_CHECK = '''
"""TST001."""
from dataclasses import dataclass
from diagnose.checks.base import Check
from diagnose.finding import Confidence, Severity
from diagnose.run import Role


@dataclass(frozen=True)
class TooQuiet(Check):
    """Always there."""
    code = "TST001"
    name = "too-quiet"
    needs = (Role.TRAIN_LOSS,)

    def check(self, facts):
        yield self.finding(Severity.INFO, Confidence.HIGH, "train_loss", "quiet")
'''

NEW_READER = '''
"""Dots."""
import numpy as np
from diagnose.run import Curve, Run


def sniff(source):
    return 100 * source.head().startswith(b"DOTS")


def read(source):
    values = np.array([float(line) for line in source.head().split()[1:]])
    return Run("dots", source.name, "dots", {"loss": Curve("loss", np.arange(len(values)), values)})
'''


def test_an_unknown_family_is_refused_with_the_known_ones(amharic: Path) -> None:
    for command in (("analyze", amharic), ("fix", amharic / "config.yaml")):
        done = ttsdoc(*command, "--family", "vitz")
        (line,) = done.stderr.splitlines()
        assert (done.returncode, done.stdout) == (2, "")
        assert line.startswith("ttsdoc: no model family is called 'vitz'; did you mean vits?; there are: ")
        assert "vits" in line


def test_a_fix_reports_keys_that_appear_twice(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("training:\n  learning_rate: 0.001\n  batch_size: 16\n  learning_rate: 0.0002\n", "utf-8")
    done = ttsdoc("fix", config)
    assert done.returncode == 0
    assert "line 4: training.learning_rate appears twice; only the last one counts" in done.stderr


def test_a_pipe_is_read_like_standard_input(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writing = threading.Thread(target=pipe.write_text, args=("Epoch 1: 3.5\nEpoch 2: 2.5\n",), daemon=True)
    writing.start()
    (run,) = report(ttsdoc("analyze", pipe, "--format", "json"))["runs"]
    assert run["metrics"]["train_loss"]["points"] == 2


def test_a_fault_that_no_value_of_the_config_cures_is_answered_all_the_same(tmp_path: Path) -> None:
    rows = [f"{step},{8 - 6 * min(step, 40) / 120},{3e-4 * (step < 40)}" for step in range(120)]
    (tmp_path / "m.csv").write_text("\n".join(["step,loss,lr", *rows]), "utf-8")
    (tmp_path / "c.yaml").write_text("learning_rate: 3.0e-4\nbatch_size: 4\nepochs: 12\n", "utf-8")
    said = " ".join(ttsdoc("fix", tmp_path / "c.yaml", "--logs", tmp_path / "m.csv").stderr.split())
    assert "nothing to change no value of this config answers dead-schedule: Check whether" in said


HF_ARGUMENTS = """output_dir: out
per_device_train_batch_size: 8
gradient_accumulation_steps: 2
learning_rate: 1.0e-4
num_train_epochs: 12
max_steps: 612
"""


@pytest.mark.parametrize("samples", [949, None])
def test_where_the_steps_win_over_the_epochs_the_length_in_steps_is_cut(tmp_path: Path, samples: int | None) -> None:
    """Of a log that counts epochs alone: 51 updates each, where the number of clips is known; else the key is named."""
    lines = []
    for epoch, val in enumerate((2.9, 2.4, 2.1, 1.95, 1.9, 1.98, 2.1, 2.25, 2.4, 2.6, 2.75, 2.9), 1):
        for part in (0.25, 0.5, 0.75, 1.0):
            ended = epoch - 1 + part
            lines.append(f"{{'loss': {3 * 0.8**ended:.4f}, 'learning_rate': 1e-4, 'epoch': {ended}}}")
        lines.append(f"{{'eval_loss': {val}, 'eval_runtime': 1.2, 'epoch': {epoch}.0}}")
    (tmp_path / "log.txt").write_text("\n".join(lines), "utf-8")
    (tmp_path / "args.yaml").write_text(HF_ARGUMENTS, "utf-8")
    known = [] if samples is None else ["--samples", str(samples)]
    done = ttsdoc("fix", "args.yaml", "--logs", "log.txt", *known, cwd=tmp_path)
    said = " ".join(done.stderr.split())
    assert "num_train_epochs: 12" in done.stdout
    assert "num_train_epochs (line 5) is never read: max_steps > 0 wins over epochs" in said
    if samples is None:
        assert "not changed: max_steps (would be at most 5 epochs)" in said
    else:
        assert "max_steps: 255" in done.stdout


NUMBERS = [
    ("watch", "--once", "--interval"),
    ("heal", "--interval"),
    ("heal", "--noise"),
    ("compare", "--noise"),
    ("trace", "--seconds"),
    ("data", "split", "--test"),
    ("data", "import-srt", "--max-seconds"),
]


@pytest.mark.parametrize("value", ["nan", "inf"])
@pytest.mark.parametrize("command", NUMBERS, ids=" ".join)
def test_a_number_that_is_none_is_refused(command: tuple[str, ...], value: str) -> None:
    result = in_this_process(*command, value)
    assert (result.returncode, result.stdout, "Invalid value" in result.stderr) == (2, "", True)


def test_standard_input_is_not_waited_for_as_a_file_of_that_name() -> None:
    result = in_this_process("watch", "-")
    assert (result.returncode, result.stdout, "analyze -" in result.stderr) == (2, "", True)
