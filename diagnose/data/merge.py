"""Make one data set of several."""

from __future__ import annotations

import filecmp
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from diagnose.data.ljspeech import (
    Rejected,
    Row,
    described,
    folder_written_whole,
    identifier,
    names_for,
    put,
    usual_rate,
    write_lists,
)
from diagnose.data.manifest import Clip, read_clips
from diagnose.data.progress import track, workers
from diagnose.errors import DataError


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of it."""

    folder: Path
    clips: int
    minutes: float
    rate: int
    """Samples per second of every clip, Hz."""
    renamed: int
    """Clips whose id another set had before."""
    rejected: tuple[Rejected, ...]


def merge(sources: Sequence[Path], out: Path, *, rate: int | None = None, force: bool = False) -> Merged:
    """Copy data sets into one at `out`, all mono at `rate` Hz (None: what most clips have).

    A clip whose id is taken gets the name of its set before it. What has no readable recording, or is listed
    twice, is left out and listed in `rejected.txt`. Where only some sets name speakers, the clips of the others
    get the set's name. Raises DataError.
    """
    sets = {source: read_clips(source) for source in sources}
    if empty := [source for source, found in sets.items() if not found]:
        raise DataError(f"{empty[0]}: lists no clips")
    clips, repeated = _without_repeats(_with_speakers(sets))
    rate = rate or usual_rate(clips)
    names = _names(clips, sets)
    with folder_written_whole(out, force=force) as staging, workers() as pool:
        work = pool.map(lambda clip, name: put(clip, staging / "wavs", name, rate), clips, names)
        results = dict(zip(names, track(work, len(clips), "merging"), strict=True))
        taken = [(name, clip) for name, clip in zip(names, clips, strict=True) if isinstance(results[name], float)]
        rejected = (*repeated, *(result for result in results.values() if isinstance(result, Rejected)))
        if not taken:
            raise DataError(f"nothing could be taken; {described(rejected[0])}")
        rows = [Row(name, clip.text, clip.speaker) for name, clip in taken]
        write_lists(staging, {"metadata.csv": rows}, rejected)
    seconds = sum(result for result in results.values() if isinstance(result, float))
    renamed = sum(name != identifier(clip.id) for name, clip in taken)
    return Merged(out, len(rows), seconds / 60, rate, renamed, rejected)


def _with_speakers(sets: Mapping[Path, Sequence[Clip]]) -> Iterator[Clip]:
    """All clips; where some name their speaker, the others are taken to be spoken by the voice of their set."""
    some = any(clip.speaker for clips in sets.values() for clip in clips)
    for source, clips in sets.items():
        yield from (replace(clip, speaker=clip.speaker or identifier(source.stem)) if some else clip for clip in clips)


def _without_repeats(clips: Iterable[Clip]) -> tuple[list[Clip], list[Rejected]]:
    """The clips, and those that are there before: the same recording, or the same bytes under the same id and text."""
    recordings: set[Path] = set()
    first: dict[tuple[str, str], Clip] = {}
    kept, repeated = [], []
    for clip in clips:
        earlier = first.setdefault((clip.id, clip.text), clip)
        there = earlier is not clip and earlier.audio.is_file() and clip.audio.is_file()
        if clip.audio in recordings or (there and filecmp.cmp(earlier.audio, clip.audio, shallow=False)):
            before = f"{earlier.file}:{earlier.line}"
            repeated.append(Rejected(f"{clip.file}:{clip.line}", "listed before", clip.text, before))
        else:
            recordings.add(clip.audio)
            kept.append(clip)
    return kept, repeated


def _names(clips: Sequence[Clip], sets: Mapping[Path, Sequence[Clip]]) -> list[str]:
    """A name for each clip: its id, with the name of its set before it where an earlier set has the same."""
    home = {(clip.file, clip.line): source for source, members in sets.items() for clip in members}
    owner: dict[str, Path] = {}
    wanted = []
    for clip in clips:
        source = home[clip.file, clip.line]
        free = owner.setdefault(clip.id, source) == source
        wanted.append(clip if free else replace(clip, id=f"{source.stem}-{clip.id}"))
    return names_for(wanted)
