"""Threads for work on many files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


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
