"""Runs drawn in other ways than those of `diagnose.testing.synthetic`, on which the checks were developed.

Each kind is a function of a random generator that gives the curves as they are logged. Kinds come in sets, and each
kind of a set has a stream of its own: a new one does not change the runs of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
import yaml

from benchmarks.diagnosis.cases import Case
from diagnose.run import Attachment, Axis, Curve, Role, Run
from diagnose.testing.synthetic import Fault

Floats = npt.NDArray[np.float64]
Generator = np.random.Generator
PLAIN_TAG = "train/loss"


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """What one run logs, and what lies beside the log. Arrays of shape (points,)."""

    loss: Floats
    validation: Floats | None = None
    """Taken at `evaluations` even distances."""
    evaluations: int = 30
    rate: Floats | None = None
    gradients: Floats | None = None
    per_epoch: bool = False
    every: int = 10
    tag: str = PLAIN_TAG
    val_tag: str = "val/loss"
    epochs: Floats | None = None
    walls: Floats | None = None
    """Seconds since the start."""
    extras: Mapping[str, Floats] = field(default_factory=dict)
    """Further tags; NaN where a tag is not logged."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """Written as `config.yaml` beside the log."""
    clips: int | None = None
    """Lines of the `metadata.csv` of the data set that the config names."""
    sounds: tuple[tuple[str, int, bytes], ...] = ()
    """Tag, point and wav file of the samples that the trainer logs."""
    lines: tuple[tuple[int, str], ...] = ()
    """Point, and what the trainer prints behind it; only text logs hold it."""
    idle: float = 0.0
    """Seconds since the log was written last."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to come to a curve, and what is to be said of it."""

    make: Callable[[Generator], Draft]
    accepted: frozenset[str] = frozenset()
    """Names of the findings of which any names the fault; none for a healthy run."""
    fault: Fault | None = Fault.HEALTHY
    """Its class; None for a fault that is none of the eight."""

    @property
    def name(self) -> str:
        """The function's name as a word."""
        return self.make.__name__.strip("_").replace("_", "-")


def cases(group: str, kinds: Sequence[Kind], seeds: Sequence[int]) -> Iterator[Case]:
    """One run of each kind for each seed."""
    for kind in kinds:
        stream = crc32(f"{group}/{kind.name}".encode())
        for seed in seeds:
            draft = kind.make(np.random.default_rng([seed, stream]))
            yield _case(group, kind, seed, draft)


def _case(group: str, kind: Kind, seed: int, draft: Draft) -> Case:
    return Case(
        f"{group}-{kind.name}-{seed:06d}",
        group,
        kind.fault,
        kind.name,
        seed,
        _run(draft, kind.name),
        kind.accepted,
        # Of a dozen points, or of a loss that does not move, `inconclusive` is a fair answer.
        judgeable=len(draft.loss) > 16 and kind.name != "standing",
        beside=dict(_beside(draft)),
        # Only event files hold sounds and the tags of a family, byte for byte; only text logs hold lines.
        form="text" if draft.lines else "events" if draft.sounds or draft.tag != PLAIN_TAG else None,
        lines=draft.lines,
        idle=draft.idle,
    )


def _run(draft: Draft, name: str) -> Run:
    points = len(draft.loss)
    steps = (1 if draft.per_epoch else draft.every) * np.arange(1, points + 1, dtype=np.int64)
    seconds = 0.5 * draft.every * np.arange(1, points + 1) if draft.walls is None else draft.walls
    walls = 1.7e9 + seconds
    curves = [Curve(draft.tag, steps, draft.loss, epochs=draft.epochs, role=Role.TRAIN_LOSS)]
    if draft.validation is not None:
        count = points if draft.per_epoch else min(draft.evaluations, points)
        at = np.unique(np.linspace(points / count - 1, points - 1, count).round().astype(int))
        curves.append(Curve(draft.val_tag, steps[at], draft.validation[at], role=Role.VAL_LOSS))
    if draft.rate is not None:
        curves.append(Curve("learning_rate", steps, draft.rate, role=Role.LEARNING_RATE))
    if draft.gradients is not None:
        curves.append(Curve("grad_norm", steps, draft.gradients, role=Role.GRAD_NORM))
    curves += [Curve(tag, steps[np.isfinite(v)], v[np.isfinite(v)]) for tag, v in draft.extras.items()]
    axis = Axis.EPOCH if draft.per_epoch else Axis.STEP
    dated = [replace(one, axis=axis, wall_times=np.interp(one.steps, steps, walls)) for one in curves]
    sounds = [
        Attachment("audio", tag, int(steps[at]), float(walls[at]), partial(bytes, wav)) for tag, at, wav in draft.sounds
    ]
    return Run(name, name, "draft", {one.tag: one for one in dated}, attachments=tuple(sounds))


def _beside(draft: Draft) -> Iterator[tuple[str, str]]:
    if draft.config or draft.clips is not None:
        named = {} if draft.clips is None else {"dataset": "clips"}
        yield "config.yaml", yaml.safe_dump({**draft.config, **named})
    if draft.clips is not None:
        yield "clips/metadata.csv", "".join(f"clip{n:05d}|sentence {n}\n" for n in range(draft.clips))


# --- what kinds are made of ------------------------------------------------------------------------------


def length(rng: Generator, low: int, high: int) -> int:
    """A number of points, small ones as often as large ones."""
    return round(between(rng, low, high))


def between(rng: Generator, low: float, high: float) -> float:
    """A number of any size from `low` to `high`."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def time(points: int) -> Floats:
    """Share of the run, 0 to 1."""
    return np.asarray(np.linspace(0.0, 1.0, points))


def scatter(rng: Generator, points: int, level: float) -> Floats:
    """Factors around 1: single batches (white), hard batches (heavy tails), or a log that smooths them.

    A smoothed log wanders, and scatters less than its batches.
    """
    white = rng.standard_normal(points)
    habit = rng.integers(3)
    if habit == 1:
        white = np.clip(rng.standard_t(4, points) / np.sqrt(2), -5, 5)
    elif habit == 2:
        memory = rng.uniform(0.3, 0.8)
        weights = memory ** np.arange(40)
        white = np.convolve(rng.standard_normal(points + 39), weights / np.sum(weights), mode="valid")
    return np.asarray(np.exp(level * white))


def scaled(rng: Generator, values: Floats) -> Floats:
    """The loss in some unit: nats, a weighted sum, a sum over frames."""
    return np.asarray(values * between(rng, 0.3, 200.0))


def constant(rng: Generator, points: int, low: float, high: float, warmup: float = 0.0) -> Floats:
    """A rate that stays, after a warm-up over this share of the run."""
    ramp = np.minimum(1.0, (time(points) + 1 / points) / warmup) if warmup else np.ones(points)
    return np.asarray(between(rng, low, high) * ramp)


def cosine(points: int, peak: float, warmup: float = 0.03, last: float = 0.0) -> Floats:
    """Warm-up, then half a cosine down to `last` of the peak."""
    here = time(points)
    fall = last + (1 - last) * 0.5 * (1 + np.cos(np.pi * np.clip((here - warmup) / (1 - warmup), 0, 1)))
    return np.asarray(peak * np.where(here < warmup, (here + 1 / points) / (warmup + 1 / points), fall))


def power_law(rng: Generator, points: int, low: float = 0.05, high: float = 0.4) -> Floats:
    """A training from scratch that goes well: 1 at the start, towards a floor of `low` to `high`."""
    floor, bend = rng.uniform(low, high), between(rng, 0.01, 0.08)
    return np.asarray(floor + (1 - floor) * (1 + time(points) / bend) ** -rng.uniform(0.5, 1.0))


def sometimes(rng: Generator, values: Floats, chance: float = 0.5) -> Floats | None:
    """The values, or nothing: what only some logs hold."""
    return values if rng.random() < chance else None


def names(*those: str) -> frozenset[str]:
    """Findings, any of which is right."""
    return frozenset(those)


def sound_run(rng: Generator, low: int = 100, high: int = 2000) -> Draft:
    """A sound training from scratch with validation and a decaying rate in its log."""
    points = length(rng, low, high)
    course, unit = power_law(rng, points, 0.1, 0.35), between(rng, 0.3, 200.0)
    seen = unit * 1.04 * course * np.exp(0.004 * rng.standard_normal(points))
    return Draft(
        unit * course * scatter(rng, points, rng.uniform(0.02, 0.06)),
        validation=seen,
        rate=cosine(points, between(rng, 1e-4, 1e-3), 0.05, 0.05),
    )


def sound_norms(rng: Generator, points: int) -> Floats:
    """Gradient norms that fall with the loss and scatter by a third."""
    norms = (0.4 + 0.6 * power_law(rng, points)) * np.exp(rng.uniform(0.2, 0.5) * rng.standard_normal(points))
    return np.asarray(between(rng, 0.1, 10.0) * norms)


def plain_config(draft: Draft, **more: float) -> dict[str, float]:
    """A config that asks for the rate in the log."""
    assert draft.rate is not None
    return {"learning_rate": float(draft.rate.max()), "batch_size": 16, **more}
