"""A small real trainer without any framework: linear regression by gradient descent, as people write it.

    python plain.py CONFIG --log-dir DIR [--resume FILE] [--lr RATE]

Reads learning_rate, max_steps, samples from YAML, logs JSON lines, keeps a checkpoint every 20 steps, saves at Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import yaml

WIDTH = 20


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("config", type=Path)
    parser.add_argument("--log-dir", type=Path, required=True)
    parser.add_argument("--resume", type=Path)
    parser.add_argument("--lr", type=float)
    arguments = parser.parse_args()
    training = yaml.safe_load(arguments.config.read_text("utf-8"))["training"]
    if arguments.lr is not None:
        training["learning_rate"] = arguments.lr
    draw = np.random.default_rng(0)
    truth, scale = draw.normal(size=WIDTH), np.geomspace(1.0, 0.3, WIDTH)
    size, noise = training.get("samples", 400), training.get("label_noise", 0.3)
    inputs, held = draw.normal(size=(size, WIDTH)) * scale, draw.normal(size=(100, WIDTH)) * scale
    targets, expected = inputs @ truth + noise * draw.normal(size=size), held @ truth + noise * draw.normal(size=100)
    weights, first = np.zeros(WIDTH), 0
    if arguments.resume:
        kept = np.load(arguments.resume)
        weights, first = kept["weights"], int(arguments.resume.stem.removeprefix("step-"))
        draw.integers(0, size, (first, 32))  # the batches that were seen already
    arguments.log_dir.mkdir(parents=True, exist_ok=True)
    if training.get("fail_at"):
        raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB")
    with (arguments.log_dir / "metrics.jsonl").open("a", encoding="utf-8") as log:
        for step in range(first + 1, training["max_steps"] + 1):
            batch = draw.integers(0, size, 32)
            error = inputs[batch] @ weights - targets[batch]
            gradient = inputs[batch].T @ error * 2 / 32
            rate = training["learning_rate"] * min(1.0, step / training.get("warmup_steps", 1))
            norm = float(np.linalg.norm(gradient))
            weights = weights - rate * gradient * min(1.0, training.get("grad_clip_norm", 1e9) / norm)
            row = {"step": step, "loss": float(np.mean(error**2)), "lr": rate, "grad_norm": norm}
            if step % training.get("eval_interval", 10) == 0:
                row["val_loss"] = float(np.mean((held @ weights - expected) ** 2))
            print(json.dumps(row), file=log, flush=True)
            if step % 20 == 0:
                np.savez(arguments.log_dir / f"step-{step}.pt", weights=weights)
                (arguments.log_dir / f"step-{step}.pt.npz").rename(arguments.log_dir / f"step-{step}.pt")
            time.sleep(training.get("pause", 0.0))


if __name__ == "__main__":
    main()
