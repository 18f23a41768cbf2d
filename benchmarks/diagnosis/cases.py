"""Runs whose condition is known, from the generator and from real trainings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from diagnose.run import Role, Run
from diagnose.synthetic import Fault, Sample, samples


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One run and what is to be said of it."""

    name: str
    """Unique in the benchmark, and the name of its folder."""
    group: str
    """`synthetic` or `trained`."""
    fault: Fault
    kind: str
    seed: int
    run: Run
    accepted: frozenset[str]
    judgeable: bool = True
    """Whether there is enough to call a healthy run healthy; if not, `inconclusive` is right too."""

    @property
    def has_validation(self) -> bool:
        return self.run.curve(Role.VAL_LOSS) is not None

    @property
    def has_rate(self) -> bool:
        return self.run.curve(Role.LEARNING_RATE) is not None

    @property
    def points(self) -> int:
        train = self.run.curve(Role.TRAIN_LOSS)
        return 0 if train is None else len(train)


def synthetic_cases(seeds: Sequence[int]) -> Iterator[Case]:
    """One case a seed, two in five of them healthy."""
    return (_case(sample) for sample in samples(seeds))


def _case(sample: Sample) -> Case:
    name = f"synthetic-{sample.seed:06d}"
    return Case(
        name, "synthetic", sample.fault, sample.kind, sample.seed, sample.run, sample.accepted, sample.judgeable
    )
