"""How often ttsdoc is right on this machine: synthetic runs of known condition, examined here and now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from diagnose.engine import examine
from diagnose.facts import Facts
from diagnose.finding import Diagnosis, Verdict
from diagnose.testing.synthetic import Fault, Sample, samples

# Two hundred runs take three seconds of one core (measured on a cloud machine of 2026).
# Not among the seeds on which the checks were developed (0 to 999) or the benchmark is reported (10000 and on).
SEEDS = range(5000, 5200)


@dataclass(frozen=True, slots=True)
class Tally:
    """One class of runs."""

    fault: Fault
    runs: int
    right: int
    """Runs whose fault was named first; for healthy runs, those that were called healthy."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A run that was judged wrongly; `diagnose.testing.synthetic.sample(fault, seed)` makes it again."""

    fault: Fault
    kind: str
    seed: int
    named: tuple[str, ...]
    """Names of the warnings and errors that were reported, the first one first."""


@dataclass(frozen=True, slots=True)
class Selftest:
    """The outcome over all classes."""

    tallies: tuple[Tally, ...]
    """In the order of `Fault`, classes without runs left out."""
    mistakes: tuple[Mistake, ...]

    @property
    def recall(self) -> float:
        """The share of faulty runs whose fault was named first, 0 to 1; NaN without faulty runs."""
        faulty = [tally for tally in self.tallies if tally.fault is not Fault.HEALTHY]
        return _share(sum(tally.right for tally in faulty), sum(tally.runs for tally in faulty))

    @property
    def false_alarms(self) -> float:
        """The share of healthy runs with a warning or an error, 0 to 1; NaN without healthy runs."""
        healthy = sum(tally.runs for tally in self.tallies if tally.fault is Fault.HEALTHY)
        return _share(sum(one.fault is Fault.HEALTHY and bool(one.named) for one in self.mistakes), healthy)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def selftest(seeds: Sequence[int] = SEEDS) -> Selftest:
    """Examine the synthetic run of each seed, two in five of them healthy. Always the same for the same seeds."""
    drawn = list(samples(seeds))
    mistakes = tuple(mistake for one in drawn if (mistake := _mistake(one)) is not None)
    wrong = [mistake.fault for mistake in mistakes]
    counts = {fault: sum(one.fault is fault for one in drawn) for fault in Fault}
    tallies = (Tally(fault, count, count - wrong.count(fault)) for fault, count in counts.items() if count)
    return Selftest(tuple(tallies), mistakes)


def _mistake(one: Sample) -> Mistake | None:
    diagnosis = examine(Facts(one.run))
    named = tuple(finding.name for finding in diagnosis.findings if finding.alarming)
    if one.fault is not Fault.HEALTHY:
        right = bool(first_named(diagnosis) & one.accepted)
    else:
        right = diagnosis.verdict is Verdict.HEALTHY or (not named and not one.judgeable)
    return None if right else Mistake(one.fault, one.kind, one.seed, named)


def first_named(diagnosis: Diagnosis) -> frozenset[str]:
    """The first warning or error that is not a consequence, with the consequences shown under it."""
    alarms = [finding for finding in diagnosis.findings if finding.alarming]
    cause = next((finding.name for finding in alarms if finding.explained_by is None), None)
    return frozenset(finding.name for finding in alarms if cause in (finding.name, finding.explained_by))
