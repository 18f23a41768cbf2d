"""Many runs: found below folders, judged one by one or in a pool of processes, worst first."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import partial
from itertools import chain

from diagnose.checks import every_check
from diagnose.checks.base import Check
from diagnose.engine import examine
from diagnose.errors import UNFORESEEN, ConfigError, LogError, unforeseen
from diagnose.facts import Hints
from diagnose.finding import Diagnosis
from diagnose.gather import facts_of_run
from diagnose.readers import discover, read_source
from diagnose.readers.sources import Source

Progress = Callable[[int, int], None]
"""Called with how many runs of how many are judged."""

Judge = Callable[[Source], Diagnosis | str]

# A pool is not worth starting for fewer runs. Source: our choice: it takes as long as judging a few of them.
WORTH_A_POOL = 16


@dataclass(frozen=True, slots=True)
class Fleet:
    """What became of many runs."""

    diagnoses: tuple[Diagnosis, ...]
    """Worst first."""
    refused: tuple[str, ...]
    """One line on each run that could not be read."""
    passed_over: tuple[str, ...] = ()
    """One line on what was left out on purpose."""


def find(paths: Iterable[str], *, match: str | None = None, since: float | None = None) -> list[Source]:
    """The runs below `paths` whose names `match` a shell pattern and that were written to after `since`.

    `since`: seconds since 1970. A path that holds no log is a source with the reason, where there are others.
    Raises LogError where there is none, and where none is left.
    """
    paths = list(paths)
    found = list(chain.from_iterable(_discovered(path, alone=len(paths) == 1) for path in paths))
    wanted = [source for source in found if source.reason or match is None or fnmatch(source.label, match)]
    wanted = [source for source in wanted if source.reason or since is None or source.written >= since]
    if all(source.reason for source in wanted) and not all(source.reason for source in found):
        asked = " and ".join(name for name, given in (("--match", match), ("--since", since)) if given is not None)
        raise LogError(f"{', '.join(paths)}: no run of {len(found)} fits {asked}")
    return wanted


def _discovered(path: str, *, alone: bool) -> list[Source]:
    try:
        return discover(path)
    except LogError as error:
        if alone:
            raise
        return [Source(path, reason=str(error))]


def judge_all(
    sources: list[Source],
    hints: Hints,
    *,
    checks: tuple[Check, ...] | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Fleet:
    """Judge each source, in `jobs` processes. Raises LogError, in one line, where none can be read.

    What comes back from a process holds the curves that play a role or that a finding names, no others.
    """
    diagnoses: list[Diagnosis] = []
    refused: list[str] = []
    reasons: list[str] = []
    passed_over = [source.reason for source in sources if source.reason and not source.asked]
    sources = [source for source in sources if not source.reason or source.asked]
    outcomes = _outcomes(sources, partial(_judge, hints, checks), jobs)
    for done, (source, outcome) in enumerate(zip(sources, outcomes, strict=True), 1):
        if isinstance(outcome, Diagnosis):
            diagnoses.append(outcome)
        elif source.asked or len(sources) == 1 or "no curve is called" in outcome or outcome.endswith(UNFORESEEN):
            refused.append(outcome)
        else:
            reasons.append(outcome)
        if progress is not None:
            progress(done, len(sources))
    if not diagnoses:
        nothing = f"{sources[0].name}: no training log in it or beside it"
        named = (reason for reason in reasons if "no curve is called" in reason)
        raise LogError(refused[0] if refused else next(named, nothing))
    return Fleet(tuple(sorted(diagnoses, key=badness, reverse=True)), tuple(refused), tuple(passed_over))


def _outcomes(sources: list[Source], judge: Judge, jobs: int) -> Iterator[Diagnosis | str]:
    """In the order of the sources, a diagnosis or why there is none."""
    jobs = min(jobs, len(sources))
    if jobs < 2 or len(sources) < WORTH_A_POOL:
        yield from map(judge, sources)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import active_children, get_context

    every_check()  # loaded once, before the processes part
    # A fork starts in no time, but must not copy a process in which other threads hold locks.
    forks = hasattr(os, "fork") and threading.active_count() == 1
    others = {child.pid for child in active_children()}
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork" if forks else "spawn")) as pool:
        try:
            yield from pool.map(partial(_lightly, judge), sources, chunksize=max(1, len(sources) // (8 * jobs)))
        except BaseException:
            for child in active_children():  # a pool that was interrupted while it started leaves them to wait for ever
                if child.pid not in others:
                    child.terminate()
            pool.shutdown(cancel_futures=True)
            raise


def _judge(hints: Hints, checks: tuple[Check, ...] | None, source: Source) -> Diagnosis | str:
    try:
        named = hints.train_tag is not None or hints.val_tag is not None
        source = replace(source, tag_named=named, columns=hints.columns)
        return examine(facts_of_run(read_source(source), hints), checks=checks)
    except LogError as error:
        return str(error)
    except ConfigError:  # of the config that the user named: it is wrong for every run
        raise
    except Exception as error:  # one strange run must not hide the others
        return f"{source.name}: {unforeseen(error)}"


def _lightly(judge: Judge, source: Source) -> Diagnosis | str:
    """The same, without what would be costly to send to another process: curves that no report shows."""
    outcome = judge(source)
    if isinstance(outcome, str):
        return outcome
    named = {finding.metric for finding in outcome.findings}
    curves = {tag: curve for tag, curve in outcome.run.curves.items() if curve.role or tag in named}
    light = {tag: replace(curve, wall_times=None) for tag, curve in curves.items()}
    run = replace(outcome.run, curves=light, attachments=())
    return replace(outcome, facts=replace(outcome.facts, run=run))


def badness(diagnosis: Diagnosis) -> tuple[int, int, int]:
    """Orders runs: by the worst alarming finding, its confidence, and how many there are."""
    alarming = [finding for finding in diagnosis.findings if finding.alarming]
    worst = max(((finding.severity.rank, finding.confidence.rank) for finding in alarming), default=(0, 0))
    return (*worst, len(alarming))
