"""MLflow's file store: `mlruns/<experiment>/<run>/metrics/<key>`, its lines `milliseconds value step`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from diagnose.errors import LogError
from diagnose.readers.columns import curves_of
from diagnose.readers.columns.tables import columns_of_points
from diagnose.readers.sources import Source
from diagnose.regex import regex
from diagnose.run import InputHealth, Run

_LINE = regex(rb"\d{12,14} \S+(?: -?\d+)?\s*$")
# A metric file of a long run has some megabytes.
_LARGEST = 1 << 28


def sniff(source: Source) -> int:
    """A file of such lines below a folder `metrics`."""
    if source.path is None or _folder_of(source.path) is None:
        return 0
    first = source.head(200).split(b"\n", 1)[0]
    return 95 if _LINE.fullmatch(first) else 0


def read(source: Source) -> Run:
    """All the metrics of the run that this file belongs to.

    Raises LogError for a file found in a folder that is not the run's first: the run is read once.
    """
    folder = _folder_of(source.path) if source.path else None
    if folder is None:
        raise LogError(f"{source.name}: not in a folder `metrics` of an MLflow run")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not source.asked and files and source.path != files[0]:
        raise LogError(f"{source.name}: read together with {files[0]}")
    found = [point for path in files for point in _points(path, path.relative_to(folder).as_posix())]
    points = [point for point in found if point is not None]
    health = InputHealth(len(files), len(points), len(found) - len(points))
    label = source.label if source.asked else Path(source.label).parts[0]
    name = _label(source, folder) or label
    more = {"name": name, "source": str(folder.parent), "sources": tuple(map(str, files))}
    return curves_of(columns_of_points(points)).run(source, "mlflow", health, empty=f"no metrics in {folder}", **more)


def _label(source: Source, folder: Path) -> str:
    """The run's name: its folder as the label of the source spells it."""
    parts = Path(source.label).parts
    return "/".join(parts[: parts.index(folder.name)]) if folder.name in parts else ""


def _folder_of(path: Path) -> Path | None:
    """The folder `metrics` above a metric file; keys with slashes are deeper."""
    return next((parent for parent in list(path.parents)[:4] if parent.name == "metrics"), None)


def _points(path: Path, tag: str) -> Iterator[dict[str, float | None] | None]:
    """Seconds, value and step of each line; None for a line that is damaged."""
    if path.stat().st_size > _LARGEST:
        raise LogError(f"{path}: {path.stat().st_size} bytes is no metric file of MLflow")
    for line in path.read_bytes().splitlines():
        parts = [*line.split(b" "), b"0"]
        try:
            yield {"global_step": int(parts[2]), "wall_time": int(parts[0]) / 1000.0, tag: float(parts[1])}
        except (ValueError, IndexError):
            yield None
