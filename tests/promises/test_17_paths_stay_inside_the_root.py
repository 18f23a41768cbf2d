"""Promise 17: nothing is read outside of the folder that was named, and nothing written but where asked."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from diagnose.errors import LogError
from diagnose.readers import read
from tests.promises.commands import HEALTHY, error_lines, ttsdoc


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "run").mkdir(parents=True)
    (tmp_path / "root" / "run" / "train.log").write_text(HEALTHY)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.log").write_text(HEALTHY)
    return tmp_path / "root"


def judged(root: Path) -> tuple[list[str], list[str], int]:
    result = ttsdoc("analyze", root, "--format", "json")
    lines = error_lines(result)
    return [run["name"] for run in json.loads(result.stdout)["runs"]], lines, result.returncode


@pytest.mark.parametrize("kind", ["file", "folder", "folder above", "relative"])
def test_a_link_out_of_the_root_is_reported_and_not_followed(root: Path, kind: str) -> None:
    target = {"file": root.parent / "outside/secret.log", "folder above": root.parent, "relative": Path("../outside")}
    (root / ("linked.log" if kind == "file" else "linked")).symlink_to(target.get(kind, root.parent / "outside"))
    names, lines, status = judged(root)
    assert (names, status) == (["run/train.log"], 0)
    assert [line for line in lines if "linked" in line and "not followed" in line]


def test_links_inside_loops_and_dead_links_are_no_matter(root: Path) -> None:
    (root / "loop").symlink_to(root)
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    (root / "dead.log").symlink_to("nowhere")
    names, lines, status = judged(root)
    assert ("run/train.log" in names, lines, status) == (True, [], 0)


def test_what_is_no_file_is_passed_over(root: Path) -> None:
    os.mkfifo(root / "pipe.log")
    (root / "events.out.tfevents.1.folder").mkdir()
    (root / "metrics.csv").mkdir()
    assert judged(root) == (["run/train.log"], [], 0)


def test_analysis_writes_nothing(root: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    for form in ("text", "json", "markdown"):
        ttsdoc("analyze", root, "--format", form, cwd=root)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


@pytest.mark.parametrize("command", ["report {log} -o {log}", "export {log} -o {log}", "export {root} -o {log}"])
@pytest.mark.parametrize("name", ["metrics.csv", "metrics.jsonl"])
def test_no_output_takes_the_place_of_a_log(root: Path, command: str, name: str) -> None:
    rows = {
        "metrics.csv": "step,loss\n" + "".join(f"{n},{3 / (1 + n):.4f}\n" for n in range(50)),
        "metrics.jsonl": "".join(json.dumps({"step": n, "loss": 3 / (1 + n)}) + "\n" for n in range(50)),
    }
    log = root / "run" / name
    log.write_text(rows[name])
    result = ttsdoc(*command.format(root=root, log=log).split())
    assert result.returncode == 2
    assert f"give {'a' if 'report' in command else 'another'} name" in " ".join(result.stderr.split())
    assert log.read_text() == rows[name]


def test_a_path_with_a_nul_byte_is_not_there() -> None:
    with pytest.raises(LogError, match="no such file"):
        read("train\0.log")
