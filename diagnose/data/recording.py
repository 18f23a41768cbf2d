"""The sound of a file: read as it is where that can be done, else taken out of it by ffmpeg."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from diagnose.data.audio import SUFFIXES, AudioError, header
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
