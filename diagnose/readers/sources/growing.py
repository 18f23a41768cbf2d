"""A log that is still being written: each look at it reads only what is new."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from diagnose.errors import LogError
from diagnose.readers.sources import HEAD_BYTES, Part, Source
from diagnose.readers.sources.paired_log import with_paired_log
from diagnose.readers.sources.storage import is_remote
from diagnose.readers.tensorboard.event_file import EventFile
from diagnose.readers.tensorboard.event_run import Written, run_of
from diagnose.run import Run

SIGNATURE = 64
"""First bytes of a file by which it is distinguished from a new one of the same name; in event files: the time."""

_BLOCK = 1 << 21
"""Bytes that are read at one time."""


@dataclass
class Tail:
    """How far one growing file has been read."""

    size: int = 0
    signature: bytes = b""
    identity: tuple[int, int] = (0, 0)
    """Device and inode, where the file is on this machine."""
    restarts: int = 0
    """How many times the file was found replaced, rotated or shortened."""

    def look(self, source: Source, part: Part | None) -> bool | None:
        """True: it has grown; False: it has not; None: it is another file now, to be read from the start.

        Raises OSError where it is gone.
        """
        with source.open(part) as file:
            size, head = file.seek(0, 2), b""
            if size:
                file.seek(0)
                head = file.read(SIGNATURE)
        identity = _identity(part.name if part else source.name)
        same = identity == self.identity and size >= self.size and head.startswith(self.signature)
        grown = size > self.size
        fresh = not self.size
        self.size, self.signature, self.identity = size, head, identity
        if same or fresh:
            return grown
        self.restarts += 1
        return None

    def notes(self, name: str) -> tuple[str, ...]:
        """What a user should know of it."""
        if not self.restarts:
            return ()
        return (f"{name}: replaced, rotated or shortened while it was followed; read again from its start",)


def _identity(name: str) -> tuple[int, int]:
    if is_remote(name) or name == "-":
        return 0, 0
    status = os.stat(name)  # noqa: PTH116 - a name, as all of storage takes
    return status.st_dev, status.st_ino


@dataclass
class FollowedEvents:
    """A run of event files that grow, and to which others may be added."""

    _files: dict[str, tuple[Tail, EventFile]] = field(default_factory=dict)

    def poll(self, source: Source) -> Run | None:
        """The run so far; None if nothing is new. Raises OSError where a file cannot be read."""
        new = False
        parts = source.parts or (Part("", source.name),)
        for part in parts:
            tail, file = self._files.get(part.name, (Tail(), EventFile()))
            grown = tail.look(source, part)
            if grown is None:
                file = EventFile()
            if grown is not False:
                with source.open(part) as stream:
                    file.poll(stream)
                new = True
            self._files[part.name] = tail, file
        return self._run(source, parts) if new else None

    def _run(self, source: Source, parts: tuple[Part, ...]) -> Run | None:
        found = [(part, *self._files[part.name]) for part in parts]
        if not any(file.records for _, _, file in found):
            return None
        run = run_of(source, [Written(part, file) for part, _, file in found])
        return replace(run, notes=(*run.notes, *(note for part, tail, _ in found for note in tail.notes(part.name))))


class GrowingLog(Protocol):
    """A log that is read as it grows."""

    def feed(self, data: bytes) -> None:
        """Take more bytes."""

    def run(self, source: Source) -> Run:
        """The run as far as it is known. Raises LogError while there is none."""


@dataclass
class FollowedText:
    """A log of text that grows. Of a text log only new bytes are worked on; a table or a document is read again."""

    read: Callable[[Source], Run]
    growing: Callable[[Source], GrowingLog | None]
    """The log to feed, where the format has one. Asked when so much is there that the format will stay."""
    readable: bool = False
    """Whether it has given a run."""
    _tail: Tail = field(default_factory=Tail)
    _seen: int = 0
    _content: bytearray = field(default_factory=bytearray)
    _log: GrowingLog | None = None

    def poll(self, source: Source) -> Run | None:
        """The run so far; None if nothing is new or nothing can be read yet. Raises OSError."""
        grown = self._tail.look(source, None)
        if grown is False:
            return None
        if grown is None:
            self._seen, self._content, self._log = 0, bytearray(), None
        with source.open() as file:
            file.seek(self._seen)
            while block := file.read(_BLOCK):
                self._take(source, block)
        try:
            run = self._run(source)
        except LogError:
            return None
        self.readable = True
        return replace(run, notes=(*run.notes, *self._tail.notes(source.name)))

    def _take(self, source: Source, block: bytes) -> None:
        self._seen += len(block)
        if self._log is not None:
            self._log.feed(block)
            return
        settled = len(self._content) >= HEAD_BYTES
        self._content += block
        if not settled and len(self._content) >= HEAD_BYTES:
            self._log = self.growing(replace(source, content=bytes(self._content)))
            if self._log is not None:
                self._log.feed(bytes(self._content))
                self._content.clear()

    def _run(self, source: Source) -> Run:
        if self._log is None:
            return self.read(replace(source, content=bytes(self._content)))
        return with_paired_log(source, self._log.run)
