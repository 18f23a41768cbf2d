"""What a trainer does with each key of a config: one shape, whether its source was read or its run watched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from diagnose.finding import Confidence


class KeyState(str, Enum):
    """What the trainer does with a key."""

    LIVE = "live"
    DEAD = "dead"
    MISPLACED = "misplaced"
    UNKNOWN = "unknown"


IDLE = {KeyState.DEAD, KeyState.MISPLACED}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a source file."""

    file: str
    """As the user knows it: relative to the folder of the trainer's project where it is below it."""
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class KeyUse:
    """One key and what becomes of it."""

    path: str
    """Dotted, as in the file: `training.batch_size`."""
    state: KeyState
    confidence: Confidence = Confidence.HIGH
    """Dead: high where the name appears nowhere in code that can run, medium where something else has that name."""
    reads: tuple[Place, ...] = ()
    """Where it is read; empty unless it is live."""
    reason: str = ""
    """Why nothing can be known, or what kind of reading it was."""
    instead: str | None = None
    """The path or `--option` that the trainer reads instead of a misplaced key."""
    default: str | None = None
    """The value that is used instead, as Python would write it, where the source shows one."""
    place: Place | None = None
    """Where the other path is read, where the value is hard-coded, or where other keys of its section are read."""
    hard_coded: str | None = None
    """The value under this key's name that is in the source at `place`, as Python would write it."""

    @property
    def where(self) -> Place | None:
        """The line to look at: that reads it, that reads another key instead, or that should read it."""
        return self.reads[0] if self.reads else self.place


@dataclass(frozen=True, slots=True)
class AbsentKey:
    """A key that the trainer reads and the file does not have."""

    path: str
    default: str | None
    """What is used, as Python would write it; None where the source shows no default."""
    reads: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class KeyReport:
    """Every key of a config with what the trainer does with it."""

    trainer: str
    keys: tuple[KeyUse, ...]
    """In the order of the file; a list counts as one key."""
    absent: tuple[AbsentKey, ...] = ()
    notes: tuple[str, ...] = ()
    """One line each: what could not be read or followed."""
    method: str = "source"
    """`source` (read, nothing executed) or `trace` (watched while it ran)."""

    def __getitem__(self, path: str) -> KeyUse:
        for use in self.keys:
            if use.path == path:
                return use
        raise KeyError(path)

    def paths(self, state: KeyState) -> tuple[str, ...]:
        """The dotted paths in `state`, in the order of the file."""
        return tuple(use.path for use in self.keys if use.state is state)

    @property
    def live(self) -> tuple[str, ...]:
        """Paths that are read."""
        return self.paths(KeyState.LIVE)

    @property
    def dead(self) -> tuple[str, ...]:
        """Paths that nothing reads, under any path."""
        return self.paths(KeyState.DEAD)

    @property
    def misplaced(self) -> tuple[str, ...]:
        """Paths that nothing reads, while the same name is read elsewhere."""
        return self.paths(KeyState.MISPLACED)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Paths of which nothing can be known."""
        return self.paths(KeyState.UNKNOWN)

    @property
    def idle(self) -> tuple[KeyUse, ...]:
        """The dead and the misplaced keys: an edit to one of them has no effect."""
        return tuple(use for use in self.keys if use.state in IDLE)


def read_by(path: tuple[str, ...], reason: str, *places: Place) -> KeyUse:
    """A key that is used by whatever is at these places."""
    return KeyUse(".".join(path), KeyState.LIVE, Confidence.MEDIUM, reads=places, reason=reason)


def unknown(path: str, reason: str) -> KeyUse:
    """A key of which nothing can be known."""
    return KeyUse(path, KeyState.UNKNOWN, Confidence.LOW, reason=reason)


def leaf_paths(config: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every key of `config` that holds no mapping; a list or an empty mapping is one key."""
    for key, value in config.items():
        path = (*above, str(key))
        if isinstance(value, Mapping) and value:
            yield from leaf_paths(value, path)
        else:
            yield path
