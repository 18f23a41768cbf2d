"""How large a config may be: what is beyond it is a data file, or made to drown its reader."""

from __future__ import annotations

from diagnose.errors import ConfigError

MAX_BYTES = 2 * 1024 * 1024
"""The largest file that is opened. The largest of 87 public training configs measured (`benchmarks/config`) has 12 KB;
the margin is for token lists that some frameworks write out."""
MAX_NUMBER = 400
"""Characters of the longest text that is parsed as a number: a double needs 330 at most, written out."""
MAX_DEPTH = 64
"""The deepest nesting that is followed. The deepest of the same configs has 6 levels."""
MAX_NODES = 20_000
"""Scalars, lists and mappings in one file; the largest of the same configs has 262 scalars. Read in half a second."""
MAX_EXPANDED = 1_000_000
"""Nodes once every alias is written out: beyond it the file is an alias bomb, which would drown the trainer."""


class Limits:
    """Counts the values of one file while it is read."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.count = 0

    def take(self, line: int, depth: int) -> None:
        """One more value, so deep inside others. Raises ConfigError beyond a limit."""
        self.count += 1
        if self.count > MAX_NODES:
            raise ConfigError(f"{self.source}:{line}: more than {MAX_NODES} values: not a training config")
        if depth >= MAX_DEPTH:
            raise too_deep(self.source, line)


def too_deep(source: str, line: int) -> ConfigError:
    """The refusal of what is nested too deeply."""
    return ConfigError(f"{source}:{line}: nested deeper than {MAX_DEPTH} levels: not a training config")
