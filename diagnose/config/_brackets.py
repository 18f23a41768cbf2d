"""What JSON and TOML have in common: lists and mappings in brackets, read character by character with their places."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import NoReturn, TypeVar

from diagnose.config.limits import Limits
from diagnose.errors import ConfigError

T = TypeVar("T")


class BracketReader:
    """Reads one text; `closed` is the index behind the bracket that was closed last."""

    name: str
    gap: re.Pattern[str]
    """White space, line breaks and comments; it matches the empty text too."""

    def __init__(self, text: str, source: str) -> None:
        self.text = text
        self.limits = Limits(source)
        self.breaks = [match.start() for match in re.finditer("\n", text)]
        self.closed = 0

    def line(self, at: int) -> int:
        """1-based line of index `at`."""
        return bisect_left(self.breaks, at) + 1

    def fail(self, at: int, what: str) -> NoReturn:
        """Refuse the file, naming the line of index `at`."""
        raise ConfigError(f"{self.limits.source}:{self.line(at)}: not valid {self.name}: {what}; correct this line")

    def skip(self, at: int, pattern: re.Pattern[str] | None = None) -> int:
        """The index behind what `pattern`, a gap where none is given, takes at `at`."""
        match = (pattern or self.gap).match(self.text, at)
        return match.end() if match else at

    def members(self, at: int, closing: str, member: Callable[[int], tuple[T, int]]) -> Iterator[T]:
        """What is between the bracket at `at` and its `closing` one; `member` gives one and the index behind it."""
        here = self.skip(at + 1)
        while self.text[here : here + 1] != closing:
            found, end = member(here)
            yield found
            here = self.skip(end)
            if self.text[here : here + 1] == ",":
                here = self.skip(here + 1)
            elif self.text[here : here + 1] != closing:
                self.fail(here, f"a ',' or '{closing}' is missing")
        self.closed = here + 1
