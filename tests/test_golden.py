"""What is generated is what is committed: the docs of the checks, the reports of the examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden import GOLDEN


@pytest.mark.parametrize("name", GOLDEN)
def test_generated_file_is_up_to_date(root: Path, name: str) -> None:
    assert GOLDEN[name]() == (root / name).read_text("utf-8"), "run `make golden` and review the difference"
