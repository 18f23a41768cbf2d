"""Training runs of known condition, made from causes: what the checks are tested and measured on.

A run is drawn in two steps. The setting (length, scale, schedule, noise, what is logged) knows nothing of
the fault. The shape is the noise-free loss that the cause gives under this setting, its first value 1.
Noise, scale and rounding come last, so that no class can be told by its scale or its noise.

Each class is only made where an expert who looks at the curve can name it; `_Kind.shortest` is the fewest
logged points for that, and the comment beside it says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import pairwise

import numpy as np

from diagnose.run import Axis, Curve, FloatArray, IntArray, Role, Run

LONGEST = 100_000


class Fault(str, Enum):
    """What is wrong with a synthetic run."""

    HEALTHY = "healthy"
    SPIKE = "spike"
    DIVERGENCE = "divergence"
    NAN = "nan"
    PLATEAU = "plateau"
    OVERFITTING = "overfitting"
    RATE_TOO_HIGH = "learning-rate-too-high"
    RATE_TOO_LOW = "learning-rate-too-low"
    MEMORISATION = "tiny-no-validation"


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


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A run and the truth about it."""

    fault: Fault
    kind: str
    """Which cause or habit made the curve (`stuck-midway`, `warm-up-hump`, ...)."""
    seed: int
    run: Run
    accepted: frozenset[str]
    """Names of the findings of which any calls the fault by its name; empty for a healthy run."""
    onset: int | None
    """Step at which the fault begins; None for a fault of the whole run, or none."""
    noise: Noise
    schedule: Schedule

    @property
    def judgeable(self) -> bool:
        """Whether there is enough to call it: five falling points and no validation are too few for `healthy`."""
        train = self.run.curve(Role.TRAIN_LOSS)
        return self.fault is not Fault.HEALTHY or (train is not None and len(train) > 5)


def fault_of(seed: int) -> Fault:
    """The class of the run that a seed stands for: two in five are healthy, the faults share the rest evenly."""
    faults = [fault for fault in Fault if fault is not Fault.HEALTHY]
    block, place = divmod(seed, 5)
    return Fault.HEALTHY if place < 2 else faults[(3 * block + place - 2) % len(faults)]


def samples(seeds: Sequence[int]) -> Iterator[Sample]:
    """One run for each seed, its class by `fault_of`."""
    return (sample(fault_of(seed), seed) for seed in seeds)


def sample(fault: Fault, seed: int, kind: str | None = None, points: int | None = None) -> Sample:
    """The run with this fault and seed; the same on every machine.

    `kind` and `points` fix what is drawn otherwise. Raises ValueError for a kind that the fault does not
    have, and for fewer points than the kind can be told from.
    """
    rng = np.random.default_rng([seed, list(Fault).index(fault)])
    kinds = [one for one in _KINDS[fault] if kind in (None, one.name)]
    if not kinds:
        raise ValueError(f"{fault.value} has no kind {kind!r}; it has {', '.join(k.name for k in _KINDS[fault])}")
    chosen = kinds[int(rng.integers(len(kinds)))]
    if points is not None and points < chosen.shortest:
        raise ValueError(f"{chosen.name} cannot be told from {points} points; it takes {chosen.shortest}")
    setting = _setting(rng, chosen, points)
    shape = chosen.make(rng, setting)
    run = _record(rng, setting, shape, f"{fault.value}-{chosen.name}-{seed}")
    onset = None if shape.onset is None else int(setting.steps[shape.onset])
    accepted = _ACCEPTED[fault] | chosen.accepted
    return Sample(fault, chosen.name, seed, run, accepted, onset, setting.noise, setting.schedule)


def kinds(fault: Fault) -> tuple[str, ...]:
    """The kinds of curve that are made for a fault."""
    return tuple(kind.name for kind in _KINDS[fault])


@dataclass(frozen=True, slots=True)
class _Kind:
    """One way in which a run comes to have its fault, and what must be logged for it to be seen."""

    make: Callable[[np.random.Generator, _Setting], _Shape]
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
        return self.make.__name__.strip("_").replace("_", "-")


@dataclass(frozen=True, slots=True, eq=False)
class _Setting:
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
        return len(self.steps)

    @property
    def time(self) -> FloatArray:
        """Share of the run, 0 to 1, shape (points,)."""
        return _time(self.points)

    @property
    def progress(self) -> FloatArray:
        """Share of the summed learning rate spent before each point, shape (points,)."""
        spent = np.concatenate([[0.0], np.cumsum(self.rate)[:-1]])
        return np.asarray(spent / max(spent[-1], 1e-12))


@dataclass(frozen=True, slots=True, eq=False)
class _Shape:
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


# --- the setting -----------------------------------------------------------------------------------------


def _time(count: int) -> FloatArray:
    return np.asarray(np.linspace(0.0, 1.0, count))


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _setting(rng: np.random.Generator, kind: _Kind, points: int | None) -> _Setting:
    count = _length(rng, kind) if points is None else points
    per_epoch = _drawn(rng, kind.per_epoch, 0.9 if count < 30 else 0.4 if count < 300 else 0.0)
    stride = 1 if per_epoch else int(rng.choice([1, 10, 50, 100]))
    schedule = kind.schedules[int(rng.integers(len(kind.schedules)))]
    noise = kind.noises[int(rng.integers(len(kind.noises)))]
    # The mean of an epoch scatters as little as its many batches allow; a single batch scatters by percents.
    loudest = min(kind.loudest, 0.015 if per_epoch else 0.05 if noise is Noise.HEAVY_TAILED or count < 100 else 0.12)
    return _Setting(
        steps=stride * np.arange(1, count + 1, dtype=np.int64),
        per_epoch=per_epoch,
        scale=_log_uniform(rng, 0.5, 3000.0),
        noise=noise,
        level=_log_uniform(rng, 0.002 if per_epoch else 0.01, loudest),
        schedule=schedule,
        rate=_rate(rng, schedule, count),
        peak_rate=_log_uniform(rng, 1e-5, 2e-3),
        logs_rate=_drawn(rng, kind.rate, 0.6),
        logs_validation=_drawn(rng, kind.validation, 0.5) and count >= 4,
        logs_gradients=_drawn(rng, kind.gradients, 0.3),
    )


def _drawn(rng: np.random.Generator, fixed: bool | None, chance: float) -> bool:
    return bool(rng.random() < chance) if fixed is None else fixed


def _length(rng: np.random.Generator, kind: _Kind) -> int:
    """Most logs hold hundreds of points, some a handful, one in a hundred 100,000."""
    short, usual, long = 4 * kind.shortest, 2_000, 10_000
    bands = [(kind.shortest, short), (kind.shortest, usual), (usual, long), (LONGEST, LONGEST)]
    low, high = bands[int(rng.choice(4, p=[0.20, 0.71, 0.08, 0.01]))]
    return min(kind.longest, max(kind.shortest, round(_log_uniform(rng, low, max(low, high)))))


def _rate(rng: np.random.Generator, schedule: Schedule, count: int) -> FloatArray:
    time = _time(count)
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


# --- noise and the record --------------------------------------------------------------------------------


def _scatter(rng: np.random.Generator, noise: Noise, count: int) -> FloatArray:
    """Noise of unit standard deviation, shape (count,)."""
    white = rng.standard_normal(count)
    if noise is Noise.HEAVY_TAILED:  # hard batches; the mean of a batch cannot lie arbitrarily far off
        return np.asarray(np.clip(rng.standard_t(5, count) / np.sqrt(5 / 3), -5.0, 5.0))
    if noise is Noise.AUTOCORRELATED:  # logs smoothed by a running mean
        return _smoothed(white, rng.uniform(0.5, 0.9))
    if noise is Noise.HETEROSCEDASTIC:
        return np.asarray(white * np.exp(np.linspace(-1, 1, count) * rng.uniform(-0.7, 0.7)))
    return white


def _smoothed(white: FloatArray, memory: float) -> FloatArray:
    """First-order autoregression with unit variance: each value keeps `memory` of the one before."""
    length = max(2, int(np.ceil(np.log(1e-3) / np.log(memory))))
    kernel = memory ** np.arange(length) * np.sqrt(1 - memory**2)
    return np.asarray(np.convolve(np.concatenate([np.zeros(length - 1), white]), kernel, mode="valid"))


def _noisy(rng: np.random.Generator, setting: _Setting, shape: _Shape) -> FloatArray:
    level = setting.level if shape.loudness is None else shape.loudness
    scatter = level * _scatter(rng, setting.noise, setting.points)
    values = (shape.trend * np.exp(scatter) + shape.lift) * setting.scale
    if setting.noise is not Noise.QUANTISED:
        return np.asarray(values)
    # A log that prints few digits: the last one is of the size of the noise at the end of the run.
    smallest = np.nanmin(np.abs(shape.trend[np.isfinite(shape.trend)]), initial=1.0)
    digits = -np.floor(np.log10(max(setting.scale * level * smallest, 1e-12)))
    return np.asarray(np.round(values * 10**digits) / 10**digits)


def _record(rng: np.random.Generator, setting: _Setting, shape: _Shape, name: str) -> Run:
    """The run as its log shows it."""
    axis = Axis.EPOCH if setting.per_epoch else Axis.STEP
    walls = _wall_times(rng, setting, shape)
    curves = [_train_curve(setting, shape, _noisy(rng, setting, shape))]
    if setting.logs_validation:
        curves.append(_validation_curve(rng, setting, shape))
    if setting.logs_rate:
        rate = setting.rate if shape.rate is None else shape.rate
        curves.append(Curve("learning_rate", setting.steps, setting.peak_rate * rate, role=Role.LEARNING_RATE))
    if setting.logs_gradients:
        curves.append(Curve("grad_norm", setting.steps, _gradients(rng, setting, shape), role=Role.GRAD_NORM))
    curves += [_extra_curve(setting, tag, values) for tag, values in shape.extras.items()]
    dated = [replace(c, axis=axis, wall_times=np.interp(c.steps, setting.steps, walls)) for c in curves]
    return Run(name, name, "synthetic", {curve.tag: curve for curve in dated}, family=shape.family)


def _train_curve(setting: _Setting, shape: _Shape, values: FloatArray) -> Curve:
    return Curve(shape.tag or "train/loss", setting.steps, values, epochs=shape.epochs, role=Role.TRAIN_LOSS)


def _validation_curve(rng: np.random.Generator, setting: _Setting, shape: _Shape) -> Curve:
    """Evaluations at even distances, somewhat above the training loss, with far less noise."""
    count = setting.points if setting.per_epoch else int(np.clip(setting.points // 10, min(8, setting.points), 60))
    at = np.unique(np.linspace(setting.points / count - 1, setting.points - 1, count).round().astype(int))
    course = shape.trend * rng.uniform(1.0, 1.1) if shape.validation is None else shape.validation
    noise = _log_uniform(rng, 0.001, 0.006) * rng.standard_normal(len(at))
    values = (course[at] * np.exp(noise) + shape.lift) * setting.scale
    return Curve("val/loss", setting.steps[at], values, role=Role.VAL_LOSS)


def _gradients(rng: np.random.Generator, setting: _Setting, shape: _Shape) -> FloatArray:
    calm = np.nan_to_num(np.clip(np.abs(shape.trend), 0.05, 2.0), nan=1.0)
    norms = _log_uniform(rng, 0.1, 10.0) * np.sqrt(calm) * np.exp(0.2 * rng.standard_normal(setting.points))
    norms = np.where(np.isfinite(shape.trend), norms, np.nan)
    return np.asarray(norms if shape.stress is None else norms * shape.stress)


def _extra_curve(setting: _Setting, tag: str, values: FloatArray) -> Curve:
    logged = np.isfinite(values)
    return Curve(tag, setting.steps[logged], values[logged])


def _wall_times(rng: np.random.Generator, setting: _Setting, shape: _Shape) -> FloatArray:
    seconds = np.diff(setting.steps, prepend=0) * _log_uniform(rng, 0.2, 2.0) * (300.0 if setting.per_epoch else 1.0)
    seconds = seconds * np.exp(0.05 * rng.standard_normal(setting.points))
    if shape.pause is not None:
        seconds[shape.pause] += rng.uniform(1, 20) * 3600
    return np.asarray(1.7e9 + np.cumsum(seconds))


# --- healthy runs ----------------------------------------------------------------------------------------


def _descent(rng: np.random.Generator, setting: _Setting, low: float = 0.02, high: float = 0.35) -> FloatArray:
    """A power law in summed learning rate down to a floor of `low` to `high`, lower still where the rate decays.

    Form and exponents after the Multi-Power Law, arXiv 2503.12811.
    """
    floor, bend = rng.uniform(low, high), _log_uniform(rng, 0.01, 0.1)
    fall = (1 + setting.progress / bend) ** -rng.uniform(0.5, 1.2)
    peak = int(np.argmax(setting.rate))
    rate = np.where(np.arange(setting.points) < peak, 1.0, setting.rate)
    return np.asarray((floor + (1 - floor) * fall) * (1 - rng.uniform(0.0, 0.12) * (1 - rate)))


def _steady(rng: np.random.Generator, setting: _Setting) -> _Shape:
    return _Shape(_descent(rng, setting))


def _few_epochs(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """Four to twelve epochs, each better than the last."""
    kept = rng.uniform(0.72, 0.93) ** np.arange(setting.points, dtype=np.float64)
    return _Shape(0.1 + 0.9 * kept)


def _warm_up_hump(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """The loss rises while the learning rate warms up, then falls for good."""
    centre = rng.uniform(0.03, 0.08)
    hump = rng.uniform(0.1, 0.4) * np.exp(-(((setting.time - centre) / (0.4 * centre)) ** 2))
    return _Shape(_descent(rng, setting, high=0.25) + hump)


def _converged(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """Nearly all of the loss gone early; the flat rest is the end of the work, not a plateau."""
    floor = rng.uniform(0.01, 0.2)
    return _Shape(floor + (1 - floor) * np.exp(-rng.uniform(8, 25) * setting.time))


def _annealed(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """Flat at the end because the learning rate, which is logged, has gone to nothing."""
    floor = rng.uniform(0.3, 0.6)
    return _Shape(floor + (1 - floor) * np.exp(-rng.uniform(3, 6) * setting.progress))


def _fine_tune(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """Starts low, from trained weights: falls by a third or so, ever more slowly, still falling at the end."""
    drop, bend = rng.uniform(0.25, 0.5), rng.uniform(0.05, 0.3)
    return _Shape(1 - drop * np.log1p(setting.progress / bend) / np.log1p(1 / bend))


def _flow_matching(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """A loss that averages over random times: a fast start, then a long slow gain below loud white noise."""
    floor = rng.uniform(0.35, 0.5)
    slow = 0.12 * np.log1p(setting.time / 0.05) / np.log1p(20)
    trend = floor + (1 - floor) * np.exp(-setting.time / rng.uniform(0.01, 0.04)) - slow * floor
    return _Shape(trend, loudness=rng.uniform(0.12, 0.25))


def _restart(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """Resumed without its optimiser state: a small jump after hours without a step, soon made good."""
    at = int(rng.uniform(0.3, 0.8) * setting.points)
    since = np.arange(setting.points) - at
    healed = np.exp(-np.maximum(since, 0) / max(1.0, rng.uniform(0.01, 0.03) * setting.points))
    jump = np.where(since >= 0, rng.uniform(0.05, 0.2) * healed, 0.0)
    return _Shape(_descent(rng, setting) * (1 + jump), pause=at)


def _adversarial(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """A GAN vocoder or VITS: the mel loss falls while the total and feature losses rise, the discriminator hovers."""
    mel, time = _descent(rng, setting, 0.15, 0.35), setting.time
    wobble = {name: np.exp(0.08 * rng.standard_normal(setting.points)) for name in ("d", "fm", "gen")}
    extras = {
        "loss/d/total": 2.5 * (1 - 0.15 * time) * wobble["d"],
        "loss/g/fm": (1.0 + 5.0 * time**0.5) * wobble["fm"],
        "loss/g/gen": (2.0 + 1.0 * time) * wobble["gen"],
    }
    extras["loss/g/total"] = setting.scale * mel + setting.scale * 0.08 * (extras["loss/g/fm"] + extras["loss/g/gen"])
    return _Shape(mel, extras=extras, family="vits", tag="loss/g/mel")


def _saturated(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """Tacotron: the training loss is flat after a tenth of the run, validation and speech still improve."""
    floor = rng.uniform(0.02, 0.12)
    trend = floor + (1 - floor) * np.exp(-setting.time / rng.uniform(0.01, 0.04))
    late = rng.uniform(0.3, 0.8) * floor * (1 - np.log1p(setting.time / 0.1) / np.log1p(10))
    return _Shape(trend, validation=trend * 1.02 + late)


def _stage_switch(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """A second stage adds a term to the loss: it steps up when the new tag appears, and falls below where it was."""
    at = int(rng.uniform(0.3, 0.5) * setting.points)
    trend = _descent(rng, setting, 0.1, 0.3)
    since = np.clip((np.arange(setting.points) - at) / (setting.points - at), 0, 1)
    second = trend[at] * (rng.uniform(1.15, 1.5) * (0.5 + 0.5 * np.exp(-4 * since)))
    new = np.where(np.arange(setting.points) >= at, 0.3 * second * setting.scale, np.nan)
    noisy = new * np.exp(setting.level * rng.standard_normal(setting.points))
    return _Shape(np.where(since > 0, second, trend), extras={"train/loss_stage2": noisy})


def _likelihood(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """The negative log-likelihood of a flow: falls through zero, as it may."""
    lift, bend = rng.uniform(1.5, 4.0), _log_uniform(rng, 0.01, 0.1)
    lowest = rng.uniform(0.1, 0.7) * lift
    return _Shape(lowest + (1 + lift - lowest) * (1 + setting.progress / bend) ** -rng.uniform(0.5, 1.2), lift=-lift)


def _warm_restarts(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """The learning rate is sent back to its peak at each cycle (SGDR), and the loss breathes with it."""
    cycles = int(rng.integers(3, 7))
    rate = 0.5 * (1 + np.cos(np.pi * np.mod(setting.time * cycles, 1.0)))
    trend = _descent(rng, replace(setting, rate=np.ones(setting.points)))
    return _Shape(trend * (1 + rng.uniform(0.05, 0.15) * rate), rate=rate)


def _many_epochs(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """Several passes over enough data: small steps at the epochs, and validation falls with them."""
    epochs = setting.time * rng.integers(3, 9)
    trend = _descent(rng, setting)
    return _Shape(trend * (1 - rng.uniform(0.01, 0.03)) ** np.floor(epochs), validation=trend * 1.03, epochs=epochs)


# --- sick runs -------------------------------------------------------------------------------------------


def _sudden_rises(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """Bad batches: the loss leaps up and comes back. One or two high ones, or several lower."""
    count = int(rng.integers(1, 3 if setting.points < 100 else 6))
    # Below this an expert would shrug: bad batches of 1.8 times the trend recur, a lone one must stand out.
    least = max(1.8 if count > 2 else 2.5, float(np.exp(10 * setting.level)))
    base = _descent(rng, setting, 0.1, 0.4)
    room = np.linspace(max(5, 0.2 * setting.points), setting.points - max(5, 0.1 * setting.points), count + 1)
    starts = [int(rng.uniform(low, low + 0.6 * (high - low))) for low, high in pairwise(room)]
    factor = np.ones(setting.points)
    for start in starts:
        since = np.arange(setting.points) - start
        width = max(0.8, rng.uniform(0.001, 0.01) * setting.points)
        rise = _log_uniform(rng, 1.0, 3.0) * least - 1
        factor += np.where(since >= 0, rise * np.exp(-np.maximum(since, 0) / width), 0.0)
    return _Shape(base * factor, validation=base * 1.03, onset=starts[0], stress=factor**2)


def _onset(rng: np.random.Generator, setting: _Setting) -> int:
    """Where learning ends: past the first third, and with a quarter of the run (at least one point) to go."""
    first, last = max(2, setting.points // 3), setting.points - max(1, setting.points // 4)
    return int(rng.integers(first, max(first + 1, last)))


def _since(setting: _Setting, onset: int) -> FloatArray:
    """Share of the time after `onset`: above 0 from there, 1 at the last point."""
    return np.clip((np.arange(setting.points) - onset + 1) / (setting.points - onset), 0.0, 1.0)


def _climb(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """Learning turns over: the loss climbs back towards where it started and stays up."""
    base, onset = _descent(rng, setting, 0.1, 0.45), _onset(rng, setting)
    reach = np.minimum(_since(setting, onset) / rng.uniform(0.2, 0.8), 1.0)
    lost = rng.uniform(0.6, 1.3) * (1 - base[onset - 1])
    trend = np.where(reach > 0, base[onset - 1] + lost * reach, base)
    return _Shape(trend, onset=onset, stress=1 + 4 * reach)


def _collapse(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """Within a few updates all is forgotten; the loss sits at what a guess would get."""
    base, onset = _descent(rng, setting, 0.1, 0.45), _onset(rng, setting)
    reach = 1 - np.exp(-np.maximum(np.arange(setting.points) - onset + 1, 0) / max(0.5, 0.01 * setting.points))
    trend = base + (rng.uniform(0.85, 1.05) - base) * reach
    return _Shape(trend, onset=onset, stress=1 + 20 * reach * np.exp(-5 * _since(setting, onset)))


def _blow_up(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """The loss grows without bound, to many times its first value."""
    base, onset = _descent(rng, setting, 0.1, 0.45), _onset(rng, setting)
    growth = np.exp(_since(setting, onset) * np.log(_log_uniform(rng, 10, 1e4)))
    growth = np.where(np.arange(setting.points) < onset, 1.0, growth)
    return _Shape(base * growth, onset=onset, stress=growth)


def _sudden_nan(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """Out of nothing, NaN to the end (an overflow, an empty target)."""
    onset = _onset(rng, setting)
    trend = np.where(np.arange(setting.points) >= onset, np.nan, _descent(rng, setting))
    return _Shape(trend, onset=onset)


def _nan_after_climb(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """The loss explodes, passes through infinity and is NaN from there."""
    grown = _blow_up(rng, setting)
    onset = min(setting.points - 1, (grown.onset or 0) + max(1, setting.points // 20))
    index = np.arange(setting.points)
    trend = np.where(index > onset, np.nan, np.where(index == onset, np.inf, grown.trend))
    return _Shape(trend, onset=onset, stress=grown.stress)


def _scattered_nan(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """Single batches give NaN; the trainer skips them and goes on."""
    onset = _onset(rng, setting)
    bad = rng.random(setting.points) < 0.03
    bad[:onset], bad[onset] = False, True
    trend = _descent(rng, setting)
    return _Shape(np.where(bad, np.nan, trend), validation=trend * 1.03, onset=onset)


def _hidden_nan(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """Hugging Face's `logging_nan_inf_filter`: the log says 0.0 while the gradient norm is NaN."""
    onset = _onset(rng, setting)
    lost, trend = np.arange(setting.points) >= onset, _descent(rng, setting)
    return _Shape(
        np.where(lost, 0.0, trend),
        validation=np.where(lost, np.nan, 1.03 * trend),
        onset=onset,
        stress=np.where(lost, np.nan, 1.0),
    )


def _stuck_from_start(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """The network learns the mean answer, if that, and nothing more, at a learning rate that stays up."""
    drop = rng.uniform(0.0, 0.05)
    return _Shape(1 - drop * (1 - np.exp(-setting.time / 0.02)), onset=0)


def _stuck_midway(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """Falls at first, then lies flat for most of the run with most of the loss left and the rate still up."""
    level, soon = rng.uniform(0.55, 0.85), rng.uniform(0.02, 0.08)
    onset = min(setting.points - 1, int(4 * soon * setting.points))
    return _Shape(level + (1 - level) * np.exp(-setting.time / soon), onset=onset)


def _frozen(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """A decay meant for epochs applied at every update: the rate is nothing after a tenth of the run."""
    rate = np.maximum(np.exp(-setting.time / rng.uniform(0.01, 0.03)), 1e-9)
    level = rng.uniform(0.5, 0.85)
    trend = level + (1 - level) * rate
    return _Shape(trend, rate=rate, onset=int(0.1 * setting.points))


def _overfit_late(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """Validation turns in the middle of the run and rises while training goes on falling."""
    return _overfit(rng, setting, turn=(0.25, 0.55), rise=(0.12, 0.5))


def _overfit_early(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """A small set: validation is best after a few passes, then rises steeply."""
    return _overfit(rng, setting, turn=(0.15, 0.3), rise=(0.3, 1.5))


def _overfit(
    rng: np.random.Generator, setting: _Setting, turn: tuple[float, float], rise: tuple[float, float]
) -> _Shape:
    trend = _descent(rng, replace(setting, rate=np.ones(setting.points)), 0.01, 0.15)
    trend = trend * (1 - rng.uniform(0.3, 0.7) * setting.time)
    best = int(rng.uniform(*turn) * setting.points)
    since = np.clip((setting.time - setting.time[best]) / (1 - setting.time[best]), 0, 1)
    gap = 1.05 + 0.15 * np.minimum(setting.time / setting.time[best], 1) if best else 1.1
    validation = np.where(since > 0, (trend * gap)[best] * (1 + rng.uniform(*rise) * since**1.2), trend * gap)
    return _Shape(trend, validation=validation, onset=best)


def _bounces(rng: np.random.Generator, setting: _Setting, height: tuple[float, float]) -> FloatArray:
    """A factor that swings irregularly between 1 and exp(height): each update overshoots, then recovers."""
    swings = int(np.clip(setting.points // 3, 4, rng.integers(8, 26)))
    knots = np.sort(np.concatenate([[0.0, 1.0], rng.uniform(0, 1, 2 * swings)]))
    levels = np.where(np.arange(len(knots)) % 2, rng.uniform(*height, len(knots)), rng.normal(0, 0.04, len(knots)))
    return np.exp(np.interp(setting.time, knots, levels))


def _bouncing(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """Falls for a moment, then only bounces: overshoot and recovery without net progress."""
    level = rng.uniform(0.4, 0.75)
    base = level + (1 - level) * np.exp(-setting.time / rng.uniform(0.01, 0.04))
    swings = _bounces(rng, setting, (0.25, 0.8))
    return _Shape(base * swings, onset=0, stress=swings**2)


def _thrown_up(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """Full rate from the first update: the loss is thrown to several times its start and never settles."""
    throw = rng.uniform(0.5, 4.0) * np.exp(-((setting.time / rng.uniform(0.04, 0.1)) ** 2)) * (setting.time > 0)
    base = 1 - rng.uniform(0.05, 0.35) * setting.time
    swings = _bounces(rng, setting, (0.2, 0.6))
    return _Shape(base * (1 + throw) * np.where(setting.time > 0, swings, 1.0), onset=0, stress=swings**2 * (1 + throw))


def _relieved(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """Bounces at a high level while the rate is up; calms down and falls only as the schedule takes it away."""
    level, ease = rng.uniform(0.6, 0.9), rng.uniform(0.3, 0.6)
    base = level + (1 - level) * np.exp(-setting.time / 0.02)
    swings = 1 + (_bounces(rng, setting, (0.4, 0.9)) - 1) * setting.rate
    return _Shape(base * (1 - ease * (1 - setting.rate) ** 2) * swings, onset=0, stress=swings**2)


def _crawling(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """A straight line that has gone a small part of the way and has not begun to bend."""
    # The smooth course must stand out of the noise: its fall is several standard errors of a tenth of the run.
    # Noise that wanders (memory up to 0.9) averages out as if there were a tenth of the points.
    worth = setting.points / (100 if setting.noise is Noise.AUTOCORRELATED else 10)
    seen = 12 * setting.level / np.sqrt(max(1.0, worth))
    drop = max(rng.uniform(0.03, 0.18), min(seen, 0.2))
    return _Shape(1 - drop * setting.progress, onset=0)


def _staircase(rng: np.random.Generator, setting: _Setting) -> _Shape:
    """A tiny set learned by heart: flat within an epoch, a step down at each new one, nearly nothing left."""
    epochs = setting.time * int(np.clip(setting.points // 12, 6, rng.integers(8, 41)))
    first, floor = rng.uniform(0.4, 0.7), rng.uniform(0.005, 0.05)
    step = max(rng.uniform(0.2, 0.5), 4 * setting.level)
    level = first * np.exp(-step * (np.floor(epochs) - 1 + 0.15 * np.mod(epochs, 1.0)))
    opening = first + (1 - first) * np.exp(-epochs / 0.15)
    trend = np.maximum(np.where(epochs < 1, opening, level), floor)
    known = rng.random() < 0.6
    return _Shape(trend, epochs=epochs if known else None, onset=int(np.searchsorted(epochs, 1.0)))


_ACCEPTED: Mapping[Fault, frozenset[str]] = {
    Fault.HEALTHY: frozenset(),
    Fault.SPIKE: frozenset({"loss-spike"}),
    Fault.DIVERGENCE: frozenset({"divergence"}),
    Fault.NAN: frozenset({"non-finite-loss"}),
    Fault.PLATEAU: frozenset({"plateau"}),
    Fault.OVERFITTING: frozenset({"overfitting", "past-best"}),
    Fault.RATE_TOO_HIGH: frozenset({"learning-rate-too-high", "oscillation"}),
    Fault.RATE_TOO_LOW: frozenset({"learning-rate-too-low", "slow-learning"}),
    Fault.MEMORISATION: frozenset({"memorisation"}),
}
_WARMED = (Schedule.WARMUP_COSINE,)
_FLAT = (Schedule.CONSTANT,)

_KINDS: Mapping[Fault, tuple[_Kind, ...]] = {
    Fault.HEALTHY: (
        _Kind(_steady, 20),
        _Kind(_few_epochs, 4, longest=12, per_epoch=True, schedules=(Schedule.CONSTANT, Schedule.LINEAR)),
        _Kind(_warm_up_hump, 60, schedules=_WARMED),
        _Kind(_converged, 20),
        _Kind(_annealed, 20, rate=True, schedules=DECAYING),
        _Kind(_fine_tune, 20, loudest=0.06),
        _Kind(_flow_matching, 300, per_epoch=False, noises=(Noise.GAUSSIAN, Noise.QUANTISED)),
        _Kind(_restart, 60),
        _Kind(_adversarial, 60, per_epoch=False, validation=False, schedules=(Schedule.EXPONENTIAL,)),
        _Kind(_saturated, 60, per_epoch=False, validation=True),
        _Kind(_stage_switch, 60, validation=False),
        _Kind(_likelihood, 20, loudest=0.04),
        _Kind(_warm_restarts, 100, rate=True),
        _Kind(_many_epochs, 100, per_epoch=False, validation=True),
    ),
    Fault.SPIKE: (
        # Ten points make a course, five before and five after: fewer, and a rise may be the new level.
        _Kind(_sudden_rises, 20, loudest=0.1),
    ),
    Fault.DIVERGENCE: (
        # The story: 13.18, 7.71, 6.93, 9.11. Two epochs down and one that gives most of it back.
        _Kind(_climb, 4, loudest=0.1),
        _Kind(_collapse, 6, loudest=0.1),
        _Kind(_blow_up, 4, loudest=0.1),
    ),
    Fault.NAN: (  # a single NaN is proof
        _Kind(_sudden_nan, 4),
        _Kind(_nan_after_climb, 8),
        _Kind(_scattered_nan, 8),
        _Kind(_hidden_nan, 8, gradients=True),
    ),
    Fault.PLATEAU: (
        # Below 20 points a flat end is a pause. The rate must not have decayed: else the end is its schedule's.
        _Kind(_stuck_from_start, 20, schedules=_FLAT, loudest=0.06),
        _Kind(_stuck_midway, 24, schedules=_FLAT, loudest=0.06),
        _Kind(_frozen, 40, rate=True, loudest=0.06, accepted=frozenset({"dead-schedule"})),
    ),
    Fault.OVERFITTING: (
        # Eight evaluations: three down, three up, and two for the turn.
        _Kind(_overfit_late, 8, validation=True),
        _Kind(_overfit_early, 24, validation=True),
    ),
    Fault.RATE_TOO_HIGH: (
        # Four bounces of four points: fewer cannot be told from one spike or from noise.
        _Kind(_bouncing, 20, schedules=_FLAT, loudest=0.05),
        _Kind(_thrown_up, 24, schedules=_FLAT, loudest=0.05, accepted=frozenset({"missing-warmup"})),
        _Kind(_relieved, 40, rate=True, schedules=(Schedule.LINEAR, Schedule.WARMUP_COSINE), loudest=0.05),
    ),
    Fault.RATE_TOO_LOW: (
        # A dozen points show that a line is straight. A decayed rate bends any line, so it must stay up.
        _Kind(_crawling, 12, schedules=_FLAT, loudest=0.03),
    ),
    Fault.MEMORISATION: (
        # Six epochs of twelve logged points: the stairs must recur, and each be longer than the noise.
        _Kind(_staircase, 72, longest=10_000, per_epoch=False, validation=False, loudest=0.08),
    ),
}
