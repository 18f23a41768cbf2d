"""The lists by which data sets name their clips: LJSpeech's `metadata.csv`, file lists, JSON manifests."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import Any

from diagnose.data.audio import SUFFIXES as AUDIO_SUFFIXES
from diagnose.errors import DataError

LIST_SUFFIXES = (".csv", ".tsv", ".txt", ".list", ".lst", ".jsonl", ".json")
MOST_FOLDERS = 10_000
"""Folders that are looked into for recordings: more is no data set, but somebody's disk."""
LARGEST_ARRAY = 64 * 1024 * 1024
"""Bytes: a JSON array has to be parsed whole to be counted, so larger ones are left alone."""


class Split(str, Enum):
    """What a part of the data is for."""

    TRAIN = "train"
    VALIDATION = "val"
    TEST = "test"


# The words by which file names show the split (`metadata_train.csv`, `ljs_audio_text_val_filelist.txt`, `dev.tsv`).
SPLIT_WORDS = {
    "train": Split.TRAIN,
    "training": Split.TRAIN,
    "val": Split.VALIDATION,
    "valid": Split.VALIDATION,
    "validation": Split.VALIDATION,
    "dev": Split.VALIDATION,
    "eval": Split.VALIDATION,
    "test": Split.TEST,
}
# Names of columns in lists that have a heading (Coqui, F5-TTS, Common Voice, Hugging Face, NeMo).
AUDIO_NAMES = ("audio_file", "file_name", "audio_filepath", "audio_path", "audio", "file", "path", "wav", "id")
TEXT_NAMES = ("normalized_text", "normalized_transcription", "transcription", "sentence", "text", "transcript")
SPEAKER_NAMES = ("speaker_name", "speaker_id", "speaker", "client_id")


# What augmentation puts behind the id of the clip that it changed (`am00001+speed1`).
_COPY = re.compile(r"\+(?:gain|noise|speed|pitch)[0-9]+$")


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording and its text, as a list names it."""

    id: str
    """The name of the recording, without folder and suffix."""
    text: str
    """The normalised text where the list has one, else the text."""
    audio: Path
    """Where the recording is; where it should be, if it is missing."""
    speaker: str | None
    file: Path
    """The list."""
    line: int
    """The line in the list, from 1."""

    @property
    def is_copy(self) -> bool:
        """Whether its id says that augmentation made it of another clip."""
        return _COPY.search(self.id) is not None


def split_of(path: Path) -> Split | None:
    """The split that a list's name shows; None where it shows none."""
    words = re.split(r"[^a-z]+", path.stem.lower())
    return next((SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS), None)


def whole_list(folder: Path) -> Path | None:
    """The list of all clips in a folder: `metadata.csv`, or the only one that names no split."""
    if (folder / "metadata.csv").is_file():
        return folder / "metadata.csv"
    lists = [path for path in _lists_in(folder) if path.stem.startswith("metadata") and split_of(path) is None]
    return lists[0] if len(lists) == 1 else None


def _lists_of_all(folder: Path) -> list[Path]:
    """The whole list, else those of the splits."""
    whole = whole_list(folder)
    return [whole] if whole else list(split_lists(folder).values())


def split_lists(folder: Path) -> dict[Split, Path]:
    """The lists in a folder whose names show their split; the first by name where several show the same."""
    found: dict[Split, Path] = {}
    for path in _lists_in(folder):
        split = split_of(path)
        if split is not None:
            found.setdefault(split, path)
    return found


def read_splits(place: Path) -> dict[Split, list[Clip]]:
    """The clips of each split that has a list of its own in a folder. Raises DataError."""
    lists = split_lists(place) if place.is_dir() else {}
    return {split: read_clips(path) for split, path in lists.items()}


def read_clips(place: Path) -> list[Clip]:
    """The clips of a list, or of a folder: its whole list, else its splits together.

    Raises DataError where there is no list or it cannot be read.
    """
    if place.is_dir():
        if lists := _lists_of_all(place):
            return [clip for path in lists for clip in read_clips(path)]
        raise DataError(f"{place}: no metadata.csv here; name a folder in the LJSpeech layout, or a list")
    if not place.is_file():
        raise DataError(f"{place}: no such file or folder")
    if not (rows := list(_rows(place))):
        return []
    columns = _Columns.of(rows)
    return [columns.clip(place, line, fields) for line, fields in rows[columns.heading :]]


def lines_of(path: Path) -> list[bytes]:
    """The lines of a list as they are, without a byte order mark. Raises DataError."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error
    if b"\0" in raw[:4096]:
        raise DataError(f"{path}: not a text file in UTF-8; save it as UTF-8")
    return re.split(rb"\r\n|\n|\r", raw.removeprefix(b"\xef\xbb\xbf"))


def samples_of(place: Path) -> int | None:
    """How many clips a list or a folder has, without opening a recording; None where it is not known."""
    try:
        if not place.is_dir():
            return _samples_in_list(place)
        counts = [count for count in map(_samples_in_list, _lists_of_all(place)) if count is not None]
        walk = islice(os.walk(place), 0 if counts else MOST_FOLDERS)
        return sum(counts) or sum(name.lower().endswith(AUDIO_SUFFIXES) for *_, names in walk for name in names) or None
    except (OSError, ValueError, RecursionError):
        return None


def _samples_in_list(path: Path) -> int | None:
    if path.suffix.lower() not in LIST_SUFFIXES or not path.is_file():
        return None
    with path.open("rb") as file:
        first = file.readline(LARGEST_ARRAY).lstrip(b"\xef\xbb\xbf")
        if b"\0" in first:
            return None
        if path.suffix.lower() == ".json" and not isinstance(_parsed(first), dict):
            found = _parsed(path.read_bytes()) if path.stat().st_size <= LARGEST_ARRAY else None
            return len(found) or None if isinstance(found, list) else None
        others = sum(1 for line in file if line.strip())
    line = first.decode(errors="replace").rstrip("\r\n")
    heading = _has_heading(_fields(line, _separator(line)))
    return (others + (bool(first.strip()) and not heading)) or None


def _parsed(content: str | bytes) -> Any:
    """What JSON says; None for what is none. A line may be an object of its own, as in NeMo's manifests."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _lists_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in LIST_SUFFIXES and path.is_file())


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields of every line that is not blank. Bytes that are no UTF-8 become U+FFFD."""
    lines = [(number, line.decode(errors="replace")) for number, line in enumerate(lines_of(path), 1) if line.strip()]
    separator = _separator(lines[0][1]) if lines else ""
    for number, line in lines:
        yield number, _fields(line, separator)


def _separator(first: str) -> str:
    """What separates the columns, by the first line; `{` where each line is a JSON object."""
    return "{" if first.startswith("{") else next((mark for mark in "|\t" if mark in first), ",")


def _fields(line: str, separator: str) -> list[str]:
    """The columns of one line."""
    if separator == "{":
        record = _parsed(line)
        if not isinstance(record, dict):
            return [line]
        # Audio, speaker and text, as in the columns of a list without a heading; empty where absent.
        wanted = (AUDIO_NAMES, SPEAKER_NAMES, TEXT_NAMES)
        return [next((str(record[name]) for name in names if name in record), "") for names in wanted]
    with suppress(csv.Error):  # a field beyond the reader's limit
        return next(csv.reader([line]), []) if separator == "," else line.split(separator)
    return line.split(separator)


def _has_heading(fields: Sequence[str]) -> bool:
    names = [field.strip().lower() for field in fields]
    return not set(AUDIO_NAMES).isdisjoint(names) and not set(TEXT_NAMES).isdisjoint(names)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which column of a list holds what; -1: none does."""

    audio: int
    text: int
    speaker: int
    heading: bool = False

    @classmethod
    def of(cls, rows: Sequence[tuple[int, list[str]]]) -> _Columns:
        """Read from the heading, else from what the columns hold."""
        first = rows[0][1]
        if _has_heading(first):
            names = [field.strip().lower() for field in first]
            wanted = (AUDIO_NAMES, TEXT_NAMES, SPEAKER_NAMES)
            audio, text, speaker = (next((names.index(one) for one in some if one in names), -1) for some in wanted)
            return cls(audio, text, speaker, heading=True)
        width = max(len(fields) for _, fields in rows)
        if width > 2 and all(_at(fields, 1) == _at(fields, 2) for _, fields in rows):
            return cls(0, 2, 3 if width > 3 else -1)  # `id|text|text|speaker`, as we write it ourselves
        labels = [number for number in range(1, width) if _are_labels(rows, number)]
        texts = [number for number in range(1, width) if number not in labels]
        # `id|text|normalised`: the last text is the one to speak. Where all are single words, none is a speaker.
        return cls(0, texts[-1], next(iter(labels), -1)) if texts else cls(0, min(1, width - 1), -1)

    def clip(self, path: Path, line: int, fields: Sequence[str]) -> Clip:
        name = fields[self.audio].strip()
        base = name.replace("\\", "/").rpartition("/")[2]
        own = base.rpartition(".")[0] if base.lower().endswith(AUDIO_SUFFIXES) else base
        text = _at(fields, self.text) or _at(fields, 1 if self.text == 2 and self.speaker != 1 else self.text)
        return Clip(own, text, _recording(path.parent, name), _at(fields, self.speaker) or None, path, line)


def _are_labels(rows: Sequence[tuple[int, list[str]]], column: int) -> bool:
    """Whether a column holds the names of speakers (or languages): one word each, repeated, or beside real texts."""
    values = [value for _, fields in rows if (value := _at(fields, column))]
    if not values or len(rows) < 2 or any(len(value.split()) > 1 for value in values):
        return False
    others = (any(len(field.split()) > 1 for field in [*fields[1:column], *fields[column + 1 :]]) for _, fields in rows)
    return len(set(values)) <= len(rows) / 2 or sum(others) > len(rows) / 2


def _at(fields: Sequence[str], column: int) -> str:
    return fields[column].strip() if 0 <= column < len(fields) else ""


def _recording(folder: Path, name: str) -> Path:
    """Where the recording `name` is: as named, beside the list, or in the folders that layouts use."""
    name = name.replace("\0", "")
    names = [name] if name.lower().endswith(AUDIO_SUFFIXES) else [name + suffix for suffix in AUDIO_SUFFIXES]
    base = [Path(each).name for each in names]
    places = [folder / each for each in names]
    places += [folder / inner / each for inner in ("wavs", "wav", "audio", "clips") for each in base]
    places += [folder.parent / each for each in names]
    for place in places:
        with suppress(OSError, ValueError):  # a name that no file can have
            if place.is_file():
                return place
    return folder / "wavs" / base[0]
