"""Regular expressions that are compiled when they are first used: most logs need few of those that are there."""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


class _Regex:
    def __init__(self, pattern: str | bytes, flags: int) -> None:
        self.pattern = pattern
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        """What only a compiled expression has, found without this when it is asked for again."""
        found = getattr(re.compile(self.pattern, self._flags), name)
        setattr(self, name, found)
        return found


def regex(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """As `re.compile`, which takes longer than to read a small log where it is done for every format."""
    return cast("re.Pattern[AnyStr]", _Regex(pattern, flags))
