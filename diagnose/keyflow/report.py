"""What a trainer does with each key of a config: one shape, whether its source was read or its run watched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from diagnose.finding import Confidence, Evidence, Finding, Severity

CODE = "CFG001"
NAME = "dead-key"
MOST_TOLD = 12
CHOSEN_BY_THE_RUN = "read under a key that only the run knows"


class KeyState(str, Enum):
    """What the trainer does with a key."""

    LIVE = "live"
    DEAD = "dead"
    MISPLACED = "misplaced"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a source file."""

    file: str
    """As the user knows it: relative to the folder of the trainer's project where it lies below it."""
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class KeyUse:
    """One key and what becomes of it."""

    path: str
    """Dotted, as in the file: `training.batch_size`."""
    state: KeyState
    reads: tuple[Place, ...] = ()
    """Where it is read; empty unless it is live."""
    reason: str = ""
    """Why nothing can be told, or what kind of reading it was."""
    instead: str | None = None
    """The path or `--option` that the trainer reads instead of a misplaced key."""
    default: str | None = None
    """The value that is used instead, as Python would write it, where the source shows one."""
    place: Place | None = None
    """Where the other path is read, where the value is hard-coded, or where its siblings are read."""
    hard_coded: str | None = None
    """The value under this key's name that stands in the source at `place`, as Python would write it."""


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
        """Paths of which nothing can be told."""
        return self.paths(KeyState.UNKNOWN)

    @property
    def idle(self) -> tuple[KeyUse, ...]:
        """The dead and the misplaced keys: an edit to one of them changes nothing."""
        return tuple(use for use in self.keys if use.state in {KeyState.DEAD, KeyState.MISPLACED})

    def findings(self) -> tuple[Finding, ...]:
        """One CFG001 finding for each misplaced key, and one for all dead keys together."""
        misplaced = [use for use in self.keys if use.state is KeyState.MISPLACED]
        dead = [use for use in self.keys if use.state is KeyState.DEAD]
        found = [_finding(Severity.ERROR, sentence(use), advice(use)) for use in misplaced]
        if dead:
            found.append(_finding(Severity.WARNING, _dead_message(self.trainer, dead), _dead_advice(dead), len(dead)))
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """The report as plain data for `--format json`."""
        return {
            "trainer": self.trainer,
            "method": self.method,
            "keys": [_use_json(use) for use in self.keys],
            "absent": [
                {"path": key.path, "default": key.default, "reads": [str(place) for place in key.reads]}
                for key in self.absent
            ],
            "notes": list(self.notes),
        }

    def lines(self) -> Iterator[str]:
        """The report as text, the sick keys first."""
        width = max((len(use.path) for use in self.idle), default=0)
        for use in self.idle:
            yield f"{use.state.value:<10} {use.path:<{width}}  {_in_short(use)}".rstrip()
        for key in self.absent:
            default = "no default" if key.default is None else f"default {key.default}"
            yield f"{'absent':<10} {key.path} is read at {key.reads[0]}; the file does not have it ({default})"
        for reason, paths in _by_reason(self.keys).items():
            yield f"{'cannot tell':<11} {_some(paths)}: {reason}"
        yield (
            f"{len(self.keys)} keys: {len(self.live)} read, {len(self.dead)} never read, "
            f"{len(self.misplaced)} read under another path, {len(self.unknown)} cannot tell"
        )
        if self.idle:
            yield "Changing a dead or misplaced key has no effect."


def sentence(use: KeyUse) -> str:
    """One sentence on a dead or misplaced key, for people."""
    if use.state is KeyState.MISPLACED:
        default = "" if use.default is None else f", so {use.default} is used"
        where = "" if use.place is None else f" ({use.place})"
        return f"the trainer never reads `{use.path}`: it reads `{use.instead}`{where}{default}"
    if use.hard_coded is not None:
        return f"the trainer never reads `{use.path}`: {use.hard_coded} is written in the source at {use.place}"
    return f"the trainer never reads `{use.path}`"


def advice(use: KeyUse) -> str:
    """What to do about a dead or misplaced key: the live key, or the line of source to change."""
    name = use.path.rpartition(".")[2]
    if use.state is KeyState.MISPLACED:
        if (use.instead or "").startswith("--"):
            return f"give {use.instead} on the command line, or let the trainer read `{use.path}` at {use.place}"
        return f"write it as `{use.instead}`, or let the trainer read `{use.path}` at {use.place}"
    if use.hard_coded is not None:
        return f"changing `{use.path}` has no effect: the trainer needs a code change at {use.place}"
    where = "" if use.place is None else f" (its neighbours are read at {use.place})"
    return f"changing `{use.path}` has no effect: the trainer needs code that uses `{name}`{where}"


def _in_short(use: KeyUse) -> str:
    if use.state is KeyState.MISPLACED:
        default = "" if use.default is None else f", {use.default} is used"
        return f"the trainer reads {use.instead} ({use.place}){default}"
    if use.hard_coded is not None:
        return f"{use.hard_coded} is written in the source at {use.place}"
    return use.reason or ("" if use.place is None else f"its neighbours are read at {use.place}")


def unknown_report(trainer: str, paths: tuple[str, ...], reason: str, method: str = "source") -> KeyReport:
    """A report that accuses nothing, because nothing could be followed."""
    keys = tuple(KeyUse(path, KeyState.UNKNOWN, reason=reason) for path in paths)
    return KeyReport(trainer, keys, notes=(reason,), method=method)


def leaf_paths(config: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """The dotted path of every key of `config` that holds no mapping; a list or an empty mapping is one key."""
    for key, value in config.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from leaf_paths(value, f"{path}.")
        else:
            yield path


def _finding(severity: Severity, message: str, advised: str, keys: int = 1) -> Finding:
    return Finding(
        CODE,
        NAME,
        severity,
        Confidence.HIGH,
        "config",
        message,
        evidence=(Evidence("dead_keys", keys),),
        advice=advised,
    )


def _dead_message(trainer: str, dead: list[KeyUse]) -> str:
    paths = [use.path for use in dead]
    noun = "this key" if len(dead) == 1 else f"these {len(dead)} keys"
    return f"{trainer} never reads {noun}: {_some(paths)}"


def _dead_advice(dead: list[KeyUse]) -> str:
    coded = [advice(use) for use in dead if use.hard_coded is not None]
    return "; ".join(coded[:3]) or "changing these values has no effect: each needs code in the trainer that uses it"


def _some(paths: list[str]) -> str:
    told = ", ".join(f"`{path}`" for path in paths[:MOST_TOLD])
    return told if len(paths) <= MOST_TOLD else f"{told} and {len(paths) - MOST_TOLD} more"


def _by_reason(keys: tuple[KeyUse, ...]) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for use in keys:
        if use.state is KeyState.UNKNOWN:
            reasons.setdefault(use.reason, []).append(use.path)
    return reasons


def _use_json(use: KeyUse) -> dict[str, Any]:
    return {
        "path": use.path,
        "state": use.state.value,
        "reads": [str(place) for place in use.reads],
        "reason": use.reason,
        "instead": use.instead,
        "default": use.default,
        "place": None if use.place is None else str(use.place),
        "hard_coded": use.hard_coded,
    }
