"""Promise 27: where a guard is taken out, a test fails. Each mutation is made in a copy, on which one test runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.promises.commands import ROOT


@dataclass(frozen=True)
class Mutation:
    """One guard taken out of a module."""

    module: str
    guard: str
    without: str
    test: str
    """The test, as pytest names it, that must notice."""


CONFIG = "tests/config/test_hostile.py"
MUTATIONS = {
    "the checksum of a record": Mutation(
        "diagnose/readers/tensorboard/decode.py",
        'return masked(record[HEADER:-4]) == int.from_bytes(record[-4:], "little")',
        "return True",
        "tests/readers/test_tensorboard_damage.py::test_a_flipped_byte_costs_its_record",
    ),
    "the check of an edit": Mutation(
        "diagnose/config/edit.py",
        "if was != now:",
        "if False:",
        "tests/promises/test_11_fix_changes_only_what_it_lists.py::"
        "test_an_editor_that_errs_is_caught_before_anything_is_written",
    ),
    "the size of a config": Mutation(
        "diagnose/config/document.py", "if len(content) > MAX_BYTES:", "if False:", CONFIG
    ),
    "what a terminal acts on": Mutation(
        "diagnose/clean.py",
        'return _UNSEEN.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)',
        "return text",
        "tests/promises/test_15_nothing_in_a_log_controls_the_terminal.py::test_what_is_typed_is_echoed_plain",
    ),
    "credentials": Mutation(
        "diagnose/clean.py",
        'return _SECRET.sub(lambda found: f"{found[1]}***@" if found[1] else f"{found[2]}***", text)',
        "return text",
        "tests/promises/test_24_no_credentials_in_what_is_shown.py",
    ),
    "paths of the page": Mutation(
        "diagnose/files.py",
        "if place.is_relative_to(root.resolve()):",
        "if True:",
        "tests/ui/test_guard.py",
    ),
    "foreign names of the page": Mutation(
        "diagnose/ui/guard.py",
        "if (self._hosts and name not in self._hosts) or (",
        "if (",
        "tests/ui/test_guard.py",
    ),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the tests need, to be spoilt."""
    place = tmp_path_factory.mktemp("mutated")
    for name in ("diagnose", "presets", "tests", "examples", "benchmarks"):
        shutil.copytree(ROOT / name, place / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, place / name)
    return place


def status(copy: Path, test: str) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, check=False).returncode


@pytest.mark.parametrize("name", MUTATIONS)
def test_without_the_guard_its_test_fails(copy: Path, name: str) -> None:
    one = MUTATIONS[name]
    module = copy / one.module
    text = module.read_text("utf-8")
    assert text.count(one.guard) == 1, "the guard has moved: bring the mutation up to date"
    assert status(copy, one.test) == 0
    module.write_text(text.replace(one.guard, one.without), "utf-8")
    try:
        assert status(copy, one.test) == 1
    finally:
        module.write_text(text, "utf-8")
