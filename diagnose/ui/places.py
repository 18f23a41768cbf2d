"""Paths that come from a page: they may name what lies below one folder, and nothing else."""

from __future__ import annotations

from pathlib import Path

from diagnose.errors import TtsdocError
from diagnose.project import config_file


def inside(root: Path, text: str) -> Path:
    """The path below `root` that a text box names. Raises TtsdocError where it leads out of it, by a link too."""
    text = text.strip()
    if not text:
        raise TtsdocError("give a path")
    if "://" not in text and "\0" not in text:
        place = (root / text).resolve()
        if place.is_relative_to(root.resolve()):
            return place
    raise TtsdocError(f"{text}: outside the folder {root}; start ttsdoc ui with --root for another")


def config_inside(root: Path, text: str) -> Path:
    """The config that a text box names: a file below `root`, or a shipped preset (`stable`). Raises TtsdocError."""
    name = text.strip()
    if name and "/" not in name and not (root / name).exists():
        preset = config_file(name)
        if preset.is_file() and preset.suffix == ".yaml" and preset.stem == name:
            return preset
    place = inside(root, text)
    if not place.is_file():
        raise TtsdocError(f"{name}: there is no such config below {root}")
    return place
