"""Runs whose condition is known, from the generator and from real trainings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from diagnose.run import Role, Run
from diagnose.testing.synthetic import Fault, Sample, samples


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One run and what is to be said of it."""

    name: str
    """Unique in the benchmark, and the name of its folder."""
    group: str
    """The set of runs that it belongs to (`synthetic`, `trained`, ...)."""
    fault: Fault | None
    """None: a fault that is none of the eight."""
    kind: str
    seed: int
    run: Run
    accepted: frozenset[str]
    judgeable: bool = True
    """Whether there is enough to call a healthy run healthy; if not, `inconclusive` is right too."""
    beside: Mapping[str, str] = field(default_factory=dict)
    """File name -> text, for what lies beside the log: the config, the list of clips."""
    form: str | None = None
    """The log format that it takes; None for any."""
    lines: Sequence[tuple[int, str]] = ()
    """Point, and the text that stands behind it in the text log."""
    idle: float = 0.0
    """Seconds since the last write to the log."""

    @property
    def label(self) -> str:
        """The class for a table."""
        return "another" if self.fault is None else self.fault.value

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
