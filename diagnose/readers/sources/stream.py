"""What comes through a pipe: read to its end, or as far as memory should go."""

from __future__ import annotations

import io
import os
import stat
import sys
import time
from typing import BinaryIO

from diagnose.errors import LogError
from diagnose.readers.sources import Source

LARGEST = 1 << 26
"""Bytes kept of a stream. Source: our choice: more than any console log that we know; a longer one can be given as
a file, which is not held in memory."""
PATIENCE = 10.0
"""Seconds until somebody must have begun to write to a named pipe."""
_BLOCK = 1 << 20


def standard_input() -> Source:
    """What is piped into the command. Raises LogError where nothing is or where it cannot be a log."""
    if sys.stdin is None:  # closed by `<&-`
        raise LogError("-: standard input is closed")
    return _of_stream("-", sys.stdin.buffer)


def of_stream(name: str) -> Source:
    """A pipe or a device as a source; of an endless one the beginning. Raises OSError, LogError."""
    handle = os.open(name, os.O_RDONLY | os.O_NONBLOCK)  # a pipe without a writer would not even open
    with os.fdopen(handle, "rb") as stream:
        first = _when_written(name, handle) if stat.S_ISFIFO(os.fstat(handle).st_mode) else b""
        os.set_blocking(handle, True)
        return _of_stream(name, stream, first)


def _when_written(name: str, handle: int) -> bytes:
    """The first bytes that are in a pipe, once somebody writes to it. Raises LogError where nobody does."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if first := os.read(handle, _BLOCK):
                return first
        except BlockingIOError:  # somebody has it open to write
            return b""
        if time.monotonic() > deadline:
            raise LogError(f"{name}: nothing came out of this pipe in {PATIENCE:g} s; start what writes to it")
        time.sleep(0.02)


def _of_stream(name: str, stream: BinaryIO, first: bytes = b"") -> Source:
    content = io.BytesIO()
    content.write(first)
    while (room := LARGEST - content.tell()) > 0 and (block := stream.read(min(_BLOCK, room))):
        if not content.tell() and len(block) == _BLOCK and not block.strip(b"\0"):
            raise LogError(f"{name}: only zeros, not a log")
        content.write(block)
    cut = f"only the first {LARGEST >> 20} MiB of {name} are read; give a longer log as a file"
    return Source(name, content=content.getvalue(), notes=(cut,) if content.tell() >= LARGEST else ())
