"""Promise 26: with protobuf and CRC-32C in Python alone, every number and every damage report is the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.promises import hostile
from tests.promises.commands import ROOT, error_lines, ttsdoc
from tests.readers import events

PURE = {"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"}
# google-crc32c falls back to Python where its extension cannot be loaded (google_crc32c/__init__.py).
NO_EXTENSION = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in ("google_crc32c._crc32c", "google._upb._message"):
            raise ImportError(name + " is left out on purpose")
sys.meta_path.insert(0, Missing())
"""


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """An event file of two curves with one byte turned in the middle."""
    points = [events.scalar(tag, s, v) for s, v in enumerate(hostile.losses()) for tag in ("train/loss", "val/loss")]
    path = events.write(tmp_path / "run", points)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    return tmp_path / "run"


def runs(folder: Path, environment: dict[str, str]) -> Any:
    result = ttsdoc("analyze", folder, "--format", "json", env=environment)
    error_lines(result)
    return json.loads(result.stdout)["runs"]


@pytest.mark.filterwarnings("ignore")
def test_the_diagnosis_and_the_damage_are_the_same(tmp_path: Path, damaged: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_EXTENSION)
    without = {**PURE, "PYTHONPATH": f"{tmp_path}:{ROOT}", "PYTHONWARNINGS": "ignore"}
    with_helpers = runs(damaged, {})
    assert runs(damaged, without) == with_helpers
    assert "1 damaged record" in " ".join(with_helpers[0]["notes"])


def test_the_helpers_are_really_left_out(tmp_path: Path) -> None:
    import subprocess
    import sys

    (tmp_path / "sitecustomize.py").write_text(NO_EXTENSION)
    code = (
        "import google_crc32c as c; from google.protobuf.internal import api_implementation as a; "
        "print(c.implementation, a.Type())"
    )
    import os

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, **PURE, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert done.stdout.split() == ["python", "python"]
