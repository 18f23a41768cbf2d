"""How many threads, and how should they wait, when others use the machine too?

    python -m benchmarks.trainer.threads [--busy 2]

The median wall time of 30 updates of the `stable` model beside `--busy` processes that never rest, as a ratio to
one thread.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

SETTINGS = (("1", "PASSIVE"), ("2", "PASSIVE"), ("2", "ACTIVE"))

MEASURED = """
import tempfile, time
from pathlib import Path
from benchmarks.trainer.overhead import corpus
from diagnose.trainer.distributed import World
from diagnose.trainer.folder import RunFolder
from diagnose.trainer.loop import Trainer
from diagnose.trainer.options import Options
options = Options()
trainer = Trainer(options, RunFolder(Path(tempfile.gettempdir())), corpus(options, 400), World())
times = []
for _ in range(30):
    began = time.perf_counter()
    trainer.update()
    times.append(time.perf_counter() - began)
print(sorted(times)[len(times) // 2])
"""


def median_update(threads: str, policy: str) -> float:
    """Seconds an update takes with these settings of OpenMP."""
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": policy}
    command = [sys.executable, "-c", MEASURED]
    return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--busy", type=int, default=2)
    neighbours = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(parser.parse_args().busy)]
    try:
        times = {setting: median_update(*setting) for setting in SETTINGS}
    finally:
        for neighbour in neighbours:
            neighbour.kill()
    for (threads, policy), seconds in times.items():
        print(f"{threads} threads, {policy}: {seconds * 1e3:6.0f} ms, {seconds / times[SETTINGS[0]]:.2f} times")


if __name__ == "__main__":
    main()
