"""Promise 7: not on the order of files, their names, the locale, the time zone, the hash seed or the folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.promises import hostile
from tests.promises.commands import ttsdoc

PLACES: list[dict[str, str]] = [
    {"LC_ALL": "tr_TR.UTF-8"},
    {"LC_ALL": "C"},
    {"LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"},
    {"TZ": "Asia/Kathmandu"},
    {"TZ": "America/St_Johns"},
    *({"PYTHONHASHSEED": str(seed)} for seed in range(4)),
    {"PYTHONOPTIMIZE": "1"},
]


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
    return folder, runs(folder)


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_in_any_place_the_same_is_said(tree: tuple[Path, Any], place: dict[str, str]) -> None:
    assert runs(tree[0], env=place) == tree[1]


def test_the_order_in_which_files_were_written_does_not_matter(tree: tuple[Path, Any], tmp_path: Path) -> None:
    for name in ("c", "a", "b"):
        shutil.copytree(tree[0] / name, tmp_path / name)
    assert runs(tmp_path) == tree[1]
