"""Promise 7: not on the order of files, their names, the locale, the time zone, the hash seed or the folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from tests.promises import hostile
from tests.promises.commands import in_this_process, ttsdoc
from tests.readers import events

ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
"""A machine on which Python takes files and names for ASCII, where it is not told what they are."""
PLACES: list[dict[str, str]] = [
    {"LC_ALL": "tr_TR.UTF-8"},
    ASCII,
    {"LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"},
    {"TZ": "Asia/Kathmandu"},
    {"TZ": "America/St_Johns"},
    *({"PYTHONHASHSEED": str(seed)} for seed in range(4)),
    {"PYTHONOPTIMIZE": "1"},
]
CLOCK_CHANGE = datetime(2026, 11, 1, 2)
"""When the clocks of St John's go back by an hour."""
AMHARIC = "\u1208\u121d\u12f5"


def runs(folder: Path, **options: Any) -> Any:
    return json.loads(ttsdoc("analyze", ".", "--format", "json", cwd=folder, **options).stdout)["runs"]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("tree")
    for name, spike in (("b", True), ("a", False), ("c", True)):
        hostile.rows(folder / name)
        values = hostile.losses(spike)
        (folder / name / "metrics.jsonl").write_text(
            "".join(json.dumps({"step": n, "loss": v, "lr": 1e-3}) + "\n" for n, v in enumerate(values))
        )
    names = ("train/loss", "val/loss", "loss_mel", "loss_kl", "lr", AMHARIC)
    points = [events.scalar(tag, step, 3 / (1 + step / 9) + 0.5) for step in range(60) for tag in names]
    events.write(folder / "events", points)
    config = f"speaker: {AMHARIC}\nlearning_rate: 0.05\nbatch_size: 16\nwarmup_steps: 10\noptimizer: adamw\n"
    (folder / "events" / "config.yaml").write_text(config, "utf-8")
    slower(folder / "slower")
    return folder, runs(folder)


def slower(folder: Path) -> None:
    """A run that slows down, dated without a time zone, over the night in which the clocks of St John's go back."""
    folder.mkdir()
    moment, lines = CLOCK_CHANGE - timedelta(hours=4), ["timestamp,step,tag,value"]
    for step in range(200):
        lines.append(f"{moment},{step},loss,{3 / (1 + step / 40) + 0.5:.4f}")
        moment += timedelta(seconds=60 if step < 120 else 300)
    (folder / "metrics.csv").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_in_any_place_the_same_is_said(tree: tuple[Path, Any], place: dict[str, str]) -> None:
    assert runs(tree[0], env=place) == tree[1]


def test_what_is_compared_has_findings_of_each_kind_of_log(tree: tuple[Path, Any]) -> None:
    found = {run["name"]: {finding["name"] for finding in run["findings"]} for run in tree[1]}
    assert "stalled-run" in found["slower/metrics.csv"]
    assert "implausible-value" in found["events"]
    assert any(found[name] - {"missing-validation"} for name in found if name.startswith("b/"))


def test_the_order_in_which_a_disk_lists_files_does_not_matter(tree: tuple[Path, Any]) -> None:
    with listed_backwards():
        backwards = in_this_process("analyze", ".", "--format", "json", "--jobs", "1", cwd=tree[0])
    assert json.loads(backwards.stdout)["runs"] == tree[1]


@contextmanager
def listed_backwards() -> Iterator[None]:
    """Each folder is listed from its last name to its first."""
    forwards = os.scandir

    @contextmanager
    def backwards(path: Any = ".") -> Iterator[Iterator[os.DirEntry[str]]]:
        with forwards(path) as entries:
            yield iter(sorted(entries, key=lambda entry: entry.name, reverse=True))

    with mock.patch.object(os, "scandir", backwards):
        yield


def test_the_names_and_the_place_of_files_do_not_matter(tree: tuple[Path, Any], tmp_path: Path) -> None:
    log = (tree[0] / "b" / "metrics.jsonl").read_bytes()
    found = []
    for name in ("metrics.jsonl", "a b/0.jsonl", "runs/val/Final (2).ndjson", "checkpoints/eval.jsonl", "x/loss.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(log)
        (run,) = json.loads(in_this_process("analyze", path, "--format", "json").stdout)["runs"]
        found.append((run["verdict"], run["metrics"], run["findings"]))
    assert found == [found[0]] * len(found)
