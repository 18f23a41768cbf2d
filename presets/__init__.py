"""Data shipped with ttsdoc: loss targets, config dialects, log formats, stable configs. YAML only."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def config_file(name: str | Path) -> Path:
    """The config that a user means: their own file where there is one, else the preset of that name."""
    preset = files(__name__) / f"{name}.yaml"
    return (
        Path(str(preset))
        if not Path(name).exists() and Path(name).name == str(name) and preset.is_file()
        else Path(name)
    )
