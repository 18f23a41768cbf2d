"""Promise 8: the unit of a loss and the numbering of steps change no class. (A target loss is in a unit, and may.)"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from diagnose.run import Role
from diagnose.testing.synthetic import Fault, sample
from tests.promises.commands import error_lines, ttsdoc

OF_A_UNIT = {"loss-above-target", "impossible-loss"}


def judged(folder: Path, fault: Fault, *, scale: float = 1.0, stride: int = 1) -> tuple[str, set[str]]:
    """Verdict and the names of what is found in a log of the same run in other units."""
    made = sample(fault, 7, points=200)
    losses = [curve for role in (Role.TRAIN_LOSS, Role.VAL_LOSS) if (curve := made.run.curve(role)) is not None]
    rows: list[dict[str, Any]] = []
    for name, curve in zip(("loss", "val_loss"), losses, strict=False):
        rows += [
            {"step": int(step) * stride, name: float(value) * scale}
            for step, value in zip(curve.steps, curve.values, strict=True)
        ]
    folder.mkdir()
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = ttsdoc("analyze", folder, "--format", "json")
    error_lines(result)
    (run,) = json.loads(result.stdout)["runs"]
    return run["verdict"], {one["name"] for one in run["findings"]} - OF_A_UNIT


@pytest.mark.parametrize("fault", [Fault.HEALTHY, Fault.SPIKE, Fault.DIVERGENCE, Fault.OVERFITTING, Fault.PLATEAU])
def test_another_unit_or_numbering_is_the_same_diagnosis(tmp_path: Path, fault: Fault) -> None:
    first = judged(tmp_path / "as it was", fault)
    assert judged(tmp_path / "large", fault, scale=1024.0) == first
    assert judged(tmp_path / "small", fault, scale=1 / 256) == first
    assert judged(tmp_path / "renumbered", fault, stride=10) == first
