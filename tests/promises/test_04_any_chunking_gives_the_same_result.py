"""Promise 4: a file that grows in any pieces is read as the whole. Event files: tests/readers/test_follow.py."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from diagnose.readers import follow, read
from diagnose.run import Run

LOSSES = [3 / (1 + step / 20) + 0.5 for step in range(2500)]
LOGS = {
    # Longer than what is kept until the format is clear: from there on only what is new is read.
    "train.log": "".join(f"[2026-01-02 03:04:05] step {n} loss {v:.4f} lr 1e-4\n" for n, v in enumerate(LOSSES * 10)),
    "metrics.jsonl": "".join(json.dumps({"step": n, "loss": v}) + "\n" for n, v in enumerate(LOSSES)),
    "metrics.csv": "step,loss\n" + "".join(f"{n},{v:.5f}\n" for n, v in enumerate(LOSSES)),
}


def points(run: Run) -> dict[str, tuple[list[int], list[float]]]:
    return {tag: (curve.steps.tolist(), np.round(curve.values, 9).tolist()) for tag, curve in run.curves.items()}


@pytest.mark.parametrize("name", LOGS)
@pytest.mark.parametrize("seed", range(4))
def test_pieces_cut_anywhere_are_read_as_the_whole(tmp_path: Path, name: str, seed: int) -> None:
    content, path = LOGS[name].encode(), tmp_path / name
    draw = random.Random(seed)
    path.touch()
    looks, seen = follow(path), None
    while content:
        size = draw.choice([1, 7, 100, 4096, 70_001])
        with path.open("ab") as file:
            file.write(content[:size])
        content = content[size:]
        if draw.random() < 0.2 or not content:
            seen = next(looks) or seen
    assert seen is not None
    assert points(seen) == points(read(path))
