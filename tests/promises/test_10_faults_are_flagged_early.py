"""Promise 10: a planted fault is reported as the log grows, soon after the step where it begins, and not before."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from diagnose.api import analyze
from diagnose.finding import Severity
from tests.promises.commands import error_lines, ttsdoc

POINTS, BEGINS = 200, 120
TIME = np.arange(POINTS) / POINTS
NOISE = np.random.default_rng(10).standard_normal(POINTS)
SOUND = (0.5 + 2.5 * np.exp(-5 * TIME)) * np.exp(0.01 * NOISE)
SINCE = np.maximum(np.arange(POINTS) - BEGINS + 1, 0)
PLANTED = {
    "non-finite-loss": ("loss", np.where(SINCE > 0, np.nan, SOUND), 10),
    "divergence": ("loss", SOUND * np.exp(np.minimum(0.2 * SINCE, 8)), 25),
    "overfitting": ("val_loss", SOUND * (1 + 0.02 * SINCE), 70),
}
"""Name of the finding -> (the curve that is spoilt, its values, within how many points of the onset it is reported)."""


def rows(tag: str, values: np.ndarray) -> list[str]:
    curves = {"loss": SOUND, "val_loss": (values if tag == "loss" else SOUND) * 1.05, tag: values}
    return [json.dumps({"step": 10 * n, **{name: float(curve[n]) for name, curve in curves.items()}})
            for n in range(POINTS)]  # fmt: skip


def alarms(path: Path, lines: list[str]) -> set[str]:
    path.write_text("\n".join(lines) + "\n")
    (diagnosis,) = analyze(path)
    return {one.name for one in diagnosis.findings if one.severity is not Severity.INFO}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_reported_soon_and_not_before(tmp_path: Path, name: str) -> None:
    tag, values, patience = PLANTED[name]
    lines = rows(tag, values)
    assert name not in alarms(tmp_path / "before.jsonl", lines[:BEGINS])
    assert name in alarms(tmp_path / "soon.jsonl", lines[: BEGINS + patience])


def test_the_command_reports_a_fault_with_its_step(tmp_path: Path) -> None:
    tag, values, _ = PLANTED["non-finite-loss"]
    (tmp_path / "metrics.jsonl").write_text("\n".join(rows(tag, values)) + "\n")
    result = ttsdoc("analyze", tmp_path, "--format", "json")
    error_lines(result)
    assert result.returncode == 1
    first = json.loads(result.stdout)["runs"][0]["findings"][0]
    assert (first["name"], first["severity"], first["first_step"]) == ("non-finite-loss", "error", 10 * BEGINS)
