"""Sounds that a trainer writes as files while it trains: `samples/update_1000_gen.wav`, `eval/step_500/0.wav`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from diagnose.readers.sources import Source
from diagnose.regex import regex
from diagnose.run import Attachment, Axis, Role, Run

# Folders that trainers make for them in the folder of a run. `wavs` and `audio` hold data sets as well.
_FOLDERS = regex(r"(?:\w*_)?(?:samples?|previews?|synth\w*|generated|infer\w*|eval\w*|val\w*)", re.IGNORECASE)
_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
_WORD = r"(?:^|[^A-Za-z])(?P<word>steps?|updates?|iters?|iterations?|it|epochs?|ep|e)[ _=-]?(?P<step>\d{1,12})(?!\d)"
_COUNTED = regex(_WORD, re.IGNORECASE)
# `1000.wav`, `1000_0.wav`, `000500-gen.wav`; a bare number counts steps, and data sets are numbered, too.
_BARE = regex(r"^(?P<step>\d{2,12})(?=$|[_-])")
_REFERENCE = regex(r"(?:^|(?<=[_/-]))(?:refs?|orig\w*|recorded)(?=$|[_/-])", re.IGNORECASE)
# Files looked at, and levels of folders below that of the samples.
_MOST, _DEEPEST = 5000, 2


def sounds_beside(source: Source, run: Run) -> tuple[Attachment, ...]:
    """The sounds in the folder of the run, by tag and step. Those that count epochs only where the loss does."""
    folder = _folder(source)
    if folder is None:
        return ()
    loss = run.curve(Role.TRAIN_LOSS)
    by_epoch = loss is not None and loss.axis is Axis.EPOCH
    places = [(place, near) for near in (folder, *_of_checkpoints(folder)) for place in _sample_folders(near)]
    named = [(path, near) for place, near in places for path in _files(place, _DEEPEST)][:_MOST]
    found = [sound for path, near in named if (sound := _sound(path, near, by_epoch=by_epoch)) is not None]
    return tuple(sorted(found, key=lambda sound: (sound.tag, sound.step)))


def _folder(source: Source) -> Path | None:
    """The folder of the run; None for what is remote or comes through a pipe."""
    if source.path is None or source.content is not None:
        return None
    return source.path if source.path.is_dir() else source.path.parent


def _of_checkpoints(folder: Path) -> list[Path]:
    """Where F5-TTS has the checkpoints of the run `runs/NAME`: in `ckpts/NAME`, or whatever is alone in `ckpts`."""
    own = folder.resolve()
    if own.parent.name != "runs":
        return []
    there = [path for path in _entries(own.parent.parent / "ckpts") if path.is_dir()]
    return [path for path in there if path.name == own.name] or (there if len(there) == 1 else [])


def _sample_folders(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if _FOLDERS.fullmatch(path.name) and path.is_dir()]


def _files(folder: Path, depth: int) -> Iterator[Path]:
    for path in _entries(folder):
        if path.is_dir():
            yield from _files(path, depth - 1) if depth else ()
        elif path.suffix.lower() in _SUFFIXES:
            yield path


def _entries(folder: Path) -> list[Path]:
    """The entries of a folder by name, links left out; nothing where it cannot be listed."""
    try:
        with os.scandir(folder) as listing:
            return sorted(Path(entry.path) for entry in listing if not entry.is_symlink())
    except OSError:
        return []


def _sound(path: Path, folder: Path, *, by_epoch: bool) -> Attachment | None:
    """The sound with the step in its name, or in that of a folder; None where there is none."""
    name = path.relative_to(folder).with_suffix("").as_posix()
    top, _, inside = name.partition("/")
    counted = {match["word"][0].lower() == "e": match for match in _COUNTED.finditer(inside)}
    match = counted.get(by_epoch) or (None if counted or by_epoch else _BARE.match(path.stem))
    if match is None or not 0 <= (step := int(match["step"])) < 1 << 53:
        return None
    rest = _REFERENCE.sub(
        "reference", _COUNTED.sub("", inside) if counted else inside.replace(path.stem, _BARE.sub("", path.stem))
    )
    tag = "/".join([top, *filter(None, (part.strip(" _=-.") for part in rest.split("/")))])
    try:
        written = path.stat().st_mtime
    except OSError:  # removed meanwhile
        return None
    return Attachment("audio", tag, step, written, path.read_bytes)
