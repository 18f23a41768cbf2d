"""Faults of resuming, of precision, of the machine and of the process, planted one at a time, with their sound twins.

`planted.py` counts them with its own.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.diagnosis.drafts import (
    Draft,
    Floats,
    Generator,
    between,
    constant,
    length,
    plain_config,
    power_law,
    scatter,
    sound_norms,
    sound_run,
    time,
)


def _broken_resume(rng: Generator) -> Draft:
    """The rate warms up anew somewhere in the middle, and the loss jumps by a third to three times and heals."""
    points = length(rng, 100, 2000)
    here, at = time(points), rng.uniform(0.25, 0.75)
    since = np.maximum(here - at, 0)
    ramp = np.where(here < at, np.minimum(1, 0.02 + here / 0.04), np.minimum(1, 0.02 + since / rng.uniform(0.03, 0.1)))
    lift = np.where(here < at, 0, np.log(between(rng, 1.4, 3.0)) * np.exp(-since / rng.uniform(0.05, 0.15)))
    loss = power_law(rng, points, 0.1, 0.35) * np.exp(lift) * scatter(rng, points, 0.02)
    return Draft(loss, rate=between(rng, 1e-4, 1e-3) * ramp)


def _sound_resume(rng: Generator) -> Draft:
    """The machine stood still for hours in the middle; rate and loss go on where they were."""
    draft = sound_run(rng)
    pace = np.full(len(draft.loss), between(rng, 1, 30))
    pace[int(rng.uniform(0.25, 0.75) * len(pace))] += between(rng, 3600, 50_000)
    return replace(draft, rate=constant(rng, len(pace), 1e-4, 1e-3, warmup=0.05), walls=np.cumsum(pace))


def _non_finite_gradients(rng: Generator) -> Draft:
    """Half precision overflows at 3 to 30 % of the points, and the updates are skipped."""
    draft = sound_run(rng)
    norms = sound_norms(rng, len(draft.loss))
    norms[rng.random(len(norms)) < between(rng, 0.03, 0.3)] = rng.choice([np.nan, np.inf])
    norms[[len(norms) // 3, len(norms) // 2, -2]] = np.inf  # three at least, however few the points
    return replace(draft, gradients=norms)


def _finite_gradients(rng: Generator) -> Draft:
    """The loss scaler finds its scale in the first few updates."""
    draft = sound_run(rng)
    norms = sound_norms(rng, len(draft.loss))
    norms[: int(rng.integers(1, 4))] = np.inf
    return replace(draft, gradients=norms)


def _rated(rng: Generator, draft: Draft, rate: Floats) -> Draft:
    """With an error rate of `rate`, of shape (evaluations,), on held-out data, in per cent or as a share."""
    points = len(draft.loss)
    logged = np.full(points, np.nan)
    at = np.linspace(points / len(rate) - 1, points - 1, len(rate)).round().astype(int)
    logged[at] = rate * rng.choice([1.0, 100.0])
    return replace(draft, extras={str(rng.choice(["eval/wer", "val/cer", "valid_wer"])): logged})


def _worsening_metric(rng: Generator) -> Draft:
    """The error rate falls to a half or a fifth, then loses a half to all of that again; the loss goes on falling."""
    here = time(int(rng.integers(14, 40)))
    low, turn = rng.uniform(0.2, 0.5), rng.uniform(0.3, 0.6)
    down = np.minimum(here / turn, 1) ** 0.7
    back = rng.uniform(0.5, 1.0) * np.maximum(here - turn, 0) / (1 - turn)
    course = 1 - (1 - low) * (down - back)
    noise = np.exp(rng.uniform(0.01, 0.04) * rng.standard_normal(len(here)))
    return _rated(rng, sound_run(rng), rng.uniform(0.3, 0.9) * course * noise)


def _improving_metric(rng: Generator) -> Draft:
    """The error rate falls and levels off, with its scatter."""
    here = time(int(rng.integers(14, 40)))
    course = 0.25 + 0.75 * np.exp(-here / rng.uniform(0.1, 0.5))
    noise = np.exp(rng.uniform(0.02, 0.08) * rng.standard_normal(len(here)))
    return _rated(rng, sound_run(rng), rng.uniform(0.3, 0.9) * course * noise)


def _used(rng: Generator, low: float, high: float) -> Draft:
    """A GPU that is used for this share of the time, in per cent or as a share, hardly at all at the start."""
    draft = sound_run(rng)
    points = len(draft.loss)
    used = np.clip(rng.uniform(low, high) + 0.05 * rng.standard_normal(points), 0, 1)
    used[: max(1, points // 50)] = 0.02
    return replace(draft, extras={"gpu_util": 100 * used if rng.random() < 0.5 else used})


def _idle_gpu(rng: Generator) -> Draft:
    return _used(rng, 0.02, 0.22)


def _busy_gpu(rng: Generator) -> Draft:
    return _used(rng, 0.45, 0.97)


def _loading(rng: Generator, low: float, high: float) -> Draft:
    """Loading takes this share of the time; its first batches take longest, as everywhere."""
    draft = sound_run(rng)
    points = len(draft.loss)
    work = between(rng, 0.05, 2.0) * np.exp(0.1 * rng.standard_normal(points))
    share = rng.uniform(low, high)
    wait = work * share / (1 - share) * np.exp(rng.uniform(0.1, 0.6) * rng.standard_normal(points))
    wait[: max(1, points // 50)] += 10 * float(np.median(work))
    return replace(draft, extras={"loader_time": wait, "step_time": work})


def _slow_loader(rng: Generator) -> Draft:
    return _loading(rng, 0.6, 0.9)


def _fast_loader(rng: Generator) -> Draft:
    return _loading(rng, 0.01, 0.35)


def _growing_memory(rng: Generator) -> Draft:
    """From some gigabytes to 1.6 to 4 times as much, without rest."""
    draft = sound_run(rng)
    points = len(draft.loss)
    grown = 1 + rng.uniform(0.6, 3.0) * time(points) ** rng.uniform(0.7, 1.3)
    taken = between(rng, 2, 30) * grown * np.exp(0.01 * rng.standard_normal(points))
    return replace(draft, extras={"memory_allocated": taken})


def _settled_memory(rng: Generator) -> Draft:
    """It grows until the longest batch was seen, and scatters with the lengths of the clips since."""
    draft = sound_run(rng)
    points = len(draft.loss)
    settled = 1 - rng.uniform(0.2, 0.5) * np.exp(-time(points) / 0.02)
    taken = between(rng, 2, 30) * settled * np.exp(rng.uniform(0.01, 0.1) * rng.standard_normal(points))
    return replace(draft, extras={"memory_allocated": taken})


_ENDS = (
    "Traceback (most recent call last):\n  File \"train.py\", line 210, in <module>\n    main()\nKeyError: 'mel'",
    'Traceback (most recent call last):\n  File "data.py", line 31, in load\nRuntimeError: Error opening clip_0171.wav',
    "Segmentation fault (core dumped)",
    "slurmstepd: error: *** JOB 4711 ON node03 CANCELLED AT 2023-11-15T22:13:20 DUE TO TIME LIMIT ***",
    "./run.sh: line 12: 31337 Killed                  python train.py --config config.yaml",
)
_OUT_OF_MEMORY = (
    "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 23.69 GiB total capacity)",
    "RuntimeError: CUDA out of memory. Tried to allocate 512.00 MiB",
    "tensorflow.python.framework.errors_impl.ResourceExhaustedError: OOM when allocating tensor with shape[64,1024]",
    "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=4711.0. Some of your processes may have been killed",
    "MemoryError: Unable to allocate 3.81 GiB for an array with shape (511705088,) and data type float64",
)
_GOOD_ENDS = ("Training finished.", "training done after 1:22:10", "Early stopping: no better validation loss.")


def _ends(rng: Generator, texts: tuple[str, ...]) -> Draft:
    draft = sound_run(rng)
    return replace(draft, lines=((len(draft.loss) - 1, str(rng.choice(texts))),))


def _run_died(rng: Generator) -> Draft:
    return _ends(rng, _ENDS)


def _recovered(rng: Generator) -> Draft:
    """A traceback of one clip that the trainer passes over; training goes on and ends by itself."""
    draft = _ends(rng, _GOOD_ENDS)
    return replace(draft, lines=((len(draft.loss) // 3, _ENDS[1]), *draft.lines))


def _out_of_memory(rng: Generator) -> Draft:
    return _ends(rng, _OUT_OF_MEMORY)


def _skipped_batch(rng: Generator) -> Draft:
    """One batch was too long; the trainer says so, skips it, goes on and ends by itself."""
    draft = _ends(rng, _GOOD_ENDS)
    return replace(draft, lines=((len(draft.loss) // 2, f"skipped a batch: {_OUT_OF_MEMORY[1]}"), *draft.lines))


def _left(rng: Generator, done: float) -> Draft:
    """A log that nobody has written to for hours or days, after this share of the steps that the config asks for."""
    draft = sound_run(rng)
    planned = round(draft.every * len(draft.loss) / done)
    return replace(draft, config=plain_config(draft, max_steps=planned), idle=between(rng, 7200, 1e6))


def _unfinished(rng: Generator) -> Draft:
    return _left(rng, rng.uniform(0.05, 0.8))


def _finished(rng: Generator) -> Draft:
    return _left(rng, 1.0)


def _too_little_logged(rng: Generator) -> Draft:
    """Three to eight points, or up to twenty that show no course."""
    points = int(rng.integers(3, 21))
    loss = rng.uniform(0.5, 8) * np.exp(rng.uniform(0.05, 0.2) * rng.standard_normal(points))
    return Draft(loss, rate=constant(rng, points, 1e-5, 1e-3))


def _enough_logged(rng: Generator) -> Draft:
    """Thirty to a hundred points that fall to less than a half."""
    return sound_run(rng, 30, 100)


PAIRS = (
    (_broken_resume, _sound_resume),
    (_non_finite_gradients, _finite_gradients),
    (_worsening_metric, _improving_metric),
    (_idle_gpu, _busy_gpu),
    (_slow_loader, _fast_loader),
    (_growing_memory, _settled_memory),
    (_run_died, _recovered),
    (_out_of_memory, _skipped_batch),
    (_unfinished, _finished),
    (_too_little_logged, _enough_logged),
)
"""A fault and its twin; the function of a fault is called like its check."""
