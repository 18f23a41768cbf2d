"""More clips of the ones there are: louder or softer, noisier, faster or slower, higher or lower."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path

import numpy as np

from diagnose.data import effects
from diagnose.data.audio import Sound, read, write
from diagnose.data.choices import HARMLESS, Change
from diagnose.data.ljspeech import (
    Rejected,
    Row,
    described,
    folder_written_whole,
    names_for,
    put,
    usual_rate,
    write_lists,
)
from diagnose.data.manifest import Clip, Split, read_clips, read_splits
from diagnose.data.progress import track, workers
from diagnose.errors import DataError


@dataclass(frozen=True, slots=True)
class Augmented:
    """What was made."""

    folder: Path
    originals: int
    made: int
    minutes: float
    """Audio in the new data set, originals included."""
    rejected: tuple[Rejected, ...]


def augment(
    source: Path,
    out: Path,
    *,
    changes: Sequence[Change] = HARMLESS,
    copies: int = 1,
    seed: int = 0,
    force: bool = False,
) -> Augmented:
    """Copy a data set to `out` with `copies` changed clips for each one, whose ids end in `+speed1` and the like.

    Where `source` has lists of splits, only training clips are changed. The same `seed` gives the same
    bytes. Raises DataError.
    """
    clips = [clip for clip in read_clips(source) if not clip.is_copy]
    parts = read_splits(source)
    trained = {clip.audio for clip in parts.get(Split.TRAIN, clips)}
    names = names_for(clips)
    wanted = [
        _drawn(name, changes, copies, seed) if clip.audio in trained else ()
        for clip, name in zip(clips, names, strict=True)
    ]
    rate = usual_rate(clips)
    with folder_written_whole(out, force=force) as staging, workers() as pool:
        work = pool.map(partial(_perform, staging / "wavs", rate), clips, names, wanted)
        results = list(track(work, len(clips), "augmenting"))
        done = [result for result in results if isinstance(result, _Done)]
        rejected = tuple(result for result in results if isinstance(result, Rejected))
        if not done:
            raise DataError(f"{source}: nothing could be taken" + (f"; {described(rejected[0])}" if rejected else ""))
        lists = {"metadata.csv": [row for each in done for row in each.rows]}
        for split, part in parts.items():
            members = {clip.audio for clip in part}
            rows = [row for each in done if each.clip.audio in members for row in each.rows]
            lists[f"metadata_{split.value}.csv"] = rows
        write_lists(staging, lists, rejected)
    made = sum(len(each.rows) - 1 for each in done)
    return Augmented(out, len(done), made, sum(each.seconds for each in done) / 60, rejected)


@dataclass(frozen=True, slots=True)
class _Done:
    """A clip and its copies as they lie in the new data set."""

    clip: Clip
    rows: tuple[Row, ...]
    seconds: float


def _drawn(name: str, changes: Sequence[Change], copies: int, seed: int) -> tuple[tuple[str, Change, int], ...]:
    """Name, change and seed of each copy: the changes in turn, from a beginning that the clip's name decides."""
    digest = blake2b(f"{seed}\0{name}".encode(), digest_size=8).digest()
    first = int.from_bytes(digest, "big")
    turns = [(changes[(first + number) % len(changes)], first + number) for number in range(copies)]
    return tuple((f"{name}+{change.value}{number}", change, seed) for number, (change, seed) in enumerate(turns, 1))


def _perform(
    folder: Path, rate: int, clip: Clip, own: str, copies: Sequence[tuple[str, Change, int]]
) -> _Done | Rejected:
    """Put a clip under its `own` name into the folder, and the changed copies that are wanted of it."""
    seconds = put(clip, folder, own, rate)
    if isinstance(seconds, Rejected):
        return seconds
    rows = [Row(own, clip.text, clip.speaker)]
    for name, change, seed in copies:
        sound = changed(read(folder / f"{own}.wav"), change, np.random.default_rng(seed))
        write(folder / f"{name}.wav", sound)
        rows.append(Row(name, clip.text, clip.speaker))
        seconds += sound.seconds
    return _Done(clip, tuple(rows), seconds)


def changed(sound: Sound, change: Change, rng: np.random.Generator) -> Sound:
    """The sound with a change of random strength and direction."""
    strength, sign = rng.uniform(0.5, 1.0), rng.choice([-1.0, 1.0])
    if change is Change.GAIN:
        return effects.gain(sound, 6.0 * strength * sign)
    if change is Change.NOISE:
        return effects.noise(sound, 55.0 - 30.0 * strength, rng)
    if change is Change.SPEED:
        return effects.speed(sound, 1.0 + 0.1 * strength * sign)
    return effects.pitch(sound, strength * sign)
