"""Checkpoints on disk: which saved states of a run there are."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from diagnose.facts import Checkpoint

# Files looked at for checkpoints: a run directory holds hundreds, a home directory millions.
MOST_FILES = 5000
CHECKPOINT = re.compile(r"(?:\.(?:pt|pth|ckpt|safetensors)|^checkpoint-\d+|^step-\d+)$")


def checkpoints_of(source: Path) -> tuple[Checkpoint, ...]:
    """The files below the run's folder that are named like checkpoints, by the step in their name."""
    folder = source if source.is_dir() else source.parent
    if not source.exists() or not folder.is_dir() or not run_folder(folder):
        return ()
    found = []
    for path in islice(_below(folder), MOST_FILES):
        number = re.findall(r"\d+", path.stem)
        if number and CHECKPOINT.search(path.name):
            found.append(Checkpoint(int(number[-1]), str(path)))
    return tuple(sorted(found, key=lambda checkpoint: (checkpoint.step, checkpoint.file)))


def _below(folder: Path) -> Iterator[Path]:
    """Files and folders, those nearest first; without recursion, and past what cannot be listed."""
    left = deque([folder])
    while left:
        place = left.popleft()
        try:
            with os.scandir(place) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError:
            continue
        left.extend(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))
        yield from (Path(entry.path) for entry in entries)


def run_folder(folder: Path) -> bool:
    """Whether the folder is a run's own, not a home or root directory that happens to hold a log."""
    return folder.resolve() not in (Path.home(), Path("/"), Path("/tmp").resolve())  # noqa: S108 - never searched
