"""ttsdoc: finds what is sick in a training run, proves it, and writes the corrected config.

The library in four names, each a pure function of its inputs:

- ``read(path)``: one run.
- ``runs(path)``: every run below a folder.
- ``analyze(path)``: one diagnosis a run.
- ``fix(config_path)``: the plan of edits and the text before and after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["analyze", "fix", "read", "runs"]

if TYPE_CHECKING:
    from diagnose.api import analyze, fix
    from diagnose.readers import read, runs

_HOMES = {
    "analyze": "diagnose.api",
    "fix": "diagnose.api",
    "read": "diagnose.readers",
    "runs": "diagnose.readers",
}


def __getattr__(name: str) -> Any:
    """Import each public function on first use, so that ``ttsdoc --help`` never pays for numpy."""
    if name not in _HOMES:
        raise AttributeError(f"module 'diagnose' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
