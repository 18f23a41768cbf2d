"""What is drawn of a synthetic run before its fault, and how its log shows it: length, schedule, noise, scale."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np

from diagnose.run import Axis, Curve, FloatArray, IntArray, Role, Run

LONGEST = 100_000


class Noise(str, Enum):
    """How the logged loss scatters around its course."""

    GAUSSIAN = "gaussian"
    HEAVY_TAILED = "heavy-tailed"
    AUTOCORRELATED = "autocorrelated"
    HETEROSCEDASTIC = "heteroscedastic"
    QUANTISED = "quantised"


class Schedule(str, Enum):
    """How the learning rate goes."""

    CONSTANT = "constant"
    WARMUP_COSINE = "warmup-cosine"
    LINEAR = "linear"
    EXPONENTIAL = "exponential"
    STEP = "step"


DECAYING = (Schedule.WARMUP_COSINE, Schedule.LINEAR, Schedule.EXPONENTIAL, Schedule.STEP)


@dataclass(frozen=True, slots=True)
class Kind:
    """One way in which a run comes to have its fault, and what must be logged for it to be seen."""

    make: Callable[[np.random.Generator, Setting], Shape]
    shortest: int
    longest: int = LONGEST
    per_epoch: bool | None = None
    """Whether the log holds epoch means; None for either."""
    validation: bool | None = None
    rate: bool | None = None
    gradients: bool | None = None
    schedules: tuple[Schedule, ...] = tuple(Schedule)
    noises: tuple[Noise, ...] = tuple(Noise)
    loudest: float = 0.12
    """Most noise, as a share of the loss, in which the fault can still be seen."""
    accepted: frozenset[str] = frozenset()
    """Findings that name this cause besides those that name the fault."""

    @property
    def name(self) -> str:
        """Kebab-case, after the function that makes it."""
        return self.make.__name__.strip("_").replace("_", "-")


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """All that is drawn before the fault."""

    steps: IntArray
    per_epoch: bool
    scale: float
    """The loss at the first point."""
    noise: Noise
    level: float
    """Standard deviation of the noise as a share of the loss."""
    schedule: Schedule
    rate: FloatArray
    """Learning rate as a share of its peak, shape (points,)."""
    peak_rate: float
    logs_rate: bool
    logs_validation: bool
    logs_gradients: bool

    @property
    def points(self) -> int:
        """Logged points."""
        return len(self.steps)

    @property
    def time(self) -> FloatArray:
        """Share of the run, 0 to 1, shape (points,)."""
        return time_of(self.points)

    @property
    def progress(self) -> FloatArray:
        """Share of the summed learning rate spent before each point, shape (points,)."""
        spent = np.concatenate([[0.0], np.cumsum(self.rate)[:-1]])
        return np.asarray(spent / max(spent[-1], 1e-12))


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What the cause makes of the loss, before noise and scale. Arrays of shape (points,)."""

    trend: FloatArray
    validation: FloatArray | None = None
    """Where it does not follow the training loss."""
    onset: int | None = None
    rate: FloatArray | None = None
    """Where the fault or habit brings its own schedule."""
    loudness: float | None = None
    """Where it brings its own noise."""
    stress: FloatArray | None = None
    """By how much the fault multiplies the gradient norm."""
    lift: float = 0.0
    """Added after the noise: a likelihood may lie below zero."""
    epochs: FloatArray | None = None
    pause: int | None = None
    """Point before which the process stood still for hours (a restart)."""
    extras: Mapping[str, FloatArray] = field(default_factory=dict)
    """Further tags; NaN where a tag is not logged."""
    family: str | None = None
    tag: str | None = None


def time_of(count: int) -> FloatArray:
    """Share of the run at each point, 0 to 1, shape (count,)."""
    return np.asarray(np.linspace(0.0, 1.0, count))


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Even in the logarithm."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def draw_setting(rng: np.random.Generator, kind: Kind, points: int | None) -> Setting:
    """All that is drawn before the fault."""
    count = _length(rng, kind) if points is None else points
    per_epoch = _drawn(rng, kind.per_epoch, 0.9 if count < 30 else 0.4 if count < 300 else 0.0)
    stride = 1 if per_epoch else int(rng.choice([1, 10, 50, 100]))
    schedule = kind.schedules[int(rng.integers(len(kind.schedules)))]
    noise = kind.noises[int(rng.integers(len(kind.noises)))]
    # The mean of an epoch scatters as little as its many batches allow; a single batch scatters by percents.
    loudest = min(kind.loudest, 0.015 if per_epoch else 0.05 if noise is Noise.HEAVY_TAILED or count < 100 else 0.12)
    return Setting(
        steps=stride * np.arange(1, count + 1, dtype=np.int64),
        per_epoch=per_epoch,
        scale=log_uniform(rng, 0.5, 3000.0),
        noise=noise,
        level=log_uniform(rng, 0.002 if per_epoch else 0.01, loudest),
        schedule=schedule,
        rate=_rate(rng, schedule, count),
        peak_rate=log_uniform(rng, 1e-5, 2e-3),
        logs_rate=_drawn(rng, kind.rate, 0.6),
        logs_validation=_drawn(rng, kind.validation, 0.5) and count >= 4,
        logs_gradients=_drawn(rng, kind.gradients, 0.3),
    )


def _drawn(rng: np.random.Generator, fixed: bool | None, chance: float) -> bool:
    return bool(rng.random() < chance) if fixed is None else fixed


def _length(rng: np.random.Generator, kind: Kind) -> int:
    """Most logs hold hundreds of points, some a handful, one in a hundred 100,000."""
    short, usual, long = 4 * kind.shortest, 2_000, 10_000
    bands = [(kind.shortest, short), (kind.shortest, usual), (usual, long), (LONGEST, LONGEST)]
    low, high = bands[int(rng.choice(4, p=[0.20, 0.71, 0.08, 0.01]))]
    return min(kind.longest, max(kind.shortest, round(log_uniform(rng, low, max(low, high)))))


def _rate(rng: np.random.Generator, schedule: Schedule, count: int) -> FloatArray:
    time = time_of(count)
    if schedule is Schedule.CONSTANT:
        return np.ones(count)
    if schedule is Schedule.LINEAR:
        return 1.0 - time * rng.uniform(0.9, 1.0)
    if schedule is Schedule.EXPONENTIAL:
        return np.asarray(rng.uniform(0.01, 0.3) ** time)
    if schedule is Schedule.STEP:
        return np.asarray(rng.choice([0.1, 0.3]) ** ((time >= 0.5).astype(float) + (time >= 0.75)))
    warmup, last = rng.uniform(0.01, 0.1), rng.uniform(0.0, 0.1)
    cosine = last + (1 - last) * 0.5 * (1 + np.cos(np.pi * np.clip((time - warmup) / (1 - warmup), 0, 1)))
    return np.asarray(np.where(time < warmup, np.maximum(time, 0.1 / count) / warmup, cosine))


def _scatter(rng: np.random.Generator, noise: Noise, count: int) -> FloatArray:
    """Noise of unit standard deviation, shape (count,)."""
    white = rng.standard_normal(count)
    if noise is Noise.HEAVY_TAILED:  # hard batches; the mean of a batch cannot lie arbitrarily far off
        return np.asarray(np.clip(rng.standard_t(5, count) / np.sqrt(5 / 3), -5.0, 5.0))
    if noise is Noise.AUTOCORRELATED:  # logs smoothed by a running mean
        return smoothed(white, rng.uniform(0.5, 0.9))
    if noise is Noise.HETEROSCEDASTIC:
        return np.asarray(white * np.exp(np.linspace(-1, 1, count) * rng.uniform(-0.7, 0.7)))
    return white


def smoothed(white: FloatArray, memory: float) -> FloatArray:
    """First-order autoregression with unit variance: each value keeps `memory` of the one before."""
    length = max(2, int(np.ceil(np.log(1e-3) / np.log(memory))))
    kernel = memory ** np.arange(length) * np.sqrt(1 - memory**2)
    return np.asarray(np.convolve(np.concatenate([np.zeros(length - 1), white]), kernel, mode="valid"))


def _noisy(rng: np.random.Generator, setting: Setting, shape: Shape) -> FloatArray:
    level = setting.level if shape.loudness is None else shape.loudness
    scatter = level * _scatter(rng, setting.noise, setting.points)
    values = (shape.trend * np.exp(scatter) + shape.lift) * setting.scale
    if setting.noise is not Noise.QUANTISED:
        return np.asarray(values)
    # A log that prints few digits: the last one is of the size of the noise at the end of the run.
    smallest = np.nanmin(np.abs(shape.trend[np.isfinite(shape.trend)]), initial=1.0)
    digits = -np.floor(np.log10(max(setting.scale * level * smallest, 1e-12)))
    return np.asarray(np.round(values * 10**digits) / 10**digits)


def record(rng: np.random.Generator, setting: Setting, shape: Shape, name: str) -> Run:
    """The run as its log shows it."""
    axis = Axis.EPOCH if setting.per_epoch else Axis.STEP
    walls = _wall_times(rng, setting, shape)
    values = _noisy(rng, setting, shape)
    curves = [Curve(shape.tag or "train/loss", setting.steps, values, epochs=shape.epochs, role=Role.TRAIN_LOSS)]
    if setting.logs_validation:
        curves.append(_validation_curve(rng, setting, shape))
    if setting.logs_rate:
        rate = setting.rate if shape.rate is None else shape.rate
        curves.append(Curve("learning_rate", setting.steps, setting.peak_rate * rate, role=Role.LEARNING_RATE))
    if setting.logs_gradients:
        curves.append(Curve("grad_norm", setting.steps, _gradients(rng, setting, shape), role=Role.GRAD_NORM))
    for tag, extra in shape.extras.items():
        logged = np.isfinite(extra)
        curves.append(Curve(tag, setting.steps[logged], extra[logged]))
    dated = [replace(c, axis=axis, wall_times=np.interp(c.steps, setting.steps, walls)) for c in curves]
    return Run(name, name, "synthetic", {curve.tag: curve for curve in dated}, family=shape.family)


def _validation_curve(rng: np.random.Generator, setting: Setting, shape: Shape) -> Curve:
    """Evaluations at even distances, somewhat above the training loss, with far less noise."""
    count = setting.points if setting.per_epoch else int(np.clip(setting.points // 10, min(8, setting.points), 60))
    at = np.unique(np.linspace(setting.points / count - 1, setting.points - 1, count).round().astype(int))
    course = shape.trend * rng.uniform(1.0, 1.1) if shape.validation is None else shape.validation
    noise = log_uniform(rng, 0.001, 0.006) * rng.standard_normal(len(at))
    values = (course[at] * np.exp(noise) + shape.lift) * setting.scale
    return Curve("val/loss", setting.steps[at], values, role=Role.VAL_LOSS)


def _gradients(rng: np.random.Generator, setting: Setting, shape: Shape) -> FloatArray:
    calm = np.nan_to_num(np.clip(np.abs(shape.trend), 0.05, 2.0), nan=1.0)
    norms = log_uniform(rng, 0.1, 10.0) * np.sqrt(calm) * np.exp(0.2 * rng.standard_normal(setting.points))
    norms = np.where(np.isfinite(shape.trend), norms, np.nan)
    return np.asarray(norms if shape.stress is None else norms * shape.stress)


def _wall_times(rng: np.random.Generator, setting: Setting, shape: Shape) -> FloatArray:
    seconds = np.diff(setting.steps, prepend=0) * log_uniform(rng, 0.2, 2.0) * (300.0 if setting.per_epoch else 1.0)
    seconds = seconds * np.exp(0.05 * rng.standard_normal(setting.points))
    if shape.pause is not None:
        seconds[shape.pause] += rng.uniform(1, 20) * 3600
    return np.asarray(1.7e9 + np.cumsum(seconds))
