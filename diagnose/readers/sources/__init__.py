"""The shape of a reader: one file with `sniff` and `read`."""

from __future__ import annotations

import io
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from diagnose.readers.sources.storage import open_file, written_at
from diagnose.run import Run

HEAD_BYTES = 65_536
# A log that was emptied while its trainer wrote on begins with zeros where the old lines were.
_LONGEST_HOLE = 1 << 26


@dataclass(frozen=True)
class Part:
    """One event file of a run."""

    prefix: str
    """What its tags get in front: `train/` for the file of a sub-folder `train`."""
    name: str
    """Its path or address."""
    suffix: str = ""
    """What its tags get behind: `/train` for the series `train` of add_scalars."""
    settings_only: bool = False
    """Whether only its hyperparameters count (add_hparams writes the final metrics into a file of their own)."""


@dataclass(frozen=True)
class Source:
    """What a reader is offered: a file, a folder, or bytes that came through standard input."""

    name: str
    """As the user knows it: a path, an address, `-`."""
    path: Path | None = None
    """Where it is on this machine; None for standard input and for remote files."""
    content: bytes | None = None
    """The bytes, where there is no file to open."""
    label: str = "."
    """The run's name: the path below the folder that was asked for, `.` for that folder itself."""
    parts: tuple[Part, ...] = ()
    """The event files, where the run is a folder of them."""
    beside: tuple[str, ...] = ()
    """Text files beside the event files, which may belong to the same training."""
    asked: bool = True
    """Whether the user named it; False for a file found in a folder, which may turn out to be no log."""
    reason: str = ""
    """Why it is not read, where that is known beforehand. Without `asked` it is passed over on purpose."""
    notes: tuple[str, ...] = ()
    """What the user should know of how it was read."""
    tag_named: bool = False
    """Whether the user says which curve is the loss: then none needs to be called so."""
    also: tuple[Source, ...] = ()
    """Other logs of the same training."""
    rotated: tuple[str, ...] = ()
    """Files that hold what was logged before, the oldest first: `train.log.2`, `train.log.1`."""
    columns: tuple[str, ...] = ()
    """What the user calls the columns of a table, from the first on."""

    @property
    def is_folder(self) -> bool:
        """Whether this is a folder, to be read as one run."""
        return bool(self.parts) or (self.path is not None and self.path.is_dir())

    @property
    def written(self) -> float:
        """When it was last written to, seconds since 1970; inf where that is not known."""
        return written_at(part.name for part in self.parts) if self.parts else written_at([self.name])

    def open(self, part: Part | None = None) -> BinaryIO:
        """The bytes, of one part where there are several. Raises OSError where the file cannot be read."""
        if self.content is not None:
            return io.BytesIO(self.content)
        if self.rotated:
            return io.BytesIO(b"".join(map(_content, (*self.rotated, self.name))))
        return open_file(part.name if part else self.name)

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs: not the first bytes, which it can read."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def head(self, size: int = HEAD_BYTES) -> bytes:
        """The first bytes, at most HEAD_BYTES of them; nothing for a folder."""
        return self._head[:size]

    @cached_property
    def _head(self) -> bytes:
        if self.is_folder:
            return b""
        with self.open() as file:
            head = file.read(HEAD_BYTES)
            for _ in range(_LONGEST_HOLE // HEAD_BYTES):
                if head.strip(b"\0") or not head:
                    break
                head = file.read(HEAD_BYTES)
            return head if head[:1] != b"\0" else (head.lstrip(b"\0") + file.read(HEAD_BYTES))[:HEAD_BYTES]


def _content(name: str) -> bytes:
    with open_file(name) as file:
        return file.read()


class Reader(Protocol):
    """What a module in this folder offers. Modules whose name starts with `_` are not readers."""

    def sniff(self, source: Source) -> int:
        """How sure this reader is that `source` is its own: 0 not mine, 100 certain. The surest reads."""

    def read(self, source: Source) -> Run:
        """The run. Raises LogError, in one line, for what the user can repair."""
