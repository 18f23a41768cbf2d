"""Files that hold one series each and are named after it: `train_loss.txt`, `test_loss.txt` of one run."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from diagnose.errors import LogError
from diagnose.readers.roles import measured_in, read_tag
from diagnose.readers.sources import Source
from diagnose.regex import regex
from diagnose.run import Run

Reading = Callable[[Source], Run]
_SET = regex(r"(?<![a-z])(?:train(?:ing)?|val(?:id(?:ation)?)?|eval|dev|test)(?![a-z\d])", re.IGNORECASE)


def series_named(source: Source) -> str:
    """What the one series of a file is called: after the measure in its name; empty where that names none.

    A set that is named apart from it (`train_unet_loss.txt`) counts where the file of another set is beside it. A
    critic without a generator beside it plays against nobody: it estimates the return of a policy.
    """
    named, _ = _measured(Path(source.name))
    family = _family(source.path) if source.path is not None and named else []
    if "critic" in read_tag(named).words and len(family) < 2:
        return ""
    sets = {read_tag(_named(path)[0]).split for path in family}
    return _named(Path(source.name))[0] if len(sets) > 1 else named


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
    named, rest = _named(path)
    if not named:
        return []
    folders = path.parent.parent.iterdir() if _is_set(path.parent) else ()
    sets = [folder for folder in folders if _is_set(folder)]
    alike = (_by_rest(folder, path.suffix, folder.stat().st_mtime_ns) for folder in sets or [path.parent])
    return sorted((sister for files in alike for sister in files.get(rest, ())), key=_is_no_training_loss)


@lru_cache(maxsize=64)
def _by_rest(folder: Path, suffix: str, _: int) -> dict[str, list[Path]]:
    """The files of a folder, as it was when it was written to last, by what is in their names beside the measure."""
    files: dict[str, list[Path]] = {}
    for path in sorted(folder.glob(f"*{suffix}")):
        named, rest = _named(path)
        if named and path.suffix == suffix and path.is_file():
            files.setdefault(rest, []).append(path)
    return files


def _named(path: Path) -> tuple[str, str]:
    """What the numbers of a file are, with the set that its name or its folder tells apart; the rest of its name."""
    named, rest = _measured(path)
    if not named or read_tag(named).split:
        return named, rest
    apart = _SET.search(rest)
    if apart:
        return f"{apart[0]} {named}", rest[: apart.start()] + rest[apart.end() :]
    return (f"{path.parent.name} {named}", rest) if _is_set(path.parent) else (named, rest)


def _measured(path: Path) -> tuple[str, str]:
    """What the numbers of a file are by its own name, or by that of its folder: `loss/net_train.txt`."""
    own = measured_in(path.stem)
    folder = measured_in(path.parent.name)
    return measured_in(f"{path.parent.name} {path.stem}") if not own[0] and folder[0] and not folder[1] else own


def _is_set(folder: Path) -> bool:
    return _SET.fullmatch(folder.name) is not None


def _is_no_training_loss(path: Path) -> tuple[bool, bool, bool]:
    reading = read_tag(_named(path)[0])
    return not reading.lossy, reading.held_out, reading.never
