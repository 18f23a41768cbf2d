"""One file per log format. A reader is registered by being here.

``read(path)`` gives one run, ``runs(path)`` every run below a folder, ``discover(path)`` lists them without
reading, so that many processes can share the work: ``read_source(source)`` reads one.
"""

from __future__ import annotations

import pkgutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache
from importlib import import_module
from math import isfinite
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

from diagnose.errors import LogError, unforeseen
from diagnose.project import plugins
from diagnose.readers.merge import merged
from diagnose.readers.roles import assign_roles
from diagnose.readers.sources import HEAD_BYTES, Reader, Source
from diagnose.readers.sources.own_report import is_report
from diagnose.readers.sources.same_training import one_source_a_training
from diagnose.readers.sources.samples import sounds_beside
from diagnose.readers.sources.storage import is_folder, is_remote, is_stream, local
from diagnose.readers.sources.stream import of_stream, standard_input
from diagnose.readers.sources.tree import NOTEBOOK, discover_tree
from diagnose.run import Run

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from diagnose.readers.sources.growing import FollowedEvents, FollowedText, GrowingLog

PLUGINS = "ttsdoc.readers"
CERTAIN = 100
SURE = 50
"""From this `sniff` on a file found in a tree is treated as a log without being named."""

_LOOKED_FOR = "event files, .log, .txt, .csv, .json, .jsonl, .npy, .ipynb"

_PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip"}
"""How compressed files begin."""


def every_reader() -> tuple[Reader, ...]:
    """All readers: the modules here that have a `sniff`, and those of other packages (`ttsdoc.readers`)."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    shipped = [cast("Reader", module) for name in names if hasattr(module := _module(name), "sniff")]
    return (*shipped, *_plugged_in())


@cache
def _plugged_in() -> tuple[Reader, ...]:
    """The readers of other packages. Raises LogError for one that cannot be loaded."""
    return tuple(map(_loaded, plugins(PLUGINS)))


def _loaded(entry: EntryPoint) -> Reader:
    try:
        return cast("Reader", entry.load())
    except Exception as error:  # another package's fault: said, with its name
        raise LogError(f"plug-in {entry.name} ({entry.value}): {type(error).__name__}: {error}") from None


@cache
def _module(name: str) -> ModuleType:
    return import_module(f"{__name__}.{name}")


def read(path: str | Path) -> Run:
    """The one run at `path`: a log file, a folder of event files, or `-` for standard input.

    Raises LogError, in one line, if nothing is there, if it cannot be read, or if it holds several runs.
    """
    sources = discover(path)
    if len(sources) > 1:
        raise LogError(f"{path}: {len(sources)} runs; name one of them ({sources[0].name}, ...) or use `runs`")
    return read_source(sources[0])


def runs(path: str | Path) -> Iterator[Run]:
    """Every run at or below `path`, in the order of their names.

    A file that was not asked for by name and turns out to be no log is passed over.
    Raises LogError, in one line, if nothing is there or nothing could be read.
    """
    sources = discover(path)
    count, reason = 0, None
    for source in sources:
        try:
            run = read_source(source)
        except LogError as error:
            reason = reason or error
            continue
        count += 1
        yield run
    if not count and reason:
        raise reason


def follow(path: str | Path) -> Iterator[Run | None]:
    """Look again and again at a log that is still being written: the run so far, or None if nothing is new.

    Only what is new is read. Of several runs the one that was written to last counts; a JSON document that holds no
    run (a summary, a config) hides none. Each step of the iterator is one look; the caller waits between them.
    Raises LogError, in one line, if the path does not exist.
    """
    followed: dict[str, FollowedEvents | FollowedText] = {}
    while True:
        run = None
        for source in _newest_first(str(path)):
            try:
                log = followed.get(source.name) or _followed(source)
                followed[source.name] = log
                run = log.poll(source)
            except FileNotFoundError:  # removed since it was listed, as what a trainer writes aside and renames
                followed.pop(source.name, None)
                continue
            if run is not None or not _is_summary(log, source):
                break
        yield None if run is None or not run.curves else assign_roles(run)


def _is_summary(log: FollowedEvents | FollowedText, source: Source) -> bool:
    from diagnose.readers.sources.growing import FollowedText

    return isinstance(log, FollowedText) and not log.readable and source.name.endswith(".json")


def _followed(source: Source) -> FollowedEvents | FollowedText:
    from diagnose.readers.sources.growing import FollowedEvents, FollowedText  # short commands follow nothing

    return FollowedEvents() if cast("Reader", _module("tensorboard")).sniff(source) else FollowedText(_read, _growing)


def _growing(source: Source) -> GrowingLog | None:
    """The log to feed with what is new, where the surest reader has one."""
    _, reader = _surest(source)
    return reader.TextLog() if reader is _module("text") else None


def _newest_first(path: str) -> list[Source]:
    """The runs at or below a path, the one that was written to last first."""
    try:
        sources = [source for source in discover(path) if not source.reason]
    except LogError:
        if is_remote(path) or Path(path).exists():
            return []
        raise
    return sorted(sources, key=lambda source: source.written, reverse=True)


def discover(path: str | Path) -> list[Source]:
    """The runs at or below `path`, cheaply: by the names and the first bytes of files.

    Raises LogError if the path is missing or holds no log.
    """
    name = str(path)
    if name == "-":
        return [standard_input()]
    if not name:
        raise LogError("an empty name was given for the logs: is a variable not set?")
    if "\0" in name:
        raise LogError(f"{name}: no such file or folder")
    try:
        if is_stream(name):
            return [of_stream(name)]
        if not is_folder(name):
            return [*_trainings(Source(name, local(name)))]
        found = [log for source in discover_tree(name) if (log := _worth_reading(source)) is not None]
        logs = [source for source in found if not source.name.endswith(NOTEBOOK)]
        found = one_source_a_training(logs or found)  # a notebook repeats what the logs hold, or explores
    except FileNotFoundError as error:
        raise LogError(f"{name}: no such file or folder") from error
    except OSError as error:
        raise LogError(f"{name}: cannot be read ({error.strerror or error})") from error
    if not found:
        raise LogError(f"{name}: no training log in this folder ({_LOOKED_FOR})")
    if all(source.reason for source in found):
        raise LogError(found[0].reason)
    return [training for source in found for training in _trainings(source)]


def _trainings(source: Source) -> list[Source]:
    """The source, or what trained in the cells of a notebook."""
    found: list[Source] = _module("notebook").trainings(source) if source.name.endswith(NOTEBOOK) else [source]
    return found


def _worth_reading(source: Source) -> Source | None:
    """The source if it looks like a log. One that cannot be opened counts as asked for, so that this is reported."""
    try:
        return source if source.reason or source.parts or _surest(source)[0] > 0 else None
    except OSError:
        return replace(source, asked=True)
    except Exception as error:  # one strange file must not hide the others
        return replace(source, asked=True, reason=f"{source.name}: {unforeseen(error)}")


def read_source(source: Source) -> Run:
    """The run of one source, by the reader that is surest of it. Raises LogError, in one line."""
    if source.reason:
        raise LogError(source.reason)
    try:
        run = merged(_read(source), [*_others(source)])
        notes = (*run.notes, *source.notes, *_beside(source))
        run = assign_roles(replace(run, notes=notes, idle_seconds=_idle(source)))
        return replace(run, attachments=(*run.attachments, *sounds_beside(source, run)))
    except LogError:
        raise
    except Exception as error:  # one strange file must not hide the others
        raise LogError(f"{source.name}: {unforeseen(error)}") from error


def _others(source: Source) -> Iterator[Run]:
    """The runs of the other logs of the same training, as far as they can be read."""
    for other in source.also:
        with suppress(LogError):  # what the first log holds is complete by itself
            yield assign_roles(_read(other))


def _idle(source: Source) -> float | None:
    """Seconds since the last write; None where that is not known."""
    written = max(one.written for one in (source, *source.also))
    return max(0.0, time.time() - written) if isfinite(written) else None


def _read(source: Source) -> Run:
    try:
        score, reader = _surest(source)
        if not score:
            raise LogError(f"{source.name}: {_what_else(source)}")
        run = reader.read(source)
    except OSError as error:
        raise LogError(f"{error.filename or source.name}: cannot be read ({error.strerror or error})") from error
    if not any(len(curve) for curve in run.curves.values()):
        raise LogError(f"{source.name}: no scalars in it")
    if not source.asked and max(map(len, run.curves.values())) < 2:
        raise LogError(f"{source.name}: one value a name, a config or a summary; name it to have it read as a log")
    return run


def _what_else(source: Source) -> str:
    """Why a file is no log."""
    head = source.head(HEAD_BYTES)
    packed = next((name for magic, name in _PACKED.items() if head.startswith(magic)), None)
    if packed is not None:
        return f"packed with {packed}; unpack it and give the log itself"
    if not head:
        return "empty: nothing has been logged, or not yet"
    return "not a log that ttsdoc can read; give an event file or a text log"


def _beside(source: Source) -> Iterator[str]:
    """A note on text logs beside the event files, which are not judged a second time."""
    names = [name for name in source.beside if _is_log(name)]
    if names:
        yield f"beside the event files, treated as the same training and not judged: {', '.join(names)}"


def _is_log(name: str) -> bool:
    try:
        return _surest(Source(name, local(name)))[0] >= SURE
    except Exception:  # what cannot be read beside a run says nothing of it
        return False


def scores_of(source: Source) -> list[tuple[str, int]]:
    """How sure each reader is that the source is its own, the surest first; those that are not are left out."""
    scores = [(reader_name(reader), reader.sniff(source)) for reader in every_reader()]
    return sorted(((name, score) for name, score in scores if score), key=lambda pair: -pair[1])


def reader_name(reader: Reader) -> str:
    """What a reader is called: its module."""
    return getattr(reader, "__name__", type(reader).__name__).rpartition(".")[2]


def _surest(source: Source) -> tuple[int, Reader]:
    """The reader to take, and how sure it is: 0 if it is not."""
    events = cast("Reader", _module("tensorboard"))
    if events.sniff(source) == CERTAIN:  # asked first: the other readers take longer to import than most runs to read
        return CERTAIN, events
    if is_report(source.head(HEAD_BYTES)):
        return 0, events
    scores, trouble = [(0, events)], None
    for reader in every_reader():
        try:
            scores.append((reader.sniff(source), reader))
        except OSError:  # noqa: PERF203 - as many as there are formats
            raise
        except Exception as error:  # one reader that stumbles must not hide the others
            trouble = error
    best = max(scores, key=lambda pair: pair[0])
    if trouble and not best[0]:
        raise trouble
    return best
