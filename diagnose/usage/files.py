"""Where the files of a trainer's project are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

# The surest first: a folder of recipes may have a README of its own.
ROOT_MARKS = ((".git", "pyproject.toml", "setup.py", "setup.cfg"), ("requirements.txt", "LICENSE"), ("README.md",))
LEVELS_UP = 5  # a trainer is at most this deep in its project
MOST_ENTRIES = 200_000  # files of any kind: a project may hold its data set, which takes minutes to list


def python_files(folder: Path) -> Iterator[Path]:
    """The Python files below a folder, of the first `MOST_ENTRIES` files; hidden folders are left out."""
    entries = 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__pycache__", "site-packages")))
        entries += len(names) + len(folders)
        yield from (Path(place, name) for name in sorted(names) if name.endswith(".py"))
        if entries > MOST_ENTRIES:
            return


def file_of(folder: Path, parts: list[str]) -> Path | None:
    """The file of a module, or of a package, by its dotted name below a folder."""
    target = folder.joinpath(*parts)
    files = (target.parent / f"{target.name}.py", target / "__init__.py")
    return next((path for path in files if path.is_file()), None)


def root_of(trainer: Path, config_file: Path | None) -> Path:
    """The project's folder: the nearest that has a mark of one, else the one that holds the config too."""
    above = list(trainer.parents)[:LEVELS_UP]
    marked = next(filter(None, (_nearest(above, marks) for marks in ROOT_MARKS)), None)
    if marked is not None or config_file is None:
        return marked or trainer.parent
    config = config_file.resolve()
    return next((one for one in above if config.is_relative_to(one) and one != Path(one.anchor)), trainer.parent)


def _nearest(folders: list[Path], marks: tuple[str, ...]) -> Path | None:
    return next((one for one in folders if any((one / mark).exists() for mark in marks)), None)
