"""Judge the runs below many folders on all machines of a Ray cluster, the worst first.

    python examples/fleet/on_ray.py s3://bucket/runs /mnt/team/*/logs

`diagnose.readers.discover` lists the runs here, cheaply; each is then read and judged where Ray finds room, and only
the judgement comes back. `diagnose.analyze` is a pure function of its path, so that any other pool (Dask,
multiprocessing, a batch system) can map it just so. Every machine must see the paths: a shared disk or an address.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import ray

import diagnose
from diagnose.readers import discover

AT_ONCE = 10_000
"""Runs handed to Ray before the first results are awaited: enough for every core, few enough for its memory."""


@dataclass(frozen=True)
class Judgement:
    """What is sent back of one run: some hundred bytes, not its curves."""

    run: str
    verdict: str
    findings: tuple[str, ...]
    alarming: int


def judge(path: str) -> list[Judgement]:
    """The judgement of the run at a path; nothing where there is no log after all."""
    try:
        diagnoses = diagnose.analyze(path)
    except diagnose.LogError as error:
        return [Judgement(path, "unreadable", (str(error),), 0)]
    return [
        Judgement(
            path,
            found.verdict.value,
            tuple(finding.message for finding in found.findings if finding.alarming),
            sum(finding.alarming for finding in found.findings),
        )
        for found in diagnoses
    ]


def judge_all(folders: list[str]) -> list[Judgement]:
    """All judgements, the worst first."""
    found = [judgement for some in _results(folders) for judgement in some]
    return sorted(found, key=lambda judgement: (judgement.verdict != "unhealthy", -judgement.alarming, judgement.run))


def _results(folders: list[str]) -> Iterator[list[Judgement]]:
    remote_judge = ray.remote(judge)
    waiting = []
    for source in (source for folder in folders for source in discover(folder)):
        waiting.append(remote_judge.remote(source.name))
        if len(waiting) == AT_ONCE:
            done, waiting = ray.wait(waiting, num_returns=AT_ONCE // 2)
            yield from ray.get(done)
    yield from ray.get(waiting)


def main() -> int:
    """Print one line a run; 1 where any is unhealthy."""
    ray.init(log_to_driver=False)
    found = judge_all(sys.argv[1:])
    for judgement in found:
        print(f"{judgement.verdict:12} {judgement.run}  {' '.join(judgement.findings[:1])}")
    return int(any(judgement.verdict == "unhealthy" for judgement in found))


if __name__ == "__main__":
    raise SystemExit(main())
