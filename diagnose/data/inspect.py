"""A data set as it lies on disk: how large it is, and what is wrong with it before anyone trains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from diagnose.data.faults import Heard, Problem, faults_of, hear, overlap, overlaps
from diagnose.data.manifest import Clip, Split, read_clips, samples_of, split_lists
from diagnose.errors import DataError
from diagnose.finding import Confidence, Evidence, Finding, Severity
from diagnose.parallel import workers

__all__ = ["DataError", "Problem", "Survey", "findings", "overlap", "samples_of", "survey"]

Track = Callable[[Iterable[Heard], int], Iterable[Heard]]


@dataclass(frozen=True, eq=False)
class Survey:
    """What a data set holds and what is wrong with it."""

    source: str
    clips: int
    durations: npt.NDArray[np.float64]
    """Shape (n,), seconds of every clip that could be opened, in the order of the list."""
    rates: Mapping[int, int]
    """Sample rate in Hz -> clips."""
    speakers: Mapping[str, int]
    """Speaker -> clips; empty where the list names none."""
    characters: Mapping[str, int]
    """Character of the texts -> how often it occurs, most frequent first."""
    splits: Mapping[Split, int]
    """Clips of each split that has a list of its own."""
    problems: tuple[Problem, ...]
    """Worst first."""

    @property
    def minutes(self) -> float:
        """Audio in all clips that could be opened."""
        return float(self.durations.sum() / 60)


def survey(place: Path, *, alphabet: Collection[str] | None = None, track: Track | None = None) -> Survey:
    """Read the lists of a data set (a folder, or one list) and hear every clip.

    `alphabet` holds the characters that the model's tokenizer knows; without it, only characters that no
    tokenizer can want are reported. `track` is handed the clips as they are heard, and their number.
    Raises DataError where there is no list, or an empty one.
    """
    clips = read_clips(place)
    if not clips:
        raise DataError(f"{place}: lists no clips; write a line `id|text` for each recording")
    heard = list(_listen(clips, track))
    opened = [one.header for one in heard if one.header]
    parts = _parts(place)
    problems = [*faults_of(heard, alphabet), *overlaps(parts)]
    return Survey(
        source=str(place),
        clips=len(clips),
        durations=np.array([header.seconds for header in opened], dtype=np.float64),
        rates=Counter(header.rate for header in opened),
        speakers=Counter(clip.speaker for clip in clips if clip.speaker),
        characters=dict(Counter(letter for clip in clips for letter in clip.text).most_common()),
        splits={split: len(part) for split, part in parts.items()},
        problems=tuple(sorted(problems, key=lambda problem: (-problem.severity.rank, -problem.count))),
    )


def findings(found: Survey) -> list[Finding]:
    """The problems that deserve a warning, as findings; their evidence counts the clips."""
    return [_finding(problem, found.clips) for problem in found.problems if problem.severity is not Severity.INFO]


def _finding(problem: Problem, clips: int) -> Finding:
    return Finding(
        problem.code,
        problem.name,
        problem.severity,
        Confidence.HIGH,
        "dataset",
        "; ".join([problem.message, *problem.examples]),
        evidence=(Evidence(problem.name.replace("-", "_"), problem.count), Evidence("clips", clips)),
        advice=problem.advice,
    )


def _listen(clips: Sequence[Clip], track: Track | None) -> Iterator[Heard]:
    with workers() as pool:
        heard: Iterable[Heard] = pool.map(hear, clips)
        yield from track(heard, len(clips)) if track else heard


def _parts(place: Path) -> dict[Split, list[Clip]]:
    lists = split_lists(place) if place.is_dir() else {}
    return {split: read_clips(path) for split, path in lists.items()}
