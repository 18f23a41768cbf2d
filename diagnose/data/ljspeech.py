"""Write the common layout of a data set: `metadata.csv` with `id|text|text`, and `wavs/<id>.wav`."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from diagnose.clean import plain
from diagnose.data.audio import AudioError, header, read, resample, write
from diagnose.data.manifest import Clip
from diagnose.errors import DataError
from diagnose.files import write_whole


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something that was not taken, and why."""

    where: str
    """`file:line`."""
    reason: str
    """The same words for the same reason, so that they can be counted."""
    text: str
    """What was lost. Text from the data, not yet neutralised."""
    detail: str = ""
    """The numbers behind the reason."""


def described(each: Rejected) -> str:
    """`file:line: reason (detail)`."""
    return plain(f"{each.where}: {each.reason}" + (f" ({each.detail})" if each.detail else ""))


def reasons(rejected: Iterable[Rejected]) -> dict[str, int]:
    """Reason -> how many were rejected for it, most frequent first."""
    return dict(Counter(each.reason for each in rejected).most_common())


RATE = 22_050
"""Samples per second of what is made here, Hz: LJSpeech's own."""

_UNSAFE = re.compile(r"[^\w.+-]+")
_BREAKS = re.compile(r"[|\s\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a metadata file."""

    id: str
    text: str
    speaker: str | None = None


def metadata(rows: Iterable[Row]) -> str:
    """The text of a metadata file: `id|text|text`, and `|speaker` behind where any is known."""
    rows = list(rows)
    speakers = any(row.speaker for row in rows)
    found = [(row.id, *[_BREAKS.sub(" ", row.text).strip()] * 2, row.speaker or "unknown") for row in rows]
    lines = ("|".join([*columns, _BREAKS.sub("_", speaker)] if speakers else columns) for *columns, speaker in found)
    return "".join(f"{line}\n" for line in lines)


def write_lists(folder: Path, lists: Mapping[str, Iterable[Row]], rejected: Iterable[Rejected] | None = None) -> None:
    """Write each list under its name, and what was not taken to `rejected.txt`."""
    texts = {name: metadata(rows) for name, rows in lists.items()}
    if rejected is not None:
        texts["rejected.txt"] = "".join(f"{described(each)}: {plain(each.text)}\n" for each in rejected)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def identifier(name: str) -> str:
    """A name for a clip that is safe as a file name and in a list: letters, digits, `-`, `_`, `.`, `+`."""
    return _UNSAFE.sub("_", name).strip("._")[:80] or "clip"


@contextmanager
def folder_written_whole(folder: Path, *, force: bool = False) -> Iterator[Path]:
    """A temporary folder with `wavs/` that takes the name `folder` when the block ends, and vanishes when it fails.

    An existing data set is replaced only with `force`, and only once the new one is complete; a folder
    that holds anything else is never replaced. Raises DataError.
    """
    folder = folder.resolve()
    refuse_to_overwrite(folder, force=force)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise DataError(f"{folder}: cannot be written ({error.strerror})") from error
    try:
        (staging / "wavs").mkdir()
        yield staging
        staging.chmod(0o755)
        for path in filter(Path.is_file, staging.rglob("*")):  # so that a power failure after the rename costs nothing
            with path.open("rb") as file:
                os.fsync(file.fileno())
        _take_the_place(staging, folder)
    except OSError as error:
        raise DataError(f"{folder}: cannot be written ({error.strerror or error}); nothing was changed") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def refuse_to_overwrite(folder: Path, *, force: bool) -> None:
    """Raise DataError where `folder` holds something that may not be replaced."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise DataError(f"{folder}: is a file; name a folder")
    if Path.cwd().is_relative_to(folder):
        raise DataError(f"{folder}: is where you are; name a folder in it")
    if not any(folder.iterdir()):
        return
    if not force:
        raise DataError(f"{folder}: already there; choose another folder, or replace it with --force")
    foreign = sorted(entry.name for entry in folder.iterdir() if not _ours(entry))
    if foreign:
        raise DataError(f"{folder}: holds {foreign[0]!r} and is more than a data set; choose another folder")


def write_files(contents: Mapping[Path, bytes], *, force: bool = False) -> None:
    """Write files, each whole; none where one of them is there already, unless `force`. Raises DataError."""
    there = [path for path in contents if path.exists()]
    if there and not force:
        raise DataError(f"{there[0]}: already there; replace it with --force")
    try:
        for path, content in contents.items():
            write_whole(path, content)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror})") from error


def usual_rate(clips: Iterable[Clip]) -> int:
    """The sample rate that most of the clips have, Hz; LJSpeech's own where none can be read."""
    rates: Counter[int] = Counter()
    for clip in clips:
        with suppress(AudioError):
            rates[header(clip.audio).rate] += 1
    return rates.most_common(1)[0][0] if rates else RATE


def put(clip: Clip, folder: Path, name: str, rate: int) -> float | Rejected:
    """Put a clip's recording into `folder` as `name`.wav, mono at `rate` Hz: its seconds, or why it cannot be."""
    where = f"{clip.file}:{clip.line}"
    if not clip.audio.is_file():
        return Rejected(where, "no recording", clip.text, str(clip.audio))
    try:
        found = header(clip.audio)
        if found.plain and found.rate == rate:
            shutil.copyfile(clip.audio, folder / f"{name}.wav")
        else:
            write(folder / f"{name}.wav", resample(read(clip.audio), rate))
    except AudioError as error:
        return Rejected(where, "unreadable recording", clip.text, str(error))
    return found.seconds


def names_for(clips: Iterable[Clip]) -> list[str]:
    """A safe name for each clip, its own id where that is not taken by an earlier one.

    Names that differ only in case are one file on some systems, and count as taken.
    """
    found: dict[str, str] = {}
    for clip in clips:
        name = identifier(clip.id)
        tries = (name if number == 1 else f"{name}-{number}" for number in count(1))
        free = next(each for each in tries if each.casefold() not in found)
        found[free.casefold()] = free
    return list(found.values())


def _ours(entry: Path) -> bool:
    """Whether `entry` is part of a data set as this module writes it."""
    if entry.name == "wavs":
        return entry.is_dir()
    return entry.is_file() and (entry.name.startswith("metadata") or entry.name == "rejected.txt")


def _take_the_place(staging: Path, folder: Path) -> None:
    """Rename `staging` to `folder`; what was there goes only after that."""
    if not folder.exists():
        staging.replace(folder)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.old.", dir=folder.parent))
    folder.replace(old)
    try:
        staging.replace(folder)
    except OSError:
        old.replace(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
