"""Fixtures of the trainer's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the trainer needs torch: pip install 'ttsdoc[train]'")

import torch

from tests.trainer.tiny import data_set


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of 30 words."""
    torch.set_num_threads(1)
    return data_set(tmp_path_factory.mktemp("data") / "words")
