"""The example that judges runs with Ray, on a real cluster of one machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.readers.events import scalar, write

pytest.importorskip("ray", reason="Ray is not installed")


def test_ray_judges_a_tree_worst_first(root: Path, tmp_path: Path) -> None:
    for number in range(3):
        faulty = number == 1
        log = [scalar("loss", step, float("nan") if faulty and step > 50 else 10 / (step + 1)) for step in range(100)]
        write(tmp_path / f"run{number}", log)
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(root)}
    command = [sys.executable, str(root / "examples" / "fleet" / "on_ray.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    lines = done.stdout.splitlines()
    assert done.returncode == 1, done.stderr[-2000:]
    assert len(lines) == 3
    assert lines[0].startswith(f"unhealthy    {tmp_path / 'run1'}")
