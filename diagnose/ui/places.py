"""The config that a page names."""

from __future__ import annotations

from pathlib import Path

from diagnose.errors import TtsdocError
from diagnose.inside import inside
from diagnose.project import config_file


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
