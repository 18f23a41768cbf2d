"""Files wherever they are: on this machine, or at an address that fsspec knows (s3, gs, hf, http(s), ...)."""

from __future__ import annotations

import io
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

ATTEMPTS = 3
PAUSE = 0.1
"""Seconds before the second attempt; four times as long before each further one."""
BUFFER = 1 << 16
"""Bytes requested at least at once from a remote file."""


def is_remote(name: str) -> bool:
    """Whether a name is an address, not a path."""
    return "://" in name


def local(name: str) -> Path | None:
    """Where a file is on this machine; None for a remote one."""
    return None if is_remote(name) else Path(name)


def open_file(name: str) -> BinaryIO:
    """The bytes of a file, to seek and read in. Raises OSError where it cannot be opened."""
    if is_remote(name):
        return io.BufferedReader(RemoteFile(name), BUFFER)
    return open(name, "rb")  # noqa: PTH123 - a name, local or not


def is_folder(name: str) -> bool:
    """Whether something is there that is no file. Raises OSError if nothing is."""
    if is_remote(name):
        system, path = _system(name)
        return bool(_patiently(system.info, path)["type"] == "directory")
    return os.stat(name).st_mode & 0o170000 == 0o040000  # noqa: PTH116 - a name, local or not


def is_stream(name: str) -> bool:
    """Whether what is there can be read once only: a pipe, the shell's `<(command)`, a device."""
    if is_remote(name):
        return False
    mode = os.stat(name).st_mode  # noqa: PTH116 - a name, local or not
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def written_at(names: Iterable[str]) -> float:
    """When the last of several files was written to, seconds since 1970; inf where that is not known."""
    written = []
    for name in names:
        with suppress(FileNotFoundError):  # removed since it was listed
            written += [] if is_remote(name) else [Path(name).stat().st_mtime]
    return max(written, default=float("inf"))


@dataclass
class Unread:
    """What a walk did not enter."""

    errors: dict[str, str] = field(default_factory=dict)
    """Folder -> why it cannot be listed."""
    links: list[str] = field(default_factory=list)
    """Links to what is outside of the root."""


def walk(root: str, unread: Unread) -> Iterator[tuple[str, list[str]]]:
    """Each folder at and below `root` with the names of its files; hidden folders and those of packages left out.

    What cannot be listed and what a link has elsewhere is put into `unread`. Raises OSError where it is `root`.
    """
    if not is_remote(root):
        yield from _walk_here(root, unread)
        return
    system, path = _system(root)
    for folder, below, files in system.walk(path):
        for name in [name for name in below if not _is_seen(name)]:
            below.pop(name) if isinstance(below, dict) else below.remove(name)
        yield root.rstrip("/") + folder.removeprefix(path), sorted(files)


def _walk_here(root: str, unread: Unread) -> Iterator[tuple[str, list[str]]]:
    """By a list of what is left, not by recursion: folders may be nested deeper than Python's stack."""
    left, inside = [root], os.path.realpath(root)
    while left:
        folder = left.pop()
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            if folder == root:
                raise
            unread.errors[folder] = error.strerror or str(error)
            continue
        outside = {entry.name for entry in entries if entry.is_symlink() and not _leads_into(inside, entry)}
        unread.links += [f"{folder}/{name}" for name in sorted(outside)]
        below = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False) and _is_seen(entry.name)]
        left += [f"{folder.rstrip('/')}/{name}" for name in reversed(below)]
        yield folder, [entry.name for entry in entries if entry.name not in outside and _is_file(entry)]


def _leads_into(inside: str, link: os.DirEntry[str]) -> bool:
    """Whether a link stays below a folder, or leads nowhere."""
    target = os.path.realpath(link.path)
    return not os.path.lexists(target) or target == inside or target.startswith(f"{inside.rstrip('/')}/")


def _is_file(entry: os.DirEntry[str]) -> bool:
    """A pipe would block, and a link to nothing is nothing."""
    try:
        return entry.is_file()
    except OSError:
        return False


def _is_seen(name: str) -> bool:
    return not name.startswith(".") and name not in ("__pycache__", "node_modules", "site-packages")


class RemoteFile(io.RawIOBase):
    """A remote file, read in ranges. A read that fails is tried again, then raises OSError."""

    def __init__(self, name: str) -> None:
        self._system, self._path = _system(name)
        size = _patiently(self._system.info, self._path).get("size")
        self._whole: bytes | None = None
        if size is None:  # a web server that does not say
            self._whole = _patiently(self._system.cat_file, self._path)
            size = len(self._whole)
        self._size = int(size)
        self._place = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place; returns it."""
        self._place = offset + (0, self._place, self._size)[whence]
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Fill as much of the buffer as the file has."""
        first, last = self._place, min(self._place + len(buffer), self._size)
        if last <= first:
            return 0
        if self._whole is None:
            data = _patiently(self._system.cat_file, self._path, start=first, end=last)
            data = data[first:last] if len(data) > last - first else data  # a web server without ranges sends all
        else:
            data = self._whole[first:last]
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)


def _system(name: str) -> tuple[Any, str]:
    """The file system of an address and the path in it. Raises OSError where it cannot be reached."""
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise OSError("reading remote files needs fsspec: pip install 'ttsdoc[remote]'") from error
    try:
        system, path = _patiently(url_to_fs, name)
    except (ImportError, ValueError) as error:  # no such protocol, or its package is not installed
        raise OSError(str(error)) from error
    return system, path


def _patiently(action: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """What a call to a far system returns; it may fail twice. Raises OSError."""
    outcome: Any = None
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE * 4 ** (attempt - 1))
        outcome = _try(action, arguments, options)
        if not isinstance(outcome, Exception):
            return outcome
    reason = f"{type(outcome).__name__} {outcome}".replace("\n", " ")
    raise OSError(f"{reason}, {ATTEMPTS} times") from outcome


def _try(action: Callable[..., Any], arguments: Any, options: Any) -> Any:
    """The result, or the error if another attempt may help."""
    try:
        return action(*arguments, **options)
    except (FileNotFoundError, PermissionError, ImportError, ValueError):
        raise
    except Exception as error:  # each system has errors of its own
        return error
