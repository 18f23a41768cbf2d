"""Seeded synthetic curves and runs, small enough to see what they show."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from diagnose.run import Axis, Curve, Role, Run

Floats = npt.NDArray[np.float64]

TAGS = {
    Role.TRAIN_LOSS: "train/loss",
    Role.VAL_LOSS: "val/loss",
    Role.LEARNING_RATE: "lr",
    Role.GRAD_NORM: "grad_norm",
    Role.CLIPPED_SHARE: "clipped",
    Role.STEP_TIME: "step_time",
    Role.EPOCH: "epoch",
}
TAGS |= {role: role.value for role in Role if role not in TAGS}


def descent(points: int = 400, end: float = 0.2, start: float = 1.0) -> Floats:
    """A power law from `start` that bends after a fortieth of the run and comes to `end` or a little above."""
    time = np.linspace(0.0, 1.0, points)
    return end + (start - end) * (1 + 40 * time) ** -0.9


def noisy(values: Floats, level: float = 0.03, seed: int = 0) -> Floats:
    """The values with multiplicative normal noise of this relative size."""
    return values * np.exp(level * np.random.default_rng(seed).standard_normal(len(values)))


def spiked(values: Floats, at: float = 0.6, factor: float = 4.0, width: int = 3) -> Floats:
    """The values with one burst of `factor` that decays over `width` points."""
    since = np.arange(len(values)) - int(at * len(values))
    burst = np.where(since >= 0, np.exp(-np.maximum(since, 0) / width), 0.0)
    return np.asarray(values * (1 + (factor - 1) * burst))


def turned(values: Floats, at: float = 0.5, back: float = 0.8) -> Floats:
    """The values up to `at`, then a climb that gives back the share `back` of the fall."""
    place = int(at * len(values))
    reach = np.clip((np.arange(len(values)) - place) / (0.3 * len(values)), 0, 1)
    climbed = values[place] + back * (values[0] - values[place]) * reach
    return np.asarray(np.where(reach > 0, climbed, values))


def bouncing(points: int = 400, level: float = 0.6, height: float = 0.9, bounces: int = 15) -> Floats:
    """A short fall from 1 to `level`, then triangular bounces up by `height` of it without progress."""
    time = np.linspace(0.0, 1.0, points)
    saw = np.abs(np.mod(time * bounces * 2, 2.0) - 1)
    return np.asarray((level + (1 - level) * np.exp(-time / 0.02)) * (1 + height * saw))


def staircase(epochs: int = 10, points: int = 30, drop: float = 0.35) -> Floats:
    """A first epoch of learning, then flat within each epoch and a fall of `drop` (in log) at each new one."""
    epoch, place = np.divmod(np.arange(epochs * points), points)
    level = 0.5 * np.exp(-drop * (epoch - 1))
    return np.asarray(np.where(epoch == 0, 0.5 + 0.5 * np.exp(-place / (0.15 * points)), level))


def line(points: int = 400, drop: float = 0.1) -> Floats:
    """A straight line from 1 down by `drop`."""
    return np.asarray(1 - drop * np.linspace(0.0, 1.0, points))


def cosine(points: int = 400, peak: float = 1e-4, warmup: float = 0.05) -> Floats:
    """A learning rate with warm-up and cosine decay to zero."""
    time = np.linspace(0.0, 1.0, points)
    decay = 0.5 * (1 + np.cos(np.pi * np.clip((time - warmup) / (1 - warmup), 0, 1)))
    return peak * np.where(time < warmup, np.maximum(time, 1 / points) / warmup, decay)


def curve(role: Role, values: Floats | list[float], *, axis: Axis = Axis.STEP, every: int = 10, **more: Any) -> Curve:
    """A curve with this role, logged every `every` steps from the first on (every epoch on the axis of epochs)."""
    count = np.arange(1, len(values) + 1)
    steps = count if axis is Axis.EPOCH else every * count
    return Curve(TAGS[role], steps, np.asarray(values, dtype=np.float64), role=role, axis=axis, **more)


def constant(rate: float, points: int = 400) -> Curve:
    """A learning rate that stays."""
    return curve(Role.LEARNING_RATE, np.full(points, rate))


def run(*curves: Curve, **more: Any) -> Run:
    """A run with these curves."""
    return Run("run", "run", "synthetic", {one.tag: one for one in curves}, **more)


def training(values: Floats | list[float], *others: Curve, **more: Any) -> Run:
    """A run with this training loss, other curves beside it."""
    return run(curve(Role.TRAIN_LOSS, values, **more), *others)


def evaluations(values: Floats, count: int = 20, every: int = 10) -> Curve:
    """A validation curve: `count` of these values, at the steps of a training curve that is logged every `every`."""
    at = np.linspace(len(values) / count - 1, len(values) - 1, count).round().astype(int)
    return Curve(TAGS[Role.VAL_LOSS], every * (at + 1), values[at], role=Role.VAL_LOSS)
