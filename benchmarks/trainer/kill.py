"""kill -9 at random moments, resume: are the final weights those of the run that nobody disturbed?

python -m benchmarks.trainer.kill [--times 20]
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from diagnose.cli.train import calm_threads

calm_threads()


def main() -> None:
    import torch

    from diagnose.trainer import checkpoint
    from diagnose.trainer.options import dump
    from tests.trainer.tiny import data_set, options

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--times", type=int, default=20)
    times = parser.parse_args().times
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        training = {"max_epochs": 60, "save_interval": 2, "eval_interval": 7, "early_stopping": False}
        tiny = options(data_set(folder / "words"), training=training)
        (folder / "tiny.yaml").write_text(dump(tiny), encoding="utf-8")
        command = [sys.executable, "-m", "diagnose", "train", str(folder / "tiny.yaml"), "--resume", "--out"]
        _finish([*command, str(folder / "whole")])
        lines, draw = _lines(folder / "whole"), random.Random(0)
        for number in range(times):
            # Spread over the run, each within its own stretch; every fourth while it starts or goes on.
            wanted = 0 if number % 4 == 3 else int((number + draw.random()) * lines / (times + 1))
            _kill([*command, str(folder / "broken")], folder / "broken", wanted, draw.random() * (0.1 if wanted else 3))
        _finish([*command, str(folder / "broken")])
        whole, broken = (
            checkpoint.load(folder / run / "checkpoints" / "last.safetensors") for run in ("whole", "broken")
        )
        same = all(torch.equal(weight, broken.weights[key]) for key, weight in whole.weights.items())
        print({"kills": times, "step": broken.progress.step, "identical": same})


def _finish(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _kill(command: list[str], run: Path, lines: int, seconds: float) -> None:
    """Kill the command when its metrics have so many lines, and so many seconds have passed."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    while _lines(run) < lines and process.poll() is None:
        time.sleep(0.005)
    time.sleep(seconds)
    if process.poll() is not None:
        raise SystemExit("the run ended before it could be killed")
    os.killpg(process.pid, 9)
    process.wait()


def _lines(run: Path) -> int:
    metrics = run / "metrics.jsonl"
    return metrics.read_bytes().count(b"\n") if metrics.exists() else 0


if __name__ == "__main__":
    main()
