"""Fixtures that all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real logs and configs beside the checkout, which only some machines have."""
    folder = ROOT.parent / "shared"
    if not (folder / "logs").is_dir():
        pytest.skip("the real logs and configs (../shared) are not on this machine")
    return folder


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the checkout."""
    return ROOT
