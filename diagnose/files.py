"""Writing files so that nothing is lost: aside, to the disk, then under its name."""

from __future__ import annotations

import fcntl
import filecmp
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from itertools import count
from pathlib import Path

from diagnose.errors import TtsdocError

_ASIDE = ".ttsdoc"
"""How the names of files end that are being written aside."""


def write_whole(path: Path, content: bytes) -> None:
    """Put `content` at `path`: whoever looks sees the old file or the new one, never half of it.

    The old file's permissions are kept, its owner and extended attributes where the system allows it; a link
    stays a link, and a device or a pipe itself. What a killed writer left behind is removed. Raises OSError where the
    folder cannot be written.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    with _written_aside(path, content) as aside:
        aside.replace(path)
    _sync_folder(path.parent)


def rewrite(path: Path, content: bytes) -> Path:
    """Put `content` at `path` and keep what was there beside it. Returns the backup's path.

    The backup is the old file itself, with its permissions, owner and attributes: `NAME.bak`, or `NAME.bak.1` and so
    on where that holds something else. Raises OSError where the folder cannot be written, PermissionError for a
    file that is read-only or another user's.
    """
    target = path.resolve()
    _refuse_what_is_protected(path, target.stat())
    with _written_aside(target, content) as aside:
        backup = _kept(target, path)
        aside.replace(target)
    _sync_folder(target.parent)
    return backup


def _refuse_what_is_protected(path: Path, status: os.stat_result) -> None:
    if not status.st_mode & 0o222:
        raise PermissionError(f"{path}: read-only; make it writable (chmod u+w), or write to another file")
    if os.geteuid() not in (0, status.st_uid):
        raise PermissionError(f"{path}: belongs to another user, which a new file could not; write to another file")


def _kept(target: Path, path: Path) -> Path:
    """A second name for the file that is about to be replaced; a backup that holds the same already will do."""
    for number in count():
        backup = path.with_name(f"{path.name}.bak{f'.{number}' * bool(number)}")
        if not os.path.lexists(backup):
            break
        if backup.is_file() and filecmp.cmp(backup, target, shallow=False):
            return backup
    try:
        os.link(target, backup)  # takes no room, and cannot be half-written
    except FileExistsError:  # another process was faster
        return _kept(target, path)
    except OSError:  # a file system without links, or another one than the config's
        write_whole(backup, target.read_bytes())
        _copy_permissions(backup, target)
    return backup


@contextmanager
def _written_aside(path: Path, content: bytes) -> Iterator[Path]:
    """A synced file beside `path` with the content, and with its permissions and owner; gone when the block ends."""
    _sweep(path)
    try:
        handle, aside = _open_aside(path)
    except OSError as error:
        raise _about(path, error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
            if not aside.exists():
                os.link(f"/proc/self/fd/{handle}", aside, src_dir_fd=handle)  # with it, Python follows the link
            if path.is_file():
                _copy_permissions(aside, path)
            yield aside  # inside the block: closing lets go of the lock
    except OSError as error:
        raise _about(path, error) from error
    finally:
        aside.unlink(missing_ok=True)


def _about(path: Path, error: OSError) -> OSError:
    """The same error about the file that the user knows."""
    return OSError(error.errno, error.strerror or str(error), str(path))


def _open_aside(path: Path) -> tuple[int, Path]:
    """A new file to write to, locked, and the name that it has or will be given.

    Until it is written it has no name, where the system knows such files: then a kill leaves nothing. Elsewhere the
    lock ends with its process, so that the next writer knows what is left behind.
    """
    mode = 0o600 if path.exists() else 0o666  # the second is cut by the umask
    aside = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}{_ASIDE}")
    try:
        handle = os.open(path.parent, os.O_TMPFILE | os.O_RDWR, mode)
        if Path(f"/proc/self/fd/{handle}").exists():
            _lock(handle)
            return handle, aside
        os.close(handle)
    except (AttributeError, OSError):
        pass
    handle = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_RDWR, mode)
    _lock(handle)
    if aside.exists():
        return handle, aside
    os.close(handle)  # another writer took it for left behind before it was locked
    return _open_aside(path)


def _lock(handle: int) -> None:
    with suppress(OSError):  # a file system without locks
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sweep(path: Path) -> None:
    """Remove what killed writers left of earlier versions of `path`: files that nobody holds the lock of."""
    for left in path.parent.glob(f".{escape(path.name[:200])}.*{_ASIDE}"):
        with suppress(OSError), left.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()


def _copy_permissions(copy: Path, model: Path) -> None:
    """Give a file the owner, permissions and extended attributes of another, as far as the system allows."""
    status = model.stat()
    with suppress(OSError):
        os.chown(copy, -1, status.st_gid)
        os.chown(copy, status.st_uid, -1)
    copy.chmod(status.st_mode & 0o7777)
    with suppress(OSError, AttributeError):
        for name in os.listxattr(model):
            with suppress(OSError):  # some belong to the system
                os.setxattr(copy, name, os.getxattr(model, name))


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power failure, where the file system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def inside(root: Path, text: str) -> Path:
    """The path below `root` that `text` names. Raises TtsdocError where it leads out of it, by a link too."""
    text = text.strip()
    if not text:
        raise TtsdocError("give a path")
    if "://" not in text and "\0" not in text:
        place = (root / text).resolve()
        if place.is_relative_to(root.resolve()):
            return place
    raise TtsdocError(f"{text}: outside the folder {root}; start with --root for another")
