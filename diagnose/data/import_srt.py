"""Make a data set of subtitles and the recordings that they belong to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from diagnose.clean import plain
from diagnose.data import subtitles
from diagnose.data.audio import Sound, header, resample, write
from diagnose.data.ljspeech import RATE, Row, folder_written_whole, identifier, metadata
from diagnose.data.progress import track
from diagnose.data.recording import as_sound, beside
from diagnose.data.rejected import Rejected, described, listed
from diagnose.data.segments import USUAL, Bounds, Segment, apart, cut, reaches, sentences
from diagnose.data.subtitles import Cue
from diagnose.errors import DataError


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of it."""

    folder: Path
    clips: int
    minutes: float
    rejected: tuple[Rejected, ...]
    encodings: tuple[tuple[Path, str], ...]
    """Subtitle file and the encoding that was detected."""


def import_srt(
    files: Sequence[Path],
    out: Path,
    *,
    recording: Path | None = None,
    bounds: Bounds = USUAL,
    encoding: str | None = None,
    rate: int = RATE,
    force: bool = False,
) -> Imported:
    """Cut recordings at their subtitles into a data set, and list what was rejected in `rejected.txt`.

    The recording of each file is beside it under the same name, unless `recording` names it.
    Raises DataError where a file cannot be read, or nothing at all could be taken; then nothing is written.
    """
    if recording and len(files) != 1:
        raise DataError("one recording belongs to one subtitle file; import them one by one, then merge")
    pairs = [(file, recording or beside(file)) for file in files]
    with folder_written_whole(out, force=force) as staging:
        (staging / "wavs").mkdir()
        writer = partial(_write, staging / "wavs", rate)
        takes = [
            _take(file, sound, prefix, bounds, encoding, writer)
            for (file, sound), prefix in zip(pairs, _prefixes(files), strict=True)
        ]
        rows = [row for take in takes for row in take.rows]
        rejected = tuple(each for take in takes for each in take.rejected)
        if not rows:
            raise DataError(f"{files[0]}: nothing could be taken; {described(rejected[0])}")
        (staging / "metadata.csv").write_text(metadata(rows), encoding="utf-8", newline="\n")
        (staging / "rejected.txt").write_text(listed(rejected), encoding="utf-8", newline="\n")
    seconds = sum(take.seconds for take in takes)
    return Imported(out, len(rows), seconds / 60, rejected, tuple((take.file, take.encoding) for take in takes))


@dataclass(frozen=True, slots=True)
class _Take:
    """What one subtitle file gave."""

    file: Path
    encoding: str
    rows: list[Row]
    seconds: float
    rejected: list[Rejected]


def _take(
    file: Path,
    recording: Path,
    prefix: str,
    bounds: Bounds,
    encoding: str | None,
    write_clip: Callable[[Row, Sound], None],
) -> _Take:
    found = subtitles.read(file, encoding)
    rows: list[Row] = []
    rejected = list(found.rejected)
    seconds = 0.0
    for segment, result in _segments(file, recording, found.cues, bounds, rejected):
        row = Row(f"{prefix}-{len(rows) + 1:04d}", segment.text, segment.speaker)
        write_clip(row, result)
        rows.append(row)
        seconds += result.seconds
    return _Take(
        file, found.encoding, rows, seconds, sorted(rejected, key=lambda each: int(each.where.rpartition(":")[2]))
    )


def _segments(
    file: Path, recording: Path, cues: Sequence[Cue], bounds: Bounds, rejected: list[Rejected]
) -> Iterator[tuple[Segment, Sound]]:
    """The sentences that could be cut out; the others are added to `rejected`."""
    short = [cue for cue in cues if cue.end - cue.start <= bounds.longest]
    long = [cue for cue in cues if cue.end - cue.start > bounds.longest]
    rejected += [_refused(file, cue, f"longer than {bounds.longest:g} s") for cue in long]
    kept, talked_over = apart(short)
    rejected += [_refused(file, cue, "overlaps another subtitle") for cue in talked_over]
    joined = sentences(kept, bounds.longest)
    with as_sound(recording) as sound:
        found = header(sound)
        spans = zip(joined, reaches(joined, [*kept, *talked_over], found.seconds), strict=True)
        for segment, span in track(spans, len(joined), f"cutting {plain(recording.name)}"):
            result = cut(sound, found, segment, span, bounds, str(file))
            if isinstance(result, Sound):
                yield segment, result
            else:
                rejected.append(result)


def _write(folder: Path, rate: int, row: Row, sound: Sound) -> None:
    write(folder / f"{row.id}.wav", resample(sound, rate))


def _refused(file: Path, cue: Cue, reason: str) -> Rejected:
    return Rejected(f"{file}:{cue.line}", reason, cue.text, f"{cue.start:.2f} to {cue.end:.2f} s")


def _prefixes(files: Sequence[Path]) -> list[str]:
    """A beginning for the ids of each file's clips: its name, and its number before it where two are alike."""
    names = [identifier(file.stem) for file in files]
    return names if len(set(names)) == len(names) else [f"{number}-{name}" for number, name in enumerate(names, 1)]
