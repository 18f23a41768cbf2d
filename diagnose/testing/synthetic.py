"""Training runs of known condition, made from causes: what the checks are tested and measured on.

A run is drawn in two steps. The setting (length, scale, schedule, noise, what is logged) knows nothing of
the fault. The shape is the noise-free loss that the cause gives under this setting, its first value 1.
Noise, scale and rounding come last, so that no class can be told by its scale or its noise.

Each class is only made where an expert who looks at the curve can name it; `_Kind.shortest` is the fewest
logged points for that, and the comment beside it says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from diagnose.run import Role, Run
from diagnose.testing import faulty, sound
from diagnose.testing.setting import DECAYING, Kind, Noise, Schedule, draw_setting, record


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
        """Whether there is enough to call it: eight falling points and no validation are too few for `healthy`."""
        train = self.run.curve(Role.TRAIN_LOSS)
        return self.fault is not Fault.HEALTHY or (train is not None and len(train) > 8)


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
    setting = draw_setting(rng, chosen, points)
    shape = chosen.make(rng, setting)
    run = record(rng, setting, shape, f"{fault.value}-{chosen.name}-{seed}")
    onset = None if shape.onset is None else int(setting.steps[shape.onset])
    accepted = _ACCEPTED[fault] | chosen.accepted
    return Sample(fault, chosen.name, seed, run, accepted, onset, setting.noise, setting.schedule)


def kinds(fault: Fault) -> tuple[str, ...]:
    """The kinds of curve that are made for a fault."""
    return tuple(kind.name for kind in _KINDS[fault])


_ACCEPTED: Mapping[Fault, frozenset[str]] = {
    Fault.HEALTHY: frozenset(),
    Fault.SPIKE: frozenset({"loss-spike"}),
    Fault.DIVERGENCE: frozenset({"divergence"}),
    Fault.NAN: frozenset({"non-finite-loss"}),
    Fault.PLATEAU: frozenset({"plateau"}),
    Fault.OVERFITTING: frozenset({"overfitting"}),
    Fault.RATE_TOO_HIGH: frozenset({"learning-rate-too-high", "oscillation"}),
    Fault.RATE_TOO_LOW: frozenset({"learning-rate-too-low", "slow-learning"}),
    Fault.MEMORISATION: frozenset({"memorisation"}),
}
_WARMED = (Schedule.WARMUP_COSINE,)
_FLAT = (Schedule.CONSTANT,)

_KINDS: Mapping[Fault, tuple[Kind, ...]] = {
    Fault.HEALTHY: (
        Kind(sound.steady, 20),
        Kind(sound.few_epochs, 4, longest=12, per_epoch=True, schedules=(Schedule.CONSTANT, Schedule.LINEAR)),
        Kind(sound.warm_up_hump, 60, schedules=_WARMED),
        Kind(sound.converged, 20),
        Kind(sound.annealed, 20, rate=True, schedules=DECAYING),
        Kind(sound.fine_tune, 20, loudest=0.06),
        Kind(sound.flow_matching, 300, per_epoch=False, noises=(Noise.GAUSSIAN, Noise.QUANTISED)),
        Kind(sound.restart, 60),
        Kind(sound.adversarial, 60, per_epoch=False, validation=False, schedules=(Schedule.EXPONENTIAL,)),
        Kind(sound.saturated, 60, per_epoch=False, validation=True),
        Kind(sound.stage_switch, 60, validation=False),
        Kind(sound.likelihood, 20, loudest=0.04),
        Kind(sound.warm_restarts, 100, rate=True),
        Kind(sound.many_epochs, 100, per_epoch=False, validation=True),
    ),
    Fault.SPIKE: (
        # Ten points make a course, five before and five after: fewer, and a rise may be the new level.
        Kind(faulty.sudden_rises, 20, loudest=0.1),
    ),
    Fault.DIVERGENCE: (
        # The story: 13.18, 7.71, 6.93, 9.11. Two epochs down and one that gives most of it back.
        Kind(faulty.climb, 4, loudest=0.1),
        Kind(faulty.collapse, 6, loudest=0.1),
        Kind(faulty.blow_up, 4, loudest=0.1),
    ),
    Fault.NAN: (  # a single NaN is proof
        Kind(faulty.sudden_nan, 4),
        Kind(faulty.nan_after_climb, 8),
        Kind(faulty.scattered_nan, 8),
        Kind(faulty.hidden_nan, 8, gradients=True),
    ),
    Fault.PLATEAU: (
        # Below 20 points a flat end is a pause. The rate must not have decayed: else the end is its schedule's.
        Kind(faulty.stuck_from_start, 20, schedules=_FLAT, loudest=0.06),
        Kind(faulty.stuck_midway, 24, schedules=_FLAT, loudest=0.06),
        Kind(faulty.frozen, 40, rate=True, loudest=0.06, accepted=frozenset({"dead-schedule"})),
    ),
    Fault.OVERFITTING: (
        # Eight evaluations: three down, three up, and two for the turn.
        Kind(faulty.overfit_late, 8, validation=True),
        Kind(faulty.overfit_early, 24, validation=True),
    ),
    Fault.RATE_TOO_HIGH: (
        # Four bounces of four points: fewer cannot be told from one spike or from noise.
        Kind(faulty.bouncing, 20, schedules=_FLAT, loudest=0.05),
        Kind(faulty.thrown_up, 24, schedules=_FLAT, loudest=0.05, accepted=frozenset({"missing-warmup"})),
        Kind(faulty.relieved, 40, rate=True, schedules=(Schedule.LINEAR, Schedule.WARMUP_COSINE), loudest=0.05),
    ),
    Fault.RATE_TOO_LOW: (
        # A dozen points show that a line is straight. A decayed rate bends any line, so it must stay up.
        Kind(faulty.crawling, 12, schedules=_FLAT, loudest=0.03),
    ),
    Fault.MEMORISATION: (
        # Six epochs of twelve logged points: the stairs must recur, and each be longer than the noise.
        Kind(faulty.staircase, 72, longest=10_000, per_epoch=False, validation=False, loudest=0.08),
    ),
}
