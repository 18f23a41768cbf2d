"""`python -m benchmarks.integrations [SECONDS]`: the share of a training that the doctor takes.

Two parts: what one `log` costs (four scalars), and what examinations cost a loop of 10 ms steps that runs long
enough for several of them. The examinations are bounded by the wall time, so that the share holds for any step time.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from diagnose.integrations.loop import SHARE, Doctor

CALLS = 200_000
STEP = 0.010
"""Seconds of a fast training step."""
PROMISED = 0.01


def cost_of_log() -> float:
    """Seconds for one call with four scalars, examinations not counted."""
    doctor = Doctor(share=1e-9)
    noise = np.random.default_rng(0).standard_normal(CALLS).tolist()
    start = time.perf_counter()
    for step, value in enumerate(noise, 1):
        doctor.log(step, loss=1.0 + 0.01 * value, val_loss=1.0, learning_rate=1e-4, grad_norm=0.5)
    return (time.perf_counter() - start) / CALLS


def cost_in_a_loop(seconds: float) -> tuple[float, int, int]:
    """The share of the wall time spent in the doctor, the examinations made, the steps."""
    doctor = Doctor(config={"learning_rate": 1e-4, "batch_size": 16})
    noise = np.random.default_rng(0)
    inside, looks, last, step = 0.0, 0, None, 0
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        time.sleep(STEP)
        step += 1
        loss = 0.5 + 2.0 / step**0.5 + 0.02 * float(noise.standard_normal())
        before = time.perf_counter()
        doctor.log(step, loss=loss, learning_rate=1e-4, grad_norm=0.5)
        inside += time.perf_counter() - before
        looks += doctor.diagnosis is not last
        last = doctor.diagnosis
    return inside / (time.perf_counter() - start), looks, step


def main() -> int:
    """Print both figures; 1 where the promise is broken."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 240.0
    each = cost_of_log()
    print(f"one log of 4 scalars: {each * 1e6:.1f} us, {each / STEP:.3%} of a step of {STEP * 1e3:.0f} ms")
    share, looks, steps = cost_in_a_loop(seconds)
    print(
        f"{steps} steps in {seconds:.0f} s, {looks} examinations: {share:.3%} of the time (allowed: {SHARE:.1%} + log)"
    )
    return int(share > PROMISED)


if __name__ == "__main__":
    raise SystemExit(main())
