"""NumPy's files: `train_losses.npy`, `history.npz`. Objects in them, which are pickled, are never loaded."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import PurePath

import numpy as np
import numpy.typing as npt

from diagnose.errors import LogError
from diagnose.readers.columns import Column, curves_of
from diagnose.readers.columns.tables import counters_in, names_without_header, with_counters
from diagnose.readers.roles import losses_in
from diagnose.readers.sources import Source
from diagnose.readers.sources.file_per_series import series_named, with_series_beside
from diagnose.run import InputHealth, Run

_MAGIC = b"\x93NUMPY"
# Numbers of a curve come nowhere near; larger arrays are data.
_LARGEST = 1 << 26
_READ = "one row of numbers, or two columns (count, value), is read as a curve"
Array = npt.NDArray[np.generic]


def sniff(source: Source) -> int:
    """An array in a file that is called a loss, or several of which one is; any that was asked for by name."""
    head = source.head(len(_MAGIC))
    if head == _MAGIC:
        return 90 if source.asked or losses_in([series_named(source)]) else 0
    if head.startswith(b"PK") and source.name.lower().endswith(".npz"):
        return 90 if source.asked or losses_in(_names(source)) else 0
    return 0


def read(source: Source) -> Run:
    """Each series as a curve, with the files of other series beside it. Raises LogError for arrays of other shapes."""
    return with_series_beside(source, _read) if source.head(len(_MAGIC)) == _MAGIC else _read(source)


def _read(source: Source) -> Run:
    columns: dict[str, Column] = {}
    left = []
    for name, array in _arrays(source).items():
        found = _columns(name, array)
        columns |= found
        left += [] if found else [f"`{name}` of shape {array.shape}"]
    if not columns:
        raise LogError(f"{source.name}: {_READ}; this is {', '.join(left[:3]) or 'empty'}")
    if not losses_in(columns) and not source.tag_named:
        raise LogError(
            f"{source.name}: `{next(iter(columns))}` is no name of a loss; if it is one, say so by --train-tag"
        )
    notes = [f"left out, no curves: {', '.join(left[:3])}"] if left else []
    records = max(len(column.values) for column in columns.values())
    story = curves_of(with_counters(columns))
    return story.run(source, "numpy", InputHealth(files=1, records=records), notes, empty="no numbers")


def _columns(name: str, array: Array) -> dict[str, Column]:
    """The series in one array; nothing where it is of another shape."""
    if array.dtype.kind not in "fiu" or not array.size:
        return {}
    values = array.astype(np.float64)
    if max(values.shape, default=0) == values.size:
        return {name: Column(np.arange(values.size), values.reshape(-1))}
    if values.ndim != 2 or values.shape[1] != 2:
        return {}
    named = names_without_header(values.T)
    counters = counters_in(named).values()
    if not counters:
        return {}
    places = np.arange(len(values))
    return {
        one if one in counters else name: Column(places, column) for one, column in zip(named, values.T, strict=True)
    }


def _arrays(source: Source) -> Mapping[str, Array]:
    with source.open() as file:
        content = file.read(_LARGEST + 1)
    try:
        packed = zipfile.ZipFile(io.BytesIO(content)).infolist() if content[:2] == b"PK" else []
        if len(content) > _LARGEST or sum(item.file_size for item in packed) > _LARGEST:
            raise LogError(f"{source.name}: more than {_LARGEST >> 20} MB of numbers are no curve")
        loaded = np.load(io.BytesIO(content), allow_pickle=False)
        name = series_named(source) or PurePath(source.name).stem
        return dict(loaded) if packed else {name: loaded}
    except (ValueError, EOFError, MemoryError, zipfile.BadZipFile) as error:
        raise LogError(f"{source.name}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    if "allow_pickle" in str(error) or "pickled" in str(error):
        return "it holds Python objects, which are pickled and never loaded: save the numbers by numpy.savetxt"
    return f"no complete NumPy file ({error}): copy it again"


def _names(source: Source) -> list[str]:
    """The names of the arrays in an archive; none where it is damaged."""
    try:
        with source.open() as file, zipfile.ZipFile(file) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError, ValueError):
        return []
