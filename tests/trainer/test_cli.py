"""The commands as a newcomer types them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from diagnose.cli import main
from diagnose.data.audio import read
from diagnose.trainer.options import dump
from tests.trainer.tiny import options


def ttsdoc(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "diagnose", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, data: Path) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A folder in which `ttsdoc train mine.yaml` has been typed, and what it said."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "mine.yaml").write_text(dump(options(data, training={"max_epochs": 8})), encoding="utf-8")
    return folder, ttsdoc("train", "mine.yaml", folder=folder)


def test_training_ends_with_the_run_judged_and_the_command_to_hear_it(
    trained: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, said = trained
    assert said.returncode == 0, said.stderr
    assert "training loss is `train/loss`" in said.stdout
    assert "ttsdoc say " in said.stderr
    assert (folder / "runs" / "mine" / "checkpoints" / "best.safetensors").exists()


def test_the_newest_run_speaks(trained: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, _ = trained
    said = ttsdoc("say", "abba", "--checkpoint", "best", "--out", "hello.wav", folder=folder)
    assert said.returncode == 0, said.stderr
    assert read(folder / "hello.wav").rate == 8000


def test_the_folder_of_the_recording_is_made(trained: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, _ = trained
    said = ttsdoc("say", "abba", "--out", "no/such/folder/hello.wav", folder=folder)
    assert said.returncode == 0
    assert (folder / "no" / "such" / "folder" / "hello.wav").exists()


def test_scripts_get_the_end_as_json_and_a_status_by_severity(tmp_path: Path, data: Path) -> None:
    (tmp_path / "mine.yaml").write_text(dump(options(data)), encoding="utf-8")
    said = ttsdoc("train", "mine.yaml", "--format", "json", "--fail-on", "info", folder=tmp_path)
    summary = json.loads(said.stdout)
    assert summary["steps"] == 20
    assert said.returncode in (0, 1)
    assert json.loads((tmp_path / "runs" / "mine" / "summary.json").read_text("utf-8")) == summary


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("say", "xyz"), "the model knows no 'x' 'y' 'z'", id="unknown letters"),
        pytest.param(("say", ""), "there is no text", id="no text"),
        pytest.param(("say", "a", "--checkpoint", "step-9999"), "no such checkpoint in runs", id="no checkpoint"),
        pytest.param(("say", "a", "--checkpoint", "mine.yaml"), "not a checkpoint of this trainer", id="another file"),
        pytest.param(("train", "nowhere.yaml"), "nowhere.yaml: No such file", id="no config"),
        pytest.param(("train", "wrong.yaml"), "wrong.yaml:2: training.learning_rate: YAML reads 5e-5", id="text"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    trained: tuple[Path, subprocess.CompletedProcess[str]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    folder, _ = trained
    (folder / "wrong.yaml").write_text("training:\n  learning_rate: 5e-5\n", encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["ttsdoc", *arguments])
    assert main() == 2
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert message in errors


def test_without_torch_it_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(sys, "argv", ["ttsdoc", "train"])
    assert main() == 2
    assert capsys.readouterr().err == "ttsdoc: training needs torch: pip install 'ttsdoc[train]'\n"


def test_the_job_script_is_all_that_is_printed(tmp_path: Path) -> None:
    said = ttsdoc("train", "gpu", "--devices", 4, "--emit", "slurm", folder=tmp_path)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith("#!/bin/bash\n")
    assert "train gpu --out runs/gpu --resume" in said.stdout
    assert not any(tmp_path.iterdir())


def test_help_does_not_load_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from diagnose.cli import app; from typer.testing import CliRunner;"
        "assert CliRunner().invoke(app, ['train', '--help']).exit_code == 0;"
        "sys.exit(bool({'torch', 'numpy', 'pandas', 'tensorboard'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=tmp_path).returncode == 0
