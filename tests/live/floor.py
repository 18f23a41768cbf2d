"""A trainer whose loss stops at a floor: of the rate, where the config has a `noise`; else one that no rate changes.

python floor.py CONFIG DIR
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import yaml


def main() -> None:
    training, folder = yaml.safe_load(Path(sys.argv[1]).read_text("utf-8"))["training"], Path(sys.argv[2])
    steps, draw = np.arange(10, 2010, 10), np.random.default_rng(0)
    floor = 2.4 + training["noise"] * training["learning_rate"]
    loss = floor + (4 - floor) * np.exp(-steps / 60)
    with (folder / "metrics.jsonl").open("w", encoding="utf-8") as log:
        for step, level in zip(steps, loss, strict=True):
            row = {"step": int(step), "loss": level + 0.03 * draw.normal(), "lr": training["learning_rate"]}
            if step % 100 == 0:
                row["val_loss"] = level + 0.005 * draw.normal()
            print(json.dumps(row), file=log)


if __name__ == "__main__":
    main()
