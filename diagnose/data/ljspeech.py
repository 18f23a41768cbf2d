"""Write the common layout of a data set: `metadata.csv` with `id|text|text`, and `wavs/<id>.wav`."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from diagnose.metadata import DataError

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
    lines = []
    for row in rows:
        text = _BREAKS.sub(" ", row.text).strip()
        columns = [row.id, text, text]
        lines.append("|".join([*columns, _BREAKS.sub("_", row.speaker or "unknown")] if speakers else columns))
    return "".join(f"{line}\n" for line in lines)


def identifier(name: str) -> str:
    """A name for a clip that is safe as a file name and in a list: letters, digits, `-`, `_`, `.`, `+`."""
    return _UNSAFE.sub("_", name).strip("._")[:80] or "clip"


@contextmanager
def folder_written_whole(folder: Path, *, force: bool = False) -> Iterator[Path]:
    """A temporary folder that takes the name `folder` when the block ends, and vanishes when it fails.

    An existing data set is replaced only with `force`, and only once the new one is complete; a folder
    that holds anything else is never replaced. Raises DataError.
    """
    refuse_to_overwrite(folder, force=force)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise DataError(f"{folder}: cannot be written ({error.strerror})") from error
    try:
        yield staging
        staging.chmod(0o755)
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
    if not any(folder.iterdir()):
        return
    if not force:
        raise DataError(f"{folder}: already there; choose another folder, or replace it with --force")
    foreign = sorted(entry.name for entry in folder.iterdir() if not _ours(entry))
    if foreign:
        raise DataError(f"{folder}: holds {foreign[0]!r} and is more than a data set; choose another folder")


def write_text(path: Path, text: str, *, force: bool = False) -> None:
    """Write a file whole or not at all. Raises DataError where one is there and `force` is not given."""
    if path.exists() and not force:
        raise DataError(f"{path}: already there; replace it with --force")
    staging = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with staging.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        staging.replace(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        staging.unlink(missing_ok=True)


def _ours(entry: Path) -> bool:
    """Whether `entry` is part of a data set as this module writes it."""
    if entry.name == "wavs":
        return entry.is_dir()
    return entry.is_file() and (entry.name.startswith("metadata") or entry.name == "rejected.txt")


def _take_the_place(staging: Path, folder: Path) -> None:
    """Rename `staging` to `folder`; what stood there goes only after that."""
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
