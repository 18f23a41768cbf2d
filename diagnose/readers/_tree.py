"""Which runs lie below a folder, by the names of its files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from diagnose.readers._base import Part, Source

TEXT_SUFFIXES = frozenset({"", ".csv", ".err", ".json", ".jsonl", ".log", ".ndjson", ".out", ".tsv", ".txt"})
SPLITS = frozenset({"train", "training", "val", "valid", "validation", "eval", "evaluation", "dev", "test"})


def is_event_file(name: str) -> bool:
    """Whether TensorBoard would take a file of this name for an event file."""
    return "tfevents" in name


def discover_tree(root: Path) -> Iterator[Source]:
    """The runs at and below `root`: one a folder of event files, one a text log elsewhere."""
    folders = {Path(folder): sorted(files) for folder, _, files in os.walk(root)}
    events = {
        folder: [name for name in files if is_event_file(name)]
        for folder, files in sorted(folders.items())
        if any(map(is_event_file, files))
    }
    owner = {folder: _owner(folder, root, events) for folder in events}
    for folder in sorted({*folders}):
        texts = [folder / name for name in folders[folder] if Path(name).suffix.lower() in TEXT_SUFFIXES]
        members = [member for member in events if owner[member] == folder]
        if members:
            names = ((member, name) for member in members for name in events[member])
            parts = tuple(Part(_prefix(member, folder), str(member / name)) for member, name in names)
            yield Source(str(folder), folder, label=_label(folder, root), parts=parts, beside=tuple(texts))
        else:
            for text in texts:
                if not is_event_file(text.name):
                    yield Source(str(text), text, label=_label(text, root), asked=False)


def _owner(folder: Path, root: Path, events: dict[Path, list[str]]) -> Path:
    """The folder whose run `folder` belongs to: its parent, where it holds one split of it."""
    if folder == root or folder.name.lower() not in SPLITS:
        return folder
    siblings = [other for other in events if other.parent == folder.parent and other.name.lower() in SPLITS]
    return folder.parent if len(siblings) > 1 or folder.parent in events else folder


def _prefix(member: Path, folder: Path) -> str:
    return "" if member == folder else f"{member.relative_to(folder).as_posix()}/"


def _label(place: Path, root: Path) -> str:
    return place.relative_to(root).as_posix()
