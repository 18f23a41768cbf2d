"""One strange file never keeps the others from being judged: it is one line, and the status is 2."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from diagnose import pool, readers
from diagnose.errors import LogError
from diagnose.facts import Facts, Hints
from diagnose.gather import facts_of_run
from diagnose.pool import WORTH_A_POOL
from diagnose.readers.sources import Source
from diagnose.run import Run
from tests.promises.commands import (
    HEALTHY,
    environment_with,
    error_lines,
    in_this_process,
    refused,
    ttsdoc,
    unprivileged,
)
from tests.readers import events


def judged(result: Any) -> list[str]:
    error_lines(result)
    return [run["name"] for run in json.loads(result.stdout)["runs"]]


def run_folder(place: Path) -> Path:
    place.mkdir(parents=True)
    (place / "train.log").write_text(HEALTHY)
    return place


def long_line(folder: Path) -> None:
    (folder / "notes.txt").write_text("a," * 100_000 + "\n" + "1," * 100_000)


def endless_quote(folder: Path) -> None:
    (folder / "quoted.csv").write_text('step,loss\n1,"' + "x" * 200_000)


def steps_beyond_integers(folder: Path) -> None:
    (folder / "mlruns/0/abc/metrics").mkdir(parents=True)
    (folder / "mlruns/0/abc/meta.yaml").write_text("run_id: abc\n")
    (folder / "mlruns/0/abc/metrics/loss").write_text(
        "1700000000000 1.0 99999999999999999999\n1700000000000 2.0 -1e3\n"
    )


def metric_of_many_digits(folder: Path) -> None:
    state = '{"best_metric": 1%s, "best_model_checkpoint": "c", "log_history": [%s]}'
    points = ", ".join(f'{{"step": {step}, "loss": {9 - step}.0}}' for step in range(9))
    (folder / "trainer_state.json").write_text(state % ("0" * 400, points))


def not_a_database(folder: Path) -> None:
    (folder / "x.db").write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 20)


def binary(folder: Path) -> None:
    for ending in (".log", ".txt", ".csv", ".json", ".jsonl", ".tsv", ".out", ".wandb", ""):
        (folder / f"noise{ending}").write_bytes(os.urandom(100_000))
    (folder / "events.out.tfevents.noise").write_bytes(os.urandom(100_000))


def deep_json(folder: Path) -> None:
    (folder / "deep.json").write_text("[" * 100_000)
    (folder / "deep.jsonl").write_text('{"loss": ' * 50_000 + "1" + "}" * 50_000 + "\n")


STRANGE_LOGS = (
    long_line,
    endless_quote,
    steps_beyond_integers,
    metric_of_many_digits,
    not_a_database,
    binary,
    deep_json,
)


@pytest.mark.parametrize("spoil", STRANGE_LOGS, ids=lambda spoil: spoil.__name__)
def test_a_strange_log_leaves_the_others_judged(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    run_folder(tmp_path / "good")
    (tmp_path / "bad").mkdir()
    spoil(tmp_path / "bad")
    result = ttsdoc("analyze", tmp_path, "--format", "json")
    assert "good/train.log" in judged(result)
    assert result.returncode in (0, 1, 2)


class Stumbling:
    """A reader with an error in it, as a plug-in may have one: files with `bad` in their names bring it out."""

    def __init__(self, where: str) -> None:
        self.where = where

    def sniff(self, source: Source) -> int:
        if "bad" not in source.name:
            return 0
        if self.where == "sniff":
            raise RuntimeError("it stumbled")
        return 99

    def read(self, source: Source) -> Run:
        raise RuntimeError("it stumbled")


BYTES = "\0\1\2\3" * 100
ANOTHER = "".join(f"step {step} loss {5 / (1 + step / 30) + 0.7:.4f}\n" for step in range(0, 400, 4))
"""No copy of the log beside it, with which it would be one training."""
PLANTED = [
    pytest.param("sniff", BYTES, False, id="in the question whether a file is a log"),
    pytest.param("sniff", ANOTHER, True, id="in one reader of several"),
    pytest.param("read", ANOTHER, False, id="while it is read"),
]


@pytest.mark.parametrize(("where", "content", "readable"), PLANTED)
def test_an_error_of_ours_costs_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, content: str, readable: bool
) -> None:
    monkeypatch.setattr(readers, "_plugged_in", lambda: (Stumbling(where),))
    run_folder(tmp_path / "good")
    (tmp_path / "bad.log").write_text(content)
    result = in_this_process("analyze", tmp_path, "--format", "json")
    assert judged(result) == (["bad.log"] if readable else []) + ["good/train.log"]
    assert result.returncode == (0 if readable else 2)
    said = [line for line in error_lines(result) if "bad.log" in line]
    assert [("RuntimeError" in line, "it stumbled" in line) for line in said] == ([] if readable else [(True, True)])


def test_an_error_of_ours_is_one_line_to_a_program_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "_plugged_in", lambda: (Stumbling("read"),))
    (tmp_path / "bad.log").write_text(HEALTHY)
    with pytest.raises(LogError, match=r"\A.*bad\.log: RuntimeError .*: it stumbled .*\Z"):
        readers.read(tmp_path / "bad.log")


@pytest.mark.parametrize("others", [1, WORTH_A_POOL], ids=["in one process", "in several"])
def test_an_error_of_ours_behind_the_readers_costs_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: int
) -> None:
    def facts(run: Run, hints: Hints) -> Facts:
        if "bad" in run.name:
            raise RuntimeError("it stumbled")
        return facts_of_run(run, hints)

    monkeypatch.setattr(pool, "facts_of_run", facts)
    for number in range(others):
        run_folder(tmp_path / f"good{number:02d}")
    run_folder(tmp_path / "bad")
    result = in_this_process("analyze", tmp_path, "--format", "json", "--jobs", "2")
    assert judged(result) == [f"good{number:02d}/train.log" for number in range(others)]
    assert result.returncode == 2
    assert ["it stumbled" in line for line in error_lines(result)] == [True]


STRANGE_CONFIGS = {
    "a list as the rate": "learning_rate: [0.02, 0.002]\nbatch_size: 16\nepochs: 3\n",
    "a mapping as the rate": "learning_rate: {a: 1}\nbatch_size: [[1], {x: 2}]\nepochs: [1, 2]\n",
    "a home that nobody has": "learning_rate: 0.001\nbatch_size: 16\nlog_dir: ~unknown/x\ndataset_path: ~nobody-/y\n",
    "a tag without a value": "learning_rate: 0.001\nbatch_size: 16\na: !!int\nb: !!float\nc: !!timestamp x\nd: !!bool",
    "a path with a NUL": 'learning_rate: 0.001\nbatch_size: 16\nlog_dir: "a\\0b"\n',
    "a path beyond all length": f"learning_rate: 0.001\nbatch_size: 16\nlog_dir: {'a' * 5000}\ndata_dir: {'b/' * 3000}",
    "numbers beyond all size": f"learning_rate: {'9' * 400}\nbatch_size: -{'9' * 30}\nepochs: 1e999\nseed: .nan\n",
    "a million brackets": "learning_rate: " + "[" * 50_000,
    "bytes": "\x00\x01\x02",
}


@pytest.mark.parametrize("text", STRANGE_CONFIGS.values(), ids=STRANGE_CONFIGS)
@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_a_strange_config_leaves_the_log_beside_it_judged(tmp_path: Path, text: str, form: str) -> None:
    folder = run_folder(tmp_path / "run")
    (folder / "config.yaml").write_text(text)
    result = in_this_process("analyze", folder / "train.log", "--format", form)
    error_lines(result)
    assert result.returncode in (0, 1)
    assert result.stdout


@pytest.mark.parametrize("text", STRANGE_CONFIGS.values(), ids=STRANGE_CONFIGS)
@pytest.mark.parametrize("command", [("fix",), ("check",), ("config", "show")], ids=" ".join)
def test_a_strange_config_is_no_crash_of_any_command(tmp_path: Path, text: str, command: tuple[str, ...]) -> None:
    config = run_folder(tmp_path / "run") / "config.yaml"
    config.write_text(text)
    result = in_this_process(*command, config)
    assert "an error in ttsdoc" not in " ".join(error_lines(result))
    assert result.returncode in (0, 1, 2)


def test_of_several_paths_the_good_ones_are_judged(tmp_path: Path) -> None:
    good = run_folder(tmp_path / "good")
    (tmp_path / "empty").mkdir()
    bad = [tmp_path / "nosuch", tmp_path / "empty"]
    result = ttsdoc("analyze", bad[0], good, bad[1], "--format", "json")
    assert judged(result) == ["train.log"]
    assert result.returncode == 2
    assert [line for line in error_lines(result) if str(bad[0]) in line]
    assert [line for line in error_lines(result) if str(bad[1]) in line]
    refused(ttsdoc("analyze", bad[0], bad[1]), "nosuch")


def test_a_log_below_folders_of_other_people_is_read(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "shared" / "mine")
    (tmp_path / "shared").chmod(0o111)  # may be passed through, may not be listed
    try:
        for path in (folder, folder / "train.log"):
            result = ttsdoc("analyze", path, "--format", "json", preexec_fn=unprivileged())
            assert (len(judged(result)), result.returncode) == (1, 0)
    finally:
        (tmp_path / "shared").chmod(0o755)


def test_a_folder_that_cannot_be_listed_is_reported(tmp_path: Path) -> None:
    run_folder(tmp_path / "good")
    closed = run_folder(tmp_path / "closed")
    closed.chmod(0)
    try:
        result = ttsdoc("analyze", tmp_path, "--format", "json", preexec_fn=unprivileged())
        assert (judged(result), result.returncode) == (["good/train.log"], 2)
        assert [line for line in error_lines(result) if str(closed) in line]
        refused(ttsdoc("analyze", closed, preexec_fn=unprivileged()), str(closed), "denied")
        run_folder(tmp_path / "only" / "closed")
        (tmp_path / "only" / "closed").chmod(0)
        refused(ttsdoc("analyze", tmp_path / "only", preexec_fn=unprivileged()), "only/closed", "denied")
    finally:
        closed.chmod(0o755)
        (tmp_path / "only" / "closed").chmod(0o755)


@pytest.mark.parametrize("name", ["train.log", "events.out.tfevents.1.host", "metrics.csv", "config.yaml"])
def test_a_file_that_cannot_be_read_is_reported_and_the_others_are_judged(tmp_path: Path, name: str) -> None:
    run_folder(tmp_path / "good")
    closed = run_folder(tmp_path / "closed") / name
    closed.write_text(HEALTHY)
    closed.chmod(0)
    result = ttsdoc("analyze", tmp_path, "--format", "json", preexec_fn=unprivileged())
    assert "good/train.log" in judged(result)
    if name != "config.yaml":  # which nobody asked for
        assert result.returncode == 2
        assert [line for line in error_lines(result) if str(closed) in line]


def test_an_unreadable_series_does_not_hide_the_run_above_it(tmp_path: Path) -> None:
    points = [events.scalar("loss", step, 3 / (1 + step / 9) + 0.5) for step in range(60)]
    events.write(tmp_path / "run", points)
    inner = events.write(tmp_path / "run" / "loss_train", points)
    inner.chmod(0)
    result = ttsdoc("analyze", tmp_path, "--format", "json", preexec_fn=unprivileged())
    assert "run" in judged(result)
    assert [line for line in error_lines(result) if str(inner) in line]


def test_folders_deeper_than_the_stack_are_walked(tmp_path: Path) -> None:
    run_folder(tmp_path / "good")
    # More than Python's stack, and more characters than a path may have.
    dig = "import os\nfor _ in range(3000): os.mkdir('dd'); os.chdir('dd')"
    subprocess.run([sys.executable, "-c", dig], cwd=tmp_path / "good", check=True)
    try:
        result = ttsdoc("analyze", tmp_path, "--format", "json")
        assert judged(result) == ["good/train.log"]
        assert judged(ttsdoc("analyze", "train.log", "--format", "json", cwd=tmp_path / "good")) == ["."]
    finally:
        subprocess.run(["rm", "-rf", tmp_path / "good"], check=True)  # shutil's own walk is recursive


def test_from_a_folder_that_may_not_be_looked_into_what_is_elsewhere_is_judged(tmp_path: Path) -> None:
    good = run_folder(tmp_path / "good")
    (tmp_path / "closed").mkdir()
    drop = unprivileged()

    def enter() -> None:
        os.chdir(tmp_path / "closed")
        (tmp_path / "closed").chmod(0)
        if drop:
            drop()

    program = tmp_path / "ttsdoc.py"  # `python -m` looks for modules in the current folder itself
    program.write_text("from diagnose.cli import main\nraise SystemExit(main())\n")
    command = [sys.executable, str(program), "analyze", str(good), "--format", "json"]
    options: dict[str, Any] = {"env": environment_with({}), "preexec_fn": enter}
    result = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    (tmp_path / "closed").chmod(0o755)
    assert (len(judged(result)), result.returncode) == (1, 0)
