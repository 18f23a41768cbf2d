"""What is generated is what is committed: the docs, the reports of the examples, what every check says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden import GOLDEN, left_over


@pytest.mark.parametrize("name", GOLDEN)
def test_generated_file_is_up_to_date(root: Path, name: str) -> None:
    assert GOLDEN[name]() == (root / name).read_text("utf-8"), "run `make golden` and review the difference"


def test_nothing_is_stored_of_what_is_no_more() -> None:
    assert left_over() == set()
