"""The judge stays small: few lines, few numbers. Its aim is 2,500 and 120; these are what is reached, never to grow."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from diagnose.numbers import is_number
from tests.test_architecture import PACKAGE

LINES, NUMBERS = 3381, 99
PLAIN = (0, 1, 2)
"""Numbers that are no choice."""


def files() -> list[Path]:
    return sorted([*(PACKAGE / "checks" / "run").glob("*.py"), *(PACKAGE / "signals").glob("*.py")])


def numbers(path: Path) -> Iterator[float]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and is_number(node.value) and node.value not in PLAIN:
            yield node.value


def test_the_checks_of_runs_and_their_measures_are_few_lines() -> None:
    assert sum(path.read_text("utf-8").count("\n") for path in files()) <= LINES


def test_they_hold_few_numbers_wherever_they_are() -> None:
    found = {path.name: list(numbers(path)) for path in files()}
    assert sum(map(len, found.values())) <= NUMBERS, found


def test_a_check_has_at_most_six_thresholds() -> None:
    from diagnose.checks import every_check

    many = {check.name: len(check.thresholds()) for check in every_check() if len(check.thresholds()) > 6}
    assert many == {}
