"""Training configs: read in place, understood by dialect, edited byte by byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diagnose.config.config import Config, Problem, Setting, parse_config, read_config
    from diagnose.config.rewrite import Rewrite
    from diagnose.errors import ConfigError

_HOME_OF = {"Rewrite": "diagnose.config.rewrite", "ConfigError": "diagnose.errors"}
__all__ = ["Config", "ConfigError", "Problem", "Rewrite", "Setting", "parse_config", "read_config"]


def __getattr__(name: str) -> Any:
    """Import each on first use: who only asks for the name of a hyperparameter reads no config."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME_OF.get(name, "diagnose.config.config")), name)
