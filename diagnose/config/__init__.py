"""Training configs: read in place, understood by dialect, edited byte by byte."""

from __future__ import annotations

from diagnose.config.config import Config, Problem, Setting, parse_config, read_config
from diagnose.config.rewrite import Rewrite
from diagnose.errors import ConfigError

__all__ = ["Config", "ConfigError", "Problem", "Rewrite", "Setting", "parse_config", "read_config"]
