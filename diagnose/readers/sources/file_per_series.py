"""Files that hold one series each and are named after it: `train_loss.txt`, `test_loss.txt` of one run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from diagnose.errors import LogError
from diagnose.readers.roles import measured_in, read_tag
from diagnose.readers.sources import Source
from diagnose.run import Run

Reading = Callable[[Source], Run]


def series_named(source: Source) -> str:
    """What the one series of a file is called: after the measure in its name; empty where that names none.

    A critic without a generator beside it plays against nobody: it estimates the return of a policy.
    """
    named = measured_in(Path(source.name).stem)[0]
    alone = "critic" in read_tag(named).words and (source.path is None or len(_family(source.path)) < 2)
    return "" if alone else named


def with_series_beside(source: Source, read: Reading) -> Run:
    """The run of `source`, with the series of the files beside it that differ in the measure only.

    They belong to the first of them, the training loss; one found in a folder is left to it (LogError, which the walk
    passes over), one that was asked for by name is read alone.
    """
    family = _family(source.path) if source.path is not None else []
    if not family or source.path != family[0]:
        if family and not source.asked:
            raise LogError(f"{source.name}: read together with {family[0]}")
        return read(source)
    run, joined = read(source), []
    for path in family[1:]:
        with suppress(LogError):  # another kind of file under a like name
            other = read(Source(str(path), path, label=source.label))
            if not run.curves.keys() & other.curves.keys():
                joined.append(path.name)
                run = replace(
                    run,
                    curves={**run.curves, **other.curves},
                    sources=run.sources + other.sources,
                    health=run.health + other.health,
                )
    note = f"read together with the files of the other series beside it: {', '.join(joined)}"
    return replace(run, notes=(*run.notes, *([note] if joined else [])))


def _family(path: Path) -> list[Path]:
    """The files of one run, its training loss first; none where the name says of nothing what it is."""
    named, rest = measured_in(path.stem)
    if not named:
        return []
    beside = [other for other in sorted(path.parent.glob(f"*{path.suffix}")) if other.is_file()]
    return sorted((other for other in beside if _is_sister(other, rest)), key=_is_no_training_loss)


def _is_sister(path: Path, rest: str) -> bool:
    named, other = measured_in(path.stem)
    return bool(named) and other == rest


def _is_no_training_loss(path: Path) -> tuple[bool, bool, bool]:
    reading = read_tag(measured_in(path.stem)[0])
    return not reading.lossy, reading.held_out, reading.never
