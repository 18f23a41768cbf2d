"""A data set as it is on disk: its clips, each of them opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from diagnose.data.manifest import Clip, Split, read_clips, read_splits
from diagnose.data.progress import workers
from diagnose.data.speech import ClipAudio, inspect
from diagnose.errors import DataError

Track = Callable[[Iterable[ClipAudio], int], Iterable[ClipAudio]]


@dataclass(frozen=True, eq=False)
class Survey:
    """What a data set holds."""

    source: str
    recordings: tuple[ClipAudio, ...]
    """In the order of the list."""
    parts: Mapping[Split, Sequence[Clip]]
    """The clips of each split that has a list of its own."""
    alphabet: frozenset[str] | None = None
    """The characters that the model's tokenizer knows; None: not known."""

    @property
    def clips(self) -> int:
        """Clips in the list."""
        return len(self.recordings)

    @cached_property
    def durations(self) -> npt.NDArray[np.float64]:
        """Shape (n,), seconds of every clip that could be opened, in the order of the list."""
        return np.array([one.seconds for one in self.recordings if one.header], dtype=np.float64)

    @property
    def minutes(self) -> float:
        """Audio in all clips that could be opened."""
        return float(self.durations.sum() / 60)

    @property
    def rates(self) -> Mapping[int, int]:
        """Sample rate in Hz -> clips."""
        return Counter(one.header.rate for one in self.recordings if one.header)

    @property
    def speakers(self) -> Mapping[str, int]:
        """Speaker -> clips; empty where the list names none."""
        return Counter(one.clip.speaker for one in self.recordings if one.clip.speaker)

    @cached_property
    def characters(self) -> Mapping[str, int]:
        """Character of the texts -> how often it occurs, most frequent first."""
        return dict(Counter(letter for one in self.recordings for letter in one.clip.text).most_common())

    @property
    def splits(self) -> Mapping[Split, int]:
        """Clips of each split that has a list of its own."""
        return {split: len(part) for split, part in self.parts.items()}


def survey(place: Path, *, alphabet: Collection[str] | None = None, track: Track | None = None) -> Survey:
    """Read the lists of a data set (a folder, or one list) and open every clip.

    `alphabet` holds the characters that the model's tokenizer knows. `track` is handed the clips as they are
    inspected, and their number. Raises DataError where there is no list, or an empty one.
    """
    clips = read_clips(place)
    if not clips:
        raise DataError(f"{place}: lists no clips; write a line `id|text` for each recording")
    known = None if alphabet is None else frozenset(alphabet)
    with workers() as pool:
        found: Iterable[ClipAudio] = pool.map(inspect, clips)
        recordings = tuple(track(found, len(clips)) if track else found)
    return Survey(str(place), recordings, read_splits(place), known)
