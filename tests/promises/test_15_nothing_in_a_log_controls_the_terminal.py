"""Promise 15: whatever is in a log, a config, a file name or on the command line, the terminal stays as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from tests.promises import hostile
from tests.promises.commands import TTSDOC, environment_with, error_lines, in_this_process, ttsdoc

COLOURS = {"FORCE_COLOR": "", "NO_COLOR": ""}


def acting(text: str) -> list[str]:
    """The characters that a terminal acts on or that hide something."""
    unseen = [c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs") and c not in "\n\t"]
    return [f"{ord(c):04x}" for c in unseen]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = hostile.tree(tmp_path_factory.mktemp("tree"))
    hostile.config(folder)
    hostile.rows(folder / "rows")
    return folder


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
@pytest.mark.parametrize("extra", [{}, {"NO_COLOR": "1"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}], ids=str)
def test_reports_of_hostile_logs_are_plain(tree: Path, form: str, extra: dict[str, str]) -> None:
    result = ttsdoc("analyze", tree, tree / "rows", "--format", form, env=extra)
    error_lines(result)
    assert result.returncode == 1
    assert len(result.stdout) > 1000
    assert not acting(result.stdout)
    assert not acting(result.stderr)


@pytest.mark.parametrize("number", range(len(hostile.ALL)))
def test_the_report_of_each_run_is_plain(tree: Path, number: int) -> None:
    for path in tree.glob(f"*{number:02d}*"):
        for form in ("text", "markdown", "json"):
            result = in_this_process("analyze", path, "--format", form)
            error_lines(result)
            assert not acting(result.stdout + result.stderr), (path, form)


def test_json_means_what_stood_there(tree: Path) -> None:
    result = ttsdoc("analyze", tree, "--format", "json")
    names = {run["name"] for run in json.loads(result.stdout)["runs"]}
    assert {f"{number:02d}{hostile.as_name(text)}" for number, text in enumerate(hostile.ALL)} <= names


COMMANDS = [
    ("config", "show"),
    ("config", "show", "--format", "json"),
    ("check",),
    ("check", "--format", "json"),
    ("fix", "--diff"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_what_is_said_of_a_hostile_config_is_plain(tree: Path, command: tuple[str, ...]) -> None:
    result = ttsdoc(*command, tree / "config.yaml")
    error_lines(result)
    assert result.returncode in (0, 1), "it was refused, so that nothing of it was shown"
    assert not acting(result.stderr)
    if command[0] != "fix":  # whose output is the user's own text
        assert not acting(result.stdout)


ARGUMENTS = [
    ("analyze", "{}"),
    ("analyze", ".", "--format", "{}"),
    ("analyze", ".", "--since", "{}"),
    ("analyze", ".", "--match", "{}"),
    ("analyze", ".", "--family", "{}"),
    ("analyze", ".", "--train-tag", "{}"),
    ("analyze", ".", "--config", "{}"),
    ("analyze", ".", "--{}"),
    ("report", ".", "-o", "{}.html"),
    ("export", ".", "-o", "{}.csv"),
    ("compare", ".", "{}"),
    ("watch", "--once", "{}"),
    ("formats", "{}"),
    ("heal", "config.yaml", "--out", "{}", "--", "{}"),
    ("explain", "{}"),
    ("fix", "{}"),
    ("fix", "config.yaml", "-o", "{}.yaml"),
    ("fix", "config.yaml", "--only", "{}"),
    ("fix", "config.yaml", "--trainer", "{}"),
    ("check", "{}"),
    ("check", "config.yaml", "--dialect", "{}"),
    ("check", "config.yaml", "--data", "{}"),
    ("config", "show", "{}"),
    ("config", "{}"),
    ("trace", "--", "{}"),
    ("train", "{}"),
    ("say", "hello", "--checkpoint", "{}"),
    ("data", "{}"),
    ("data", "stats", "{}"),
    ("data", "import-srt", "{}", "{}", "{}"),
    ("data", "split", "{}"),
    ("data", "merge", "{}", "{}", "{}"),
    ("{}",),
    ("--{}",),
]


@pytest.mark.parametrize("command", ARGUMENTS, ids=" ".join)
def test_what_is_typed_is_echoed_plain(tmp_path: Path, command: tuple[str, ...]) -> None:
    hostile.config(tmp_path)
    hostile.rows(tmp_path)
    attack = "".join(hostile.TERMINAL)
    result = in_this_process(*(word.format(attack) for word in command), cwd=tmp_path)
    error_lines(result)
    assert result.returncode in (0, 1, 2)
    assert not acting(result.stdout + result.stderr)


def test_the_place_of_the_old_config_is_said_plain(tmp_path: Path) -> None:
    config = tmp_path / f"{hostile.as_name(''.join(hostile.TERMINAL))}.yaml"
    config.write_text("learning_rate: 0.05\nbatch_size: 16\noptimizer: adamw\n")
    (tmp_path / "metrics.jsonl").write_text(
        "".join(json.dumps({"step": n, "loss": value}) + "\n" for n, value in enumerate(hostile.losses()))
    )
    result = in_this_process("fix", config, "--logs", tmp_path / "metrics.jsonl", "--in-place")
    assert "the old config is kept as" in result.stderr
    assert not acting(result.stdout + result.stderr)


def test_a_terminal_gets_colours_and_nothing_else(tree: Path) -> None:
    import pty
    import re

    leader, follower = pty.openpty()
    run = next(tree.glob("00*"))
    environment = environment_with({"TERM": "xterm-256color", "COLUMNS": "100"})
    command = [*TTSDOC, "analyze", str(run)]
    with subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, env=environment) as process:
        os.close(follower)
        shown = b""
        while True:
            try:
                block = os.read(leader, 65536)
            except OSError:  # Linux: the last follower is closed
                break
            if not block:
                break
            shown += block
        process.wait()
    os.close(leader)
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).replace("\r\n", "\n")
    assert len(text) < len(shown)
    assert not acting(text)


def test_python_itself_is_not_at_fault() -> None:
    assert acting("\x1b") == ["001b"]
    assert not acting("ሰላም ünïcode ✓ ⡇ │\n\t")
    assert sys.stdout is not None
