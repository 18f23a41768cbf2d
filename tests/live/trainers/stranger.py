"""A classifier in numpy by somebody else: TOML, loss summed over the batch, a log of its own.

python stranger.py CONFIG.toml --workdir DIR
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

WIDTH, HIDDEN, CLASSES, BATCH = 24, 48, 12, 128


def forward(weights: list[np.ndarray], inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    hidden = np.maximum(0, inputs @ weights[0])
    scores = hidden @ weights[1]
    scores -= scores.max(axis=1, keepdims=True)
    share = np.exp(scores)
    return hidden, share / share.sum(axis=1, keepdims=True)


def nll(share: np.ndarray, labels: np.ndarray) -> float:
    """Summed, not averaged."""
    return float(-np.log(share[np.arange(len(labels)), labels] + 1e-30).sum())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("config", type=Path)
    parser.add_argument("--workdir", type=Path, required=True)
    arguments = parser.parse_args()
    optim = tomllib.loads(arguments.config.read_text("utf-8"))["optim"]
    draw = np.random.default_rng(3)
    teacher = draw.normal(size=(WIDTH, CLASSES))
    inputs, dev = draw.normal(size=(4000, WIDTH)), draw.normal(size=(BATCH, WIDTH))
    labels, dev_labels = ((each @ teacher).argmax(axis=1) for each in (inputs, dev))
    weights = [draw.normal(size=(WIDTH, HIDDEN)) / 5, draw.normal(size=(HIDDEN, CLASSES)) / 7]
    speed = [np.zeros_like(each) for each in weights]
    arguments.workdir.mkdir(parents=True, exist_ok=True)
    with (arguments.workdir / "out.txt").open("w") as log:
        for update in range(1, optim["n_updates"] + 1):
            eta = optim["step_size"] * optim.get("anneal", 1.0) ** update
            batch = draw.integers(0, len(inputs), BATCH)
            hidden, share = forward(weights, inputs[batch])
            objective = nll(share, labels[batch])
            share[np.arange(BATCH), labels[batch]] -= 1
            back = (share @ weights[1].T) * (hidden > 0)
            gradients = [inputs[batch].T @ back, hidden.T @ share]
            size = float(np.sqrt(sum((each**2).sum() for each in gradients)))
            for place, gradient in enumerate(gradients):
                speed[place] = 0.9 * speed[place] - eta / BATCH * gradient
                weights[place] += speed[place]
            if update % 10 == 0:
                line = f"[{update:05d}/{optim['n_updates']:05d}] nll={objective:.2f} eta={eta:.3e} gnorm={size:.3g}"
                if update % 50 == 0:
                    line += f" dev_nll={nll(forward(weights, dev)[1], dev_labels):.2f}"
                print(line, file=log, flush=True)
            time.sleep(optim.get("nap", 0.0))


if __name__ == "__main__":
    main()
