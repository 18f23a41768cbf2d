"""Make a data set of subtitles and the recordings that they belong to."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from diagnose.clean import plain
from diagnose.data import subtitles
from diagnose.data.audio import SUFFIXES, AudioError, Sound, header, resample, write
from diagnose.data.ljspeech import RATE, Rejected, Row, described, folder_written_whole, identifier, write_lists
from diagnose.data.progress import track
from diagnose.data.segments import USUAL, Bounds, Segment, apart, cut, reaches, sentences
from diagnose.data.subtitles import Cue
from diagnose.errors import DataError

VIDEO_SUFFIXES = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4a", ".aac", ".wma", ".ts", ".flv", ".3gp")


def beside(subtitles: Path) -> Path:
    """The recording of the same name as a subtitle file (`talk.srt` or `talk.am.srt`: `talk.wav`, `talk.mp4`, ...).

    Raises DataError where there is none.
    """
    stems = list(dict.fromkeys([subtitles.stem, subtitles.stem.rpartition(".")[0] or subtitles.stem]))
    for stem in stems:
        for suffix in (*SUFFIXES, *VIDEO_SUFFIXES):
            if (subtitles.parent / (stem + suffix)).is_file():
                return subtitles.parent / (stem + suffix)
    raise DataError(
        f"{subtitles}: no recording called {stems[-1]}.wav, .mp3, .mp4, ... beside it; name it with --audio"
    )


@contextmanager
def as_sound(path: Path) -> Iterator[Path]:
    """A sound file that can be read piece by piece: `path` itself, or a wav made of it for as long as needed.

    Raises DataError where it has no sound, or is a video and ffmpeg is not there.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    try:
        header(path)
    except AudioError as error:
        with TemporaryDirectory() as folder:
            yield _extracted(path, Path(folder, "sound.wav"), error)
    else:
        yield path


def _extracted(path: Path, target: Path, why: AudioError) -> Path:
    program = shutil.which("ffmpeg")
    if program is None:
        raise DataError(f"{why}; with ffmpeg on this machine videos and all other sound can be read as well")
    # `file:` and the whitelist: a playlist in disguise must not make ffmpeg fetch anything.
    command = [program, "-nostdin", "-loglevel", "error", "-protocol_whitelist", "file", "-i", f"file:{path.resolve()}"]
    command += ["-vn", "-ac", "1", "-c:a", "pcm_s16le", str(target)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode or not target.is_file():
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise DataError(f"{path}: ffmpeg finds no sound in it" + (f" ({lines[-1]})" if lines else ""))
    return target


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
    prefixes = [identifier(file.stem) for file in files]
    if len(set(prefixes)) < len(prefixes):
        prefixes = [f"{number}-{name}" for number, name in enumerate(prefixes, 1)]
    pairs = [(file, recording or beside(file)) for file in files]
    with folder_written_whole(out, force=force) as staging:
        takes = [
            _take(file, sound, prefix, bounds, encoding, staging / "wavs", rate)
            for (file, sound), prefix in zip(pairs, prefixes, strict=True)
        ]
        rows = [row for take in takes for row in take.rows]
        rejected = tuple(each for take in takes for each in take.rejected)
        if not rows:
            raise DataError(f"{files[0]}: nothing could be taken; {described(rejected[0])}")
        write_lists(staging, {"metadata.csv": rows}, rejected)
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
    file: Path, recording: Path, prefix: str, bounds: Bounds, encoding: str | None, folder: Path, rate: int
) -> _Take:
    found = subtitles.read(file, encoding)
    rows: list[Row] = []
    rejected = list(found.rejected)
    seconds = 0.0
    for segment, result in _segments(file, recording, found.cues, bounds, rejected):
        row = Row(f"{prefix}-{len(rows) + 1:04d}", segment.text, segment.speaker)
        write(folder / f"{row.id}.wav", resample(result, rate))
        rows.append(row)
        seconds += result.seconds
    rejected.sort(key=lambda each: int(each.where.rpartition(":")[2]))
    return _Take(file, found.encoding, rows, seconds, rejected)


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


def _refused(file: Path, cue: Cue, reason: str) -> Rejected:
    return Rejected(f"{file}:{cue.line}", reason, cue.text, f"{cue.start:.2f} to {cue.end:.2f} s")
