"""What the shell completes: codes, hyperparameters, model families, presets, runs. Loaded when a TAB asks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def _beginning(incomplete: str, known: Iterable[str]) -> list[str]:
    """The names that begin so, in any case."""
    return [name for name in known if name.lower().startswith(incomplete.lower())]


def topics(incomplete: str) -> list[str]:
    """What `explain` knows."""
    from diagnose.report.explain import known_names

    return _beginning(incomplete, known_names())


def families(incomplete: str) -> list[str]:
    """Model families."""
    from diagnose.gather import families as known

    return _beginning(incomplete, known())


def presets(incomplete: str) -> list[str]:
    """The configs that are shipped, and files that fit."""
    from diagnose.project import shipped_configs

    return _beginning(incomplete, shipped_configs()) + _files(incomplete, (".yaml", ".yml", ".json"))


def runs(incomplete: str) -> list[str]:
    """Folders of runs below `runs/`, and folders that fit."""
    own = [str(place) for place in sorted(Path("runs").glob("*")) if place.is_dir()]
    return list(dict.fromkeys([*_beginning(incomplete, own), *_files(incomplete, ())]))


def parameters(incomplete: str) -> list[str]:
    """Hyperparameters, the last of a list with commas."""
    from diagnose.config.hyperparameters import HYPERPARAMETERS

    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in _beginning(last, HYPERPARAMETERS)]


def _files(incomplete: str, endings: tuple[str, ...]) -> list[str]:
    """Files with one of the endings, and folders, that begin so."""
    typed = Path(incomplete)
    folder = typed if incomplete.endswith("/") else typed.parent
    if not folder.is_dir():
        return []
    found = (place for place in sorted(folder.iterdir()) if place.is_dir() or place.suffix in endings)
    shown = (f"{place}/" if place.is_dir() else str(place) for place in found if not place.name.startswith("."))
    return [name for name in shown if name.startswith(incomplete)]
