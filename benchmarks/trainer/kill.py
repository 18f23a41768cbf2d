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

from diagnose.trainer.cli import calm_threads

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
        began = time.monotonic()
        _finish([*command, str(folder / "whole")])
        length, draw, finished = time.monotonic() - began, random.Random(0), 0
        for _ in range(times):
            finished += _killed([*command, str(folder / "broken")], draw.random() * length)
        _finish([*command, str(folder / "broken")])
        whole, broken = (
            checkpoint.load(folder / run / "checkpoints" / "last.safetensors") for run in ("whole", "broken")
        )
        same = all(torch.equal(weight, broken.weights[key]) for key, weight in whole.weights.items())
        print({"kills": times - finished, "after_the_end": finished, "step": broken.progress.step, "identical": same})


def _finish(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _killed(command: list[str], seconds: float) -> bool:
    """Kill the command after so many seconds; whether it had ended before."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    time.sleep(seconds)
    ended = process.poll() is not None
    if not ended:
        os.killpg(process.pid, 9)
    process.wait()
    return ended


if __name__ == "__main__":
    main()
