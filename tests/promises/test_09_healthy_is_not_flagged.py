"""Promise 9: habits of practice that look like a fault raise no alarm; of 500 simulated healthy runs 2 % at most."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from diagnose.engine import examine
from diagnose.facts import Facts
from diagnose.finding import Severity
from diagnose.testing.synthetic import Fault, kinds, sample
from tests.promises.commands import error_lines, ttsdoc

RUNS, MOST = 500, 0.02
SEEDS = range(70_000, 70_000 + RUNS)
"""Seeds on which nothing was developed."""

TIME = np.linspace(0, 1, 400)
NOISE = np.random.default_rng(9).standard_normal((2, len(TIME)))
DESCENT = 0.5 + 2.5 * np.exp(-3 * TIME)
NAMED = {
    "a flow loss, loud to the end": {"loss": DESCENT * np.exp(0.15 * NOISE[0])},
    "a hump in the warm-up": {"loss": DESCENT + 0.5 * np.exp(-(((TIME - 0.05) / 0.02) ** 2)) + 0.02 * NOISE[0]},
    "a saw-tooth of epochs": {"loss": DESCENT * (1 - 0.05 * (20 * TIME % 1)) + 0.01 * NOISE[0]},
    "a GAN whose adversarial loss rises": {
        "loss/d/total": 2.2 - 0.2 * TIME + 0.05 * NOISE[0],
        "loss/g/adv": 2 + 0.5 * TIME + 0.05 * NOISE[1],
        "loss/g/mel": 20 + 25 * np.exp(-4 * TIME) + 0.2 * NOISE[1],
    },
}


@pytest.mark.parametrize("name", NAMED)
def test_a_habit_that_looks_like_a_fault_is_none(tmp_path: Path, name: str) -> None:
    columns = {tag: values.tolist() for tag, values in NAMED[name].items()}
    rows = ({"step": 50 * n, **{tag: values[n] for tag, values in columns.items()}} for n in range(len(TIME)))
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = ttsdoc("analyze", tmp_path, "--format", "json")
    error_lines(result)
    (run,) = json.loads(result.stdout)["runs"]
    assert [one for one in run["findings"] if one["severity"] == "error"] == []


def test_of_many_healthy_runs_two_percent_at_most_are_alarms() -> None:
    alarmed: list[str] = []
    for seed in SEEDS:
        run = sample(Fault.HEALTHY, seed).run
        found = examine(Facts(run=run)).findings
        alarmed += [run.name] if any(one.severity is not Severity.INFO for one in found) else []
    assert len(kinds(Fault.HEALTHY)) >= 8
    assert len(alarmed) / RUNS <= MOST, alarmed
