"""Writing files so that nothing is lost: to a temporary file, to the disk, then under its name."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Put `content` at `path`: whoever looks sees the old file or the new one, never half of it.

    The old file's permissions are kept, and a link stays a link. Raises OSError where the folder cannot be written.
    """
    path = path.resolve()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    aside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.chmod(path.stat().st_mode & 0o7777 if path.exists() else 0o644)
        aside.replace(path)
        _sync_folder(path.parent)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power failure."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def rewrite(path: Path, content: bytes) -> Path:
    """Put `content` at `path` and keep what was there beside it. Returns the backup's path.

    Raises OSError where the folder cannot be written, FileExistsError rather than overwriting a backup.
    """
    backup = path.with_name(f"{path.name}.bak")
    if backup.exists():
        raise FileExistsError(f"{backup}: there is a backup already; move it or delete it first")
    with backup.open("xb") as file:
        file.write(path.read_bytes())
        file.flush()
        os.fsync(file.fileno())
    write_whole(path, content)
    return backup
