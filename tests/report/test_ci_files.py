"""The GitHub Action and the pre-commit hook, run as their hosts would run them, as far as that is possible here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

FAULTY = "learning_rate: 3e-4\nbatch_size: 8\nmax_epochs: 10\n"
WELL = "learning_rate: 0.0003\nbatch_size: 8\nmax_epochs: 10\n"


@pytest.fixture(scope="module")
def action(root: Path) -> Any:
    return yaml.safe_load((root / "action.yml").read_text("utf-8"))


def diagnose(action: Any, root: Path, folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """The last step of the action, in `folder`, as GitHub's runner starts it."""
    tools = folder / ".bin"
    tools.mkdir()
    (tools / "ttsdoc").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m diagnose "$@"\n')
    (tools / "ttsdoc").chmod(0o755)
    given = {name: entry.get("default", "") for name, entry in action["inputs"].items()} | inputs
    step = action["runs"]["steps"][-1]
    wanted = {name: given[text.removeprefix("${{ inputs.").removesuffix(" }}")] for name, text in step["env"].items()}
    environment = os.environ | wanted | {"PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(root)}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)


def test_no_input_is_pasted_into_a_script(action: Any) -> None:
    assert action["runs"]["using"] == "composite"
    for step in action["runs"]["steps"]:
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"


def test_the_action_annotates_what_it_finds_and_fails(action: Any, root: Path, tmp_path: Path) -> None:
    (tmp_path / "my configs").mkdir()
    (tmp_path / "my configs" / "a.yaml").write_text(FAULTY)
    (tmp_path / "my configs" / "b.yaml").write_text(WELL)
    done = diagnose(action, root, tmp_path, configs="my configs/*.yaml\n", logs=f"{root}/examples/amharic")
    assert done.returncode == 1, done.stderr
    assert "::warning file=my configs/a.yaml,line=1,title=CFG002" in done.stdout
    assert "title=OPT001" in done.stdout


def test_the_action_passes_where_nothing_is_wrong(action: Any, root: Path, tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(WELL)
    done = diagnose(action, root, tmp_path, configs="good.yaml", logs=f"{root}/examples/healthy")
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_what_is_asked_for_fails_the_action(action: Any, root: Path, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(FAULTY)
    done = diagnose(action, root, tmp_path, configs="a.yaml", **{"fail-on": "error"})
    assert "::warning" in done.stdout
    assert done.returncode == 0


def test_a_missing_file_or_an_option_in_disguise_fails_the_action(action: Any, root: Path, tmp_path: Path) -> None:
    done = diagnose(action, root, tmp_path, configs="missing.yaml", logs="--exit-zero")
    assert done.returncode == 2
    assert "no config fits" in done.stdout


def test_nothing_in_an_input_is_run(action: Any, root: Path, tmp_path: Path) -> None:
    diagnose(
        action, root, tmp_path, configs='$(touch owned)"; touch owned; "', logs="`touch owned`", format="; touch owned"
    )
    assert not (tmp_path / "owned").exists()


def test_the_hook_checks_all_files_that_it_is_given(root: Path, tmp_path: Path) -> None:
    (hook,) = yaml.safe_load((root / ".pre-commit-hooks.yaml").read_text("utf-8"))
    (tmp_path / "train.yaml").write_text(FAULTY)
    (tmp_path / "config.yaml").write_text(WELL)
    (tmp_path / "ci_config.yaml").write_text("jobs: {a: [1, 2]}\n")
    program, *arguments = hook["entry"].split()
    assert program == "ttsdoc"

    def run(*files: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "diagnose", *arguments, *files]
        environment = os.environ | {"PYTHONPATH": str(root)}
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)

    assert all(re.search(hook["files"], name) for name in ("train.yaml", "config.yaml", "conf/a.json"))
    assert run("config.yaml", "ci_config.yaml").returncode == 0
    both = run("config.yaml", "train.yaml")
    assert both.returncode == 1
    assert "CFG002" in both.stdout
    assert run("train.yaml", "missing.yaml").returncode == 2
