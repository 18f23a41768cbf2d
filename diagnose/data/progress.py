"""A progress bar on standard error, for work that takes longer than a breath."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def track(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Pass `items` on and show how far they are, where standard error is a terminal."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import track as bar

    console = Console(stderr=True)
    if not console.is_terminal:
        yield from items
        return
    yield from bar(items, escape(what), total=total, console=console, transient=True)
