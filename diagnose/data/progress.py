"""A progress bar on standard error, for work that takes longer than a breath."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar


@contextmanager
def workers() -> Iterator[ThreadPoolExecutor]:
    """Threads, one a core. When the block ends, by an error or Ctrl-C as well, what is still waiting is dropped.

    An executor's own `with` would first do all of it, which takes minutes where thousands of clips wait.
    """
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


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
