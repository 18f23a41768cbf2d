"""Checkpoints on disk: which saved states of a run there are."""

from __future__ import annotations

import json
import os
import re
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from diagnose.facts import Checkpoint
from diagnose.regex import regex

# Files looked at for checkpoints: a run directory holds hundreds, a home directory millions.
MOST_FILES = 5000
CHECKPOINT = regex(r"(?:\.(?:pt|pth|ckpt|safetensors|pdparams|index)|^checkpoint-\d+|^step-\d+)$")
# Folders in which a run keeps its checkpoints; any other beside a log file may be another run's.
KEPT_IN = regex(
    r"(?:check_?points?|ckpts?|weights|models?|saved?(?:_models?)?|snapshots?|output|lightning_logs|version_\d+)$",
    re.IGNORECASE,
)
# Discriminators, which speak to nobody: VITS writes D_100.pth beside G_100.pth, HiFi-GAN do_100 beside g_100.
DISCRIMINATOR = regex(r"(?:D|DUR|do|[Dd]isc\w*)_\d")
# A header of safetensors names the tensors; that of the bundled trainer's largest model has 30 kB.
LARGEST_HEADER = 1 << 22


def checkpoints_of(source: Path) -> tuple[Checkpoint, ...]:
    """The files below the run's folder that are named like checkpoints, by the step in their names."""
    folder = source if source.is_dir() else source.parent
    if CHECKPOINT.search(folder.name):
        folder = folder.parent  # the trainer saves its log with every state: checkpoint-500/trainer_state.json
    if not source.exists() or not folder.is_dir() or not run_folder(folder):
        return ()
    found = [
        Checkpoint(step, str(path))
        for path in islice(_below(folder), MOST_FILES)
        if CHECKPOINT.search(path.name) and not DISCRIMINATOR.match(path.name) and _ours(path, folder, source)
        if (step := step_of(path)) is not None
    ]
    return tuple(sorted(found, key=lambda checkpoint: (checkpoint.step, checkpoint.file)))


def step_of(path: Path) -> int | None:
    """The step in the name of a checkpoint; for `best` and `last` of the bundled trainer, the one inside."""
    if number := re.findall(r"\d+", path.stem):
        return int(number[-1])
    return _step_inside(path) if path.suffix == ".safetensors" else None


def _step_inside(path: Path) -> int | None:
    """The step in the header that the bundled trainer writes: JSON before the tensors, which are not read."""
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(size)) if size <= LARGEST_HEADER else {}
        return int(json.loads(header["__metadata__"]["ttsdoc"])["progress"]["step"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


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
        folders = (entry for entry in entries if entry.is_dir(follow_symlinks=False))
        left.extend(Path(entry.path) for entry in folders if not CHECKPOINT.search(entry.name))  # one state, in parts
        yield from (Path(entry.path) for entry in entries)


def _ours(path: Path, folder: Path, source: Path) -> bool:
    """Whether the file is where this run keeps its own: in its folder, or in one below that is named so."""
    between = path.relative_to(folder).parts[:-1]
    return source.is_dir() or all(KEPT_IN.match(part) or part == source.stem for part in between)


def run_folder(folder: Path) -> bool:
    """Whether the folder is a run's own, not a home or root directory that happens to hold a log."""
    return folder.resolve() not in (Path.home(), Path("/"), Path("/tmp").resolve())  # noqa: S108 - never searched
