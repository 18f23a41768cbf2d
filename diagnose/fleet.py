"""Many runs: judged one by one or in a pool of processes, worst first."""

from __future__ import annotations

from collections.abc import Iterable

from diagnose.case import Known, judge
from diagnose.finding import Diagnosis
from diagnose.readers import runs


def diagnose_all(paths: Iterable[str], known: Known, *, jobs: int = 1) -> list[Diagnosis]:
    """The diagnoses of every run below `paths`, worst first. Raises LogError where nothing can be read."""
    found = [judge(run, known) for path in paths for run in runs(path)]
    return sorted(found, key=sickness, reverse=True)


def sickness(diagnosis: Diagnosis) -> tuple[int, int, int]:
    """Orders runs: by the worst alarming finding, its confidence, and how many there are."""
    alarming = [finding for finding in diagnosis.findings if finding.alarming]
    worst = max(((finding.severity.rank, finding.confidence.rank) for finding in alarming), default=(0, 0))
    return (*worst, len(alarming))
