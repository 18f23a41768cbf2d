"""Many runs: one line each, worst first, the same in a pool; damaged and foreign files are reported, not fatal."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from diagnose.errors import LogError
from diagnose.facts import Hints
from diagnose.pool import WORTH_A_POOL, find, judge_all
from tests.test_cli import report, ttsdoc


def write_run(folder: Path, losses: list[float]) -> Path:
    folder.mkdir(parents=True)
    path = folder / "metrics.jsonl"
    path.write_text("".join(json.dumps({"step": n, "loss": loss}) + "\n" for n, loss in enumerate(losses)), "utf-8")
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    falling = [9 - n / 10 for n in range(60)]
    for number in range(WORTH_A_POOL + 2):
        write_run(tmp_path / f"fine{number:02d}", falling)
    write_run(tmp_path / "faulty", [*falling[:40], *[float("nan")] * 20])
    return tmp_path


def test_the_worst_run_comes_first(tree: Path) -> None:
    fleet = judge_all(find([str(tree)]), Hints())
    assert "faulty" in fleet.diagnoses[0].run.name
    assert [finding.name for finding in fleet.diagnoses[0].findings][:1] == ["non-finite-loss"]


def test_a_pool_of_processes_says_the_same(tree: Path) -> None:
    def verdicts(jobs: int) -> list[tuple[str, str, list[str]]]:
        fleet = judge_all(find([str(tree)]), Hints(), jobs=jobs)
        return [(d.run.name, d.verdict.value, [f.name for f in d.findings]) for d in fleet.diagnoses]

    assert verdicts(2) == verdicts(1)


def test_match_and_since_choose_runs(tree: Path) -> None:
    old = tree / "fine00" / "metrics.jsonl"
    os.utime(old, (1_000_000_000, 1_000_000_000))
    assert [source.label for source in find([str(tree)], match="faulty*")] == ["faulty/metrics.jsonl"]
    recent = find([str(tree)], since=time.time() - 3600)
    assert "fine00/metrics.jsonl" not in [source.label for source in recent]
    with pytest.raises(LogError, match="--match"):
        find([str(tree)], match="nothing*")


def test_many_runs_are_one_line_each_and_the_worst_in_full(tree: Path) -> None:
    done = ttsdoc("analyze", tree)
    assert done.returncode == 1
    assert f"{WORTH_A_POOL + 3} runs" in done.stdout
    assert done.stdout.count("UNHEALTHY") == 1
    assert len(report(ttsdoc("analyze", tree, "--format", "json"))["runs"]) == WORTH_A_POOL + 3


def test_counting_by_time_and_a_moment_that_is_none(root: Path) -> None:
    done = ttsdoc("analyze", root / "examples" / "amharic", "--axis", "time", "--format", "json")
    assert report(done)["runs"][0]["metrics"]["train_loss"]["axis"] == "second"
    assert "is no time" in ttsdoc("analyze", root / "examples", "--since", "yesterday").stderr
