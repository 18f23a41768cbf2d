"""A torch script as people write it: argparse, a YAML config, print.

python plain_torch.py --config CONFIG [--resume FILE] --out DIR
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
import yaml
from problem import WIDTH, data
from torch import nn


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--resume", type=Path)
    arguments = parser.parse_args()
    config = yaml.safe_load(arguments.config.read_text("utf-8"))
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = nn.Linear(WIDTH, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=config["train"]["lr"])
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / config["train"]["warmup"]))
    first = 0
    if arguments.resume:
        saved = torch.load(arguments.resume, weights_only=True)
        model.load_state_dict(saved["model"])
        first = saved["step"]
        for _ in range(first):
            rate.step()
    inputs, targets = data(512, 1)
    held, expected = data(128, 2)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for step in range(first + 1, config["train"]["steps"] + 1):
        batch = torch.randint(0, 512, (32,))
        loss = nn.functional.mse_loss(model(inputs[batch]), targets[batch])
        optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), config["train"].get("grad_clip") or float("inf"))
        optimizer.step()
        if step % 2 == 0:
            lr = rate.get_last_lr()[0]
            print(f"step {step} | loss {loss.item():.5f} | lr {lr:.5f} | grad_norm {norm.item():.4f}", flush=True)
        rate.step()
        if step % 20 == 0:
            with torch.no_grad():
                print(f"step {step} | val_loss {nn.functional.mse_loss(model(held), expected).item():.5f}", flush=True)
            torch.save({"model": model.state_dict(), "step": step}, arguments.out / f"step-{step}.pt")
        time.sleep(0.01)


if __name__ == "__main__":
    main()
