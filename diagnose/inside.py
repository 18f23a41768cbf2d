"""Paths that a page or an agent gives: they may name what is below one folder, and nothing else."""

from __future__ import annotations

from pathlib import Path

from diagnose.errors import TtsdocError


def inside(root: Path, text: str) -> Path:
    """The path below `root` that `text` names. Raises TtsdocError where it leads out of it, by a link too."""
    text = text.strip()
    if not text:
        raise TtsdocError("give a path")
    if "://" not in text and "\0" not in text:
        place = (root / text).resolve()
        if place.is_relative_to(root.resolve()):
            return place
    raise TtsdocError(f"{text}: outside the folder {root}; start with --root for another")
