"""heal.json: every attempt with its config, edits, findings and result, so that any of them can be run again."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from diagnose.errors import LogError
from diagnose.files import write_whole
from diagnose.finding import Finding
from diagnose.live.verdict import Score
from diagnose.plan import AppliedEdit

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Change:
    """One value of the config that differs from the attempt before."""

    parameter: str
    path: str
    was: Any
    now: Any
    why: str

    @classmethod
    def of(cls, edit: AppliedEdit) -> Change:
        """The change that a plan made."""
        return cls(edit.parameter, edit.path, edit.was, edit.now, edit.why)


@dataclass(frozen=True, slots=True)
class Seen:
    """One finding of an attempt."""

    code: str
    name: str
    severity: str
    first_step: int | None
    confirmed: int | None
    message: str

    @classmethod
    def of(cls, finding: Finding) -> Seen:
        """What the record keeps of a finding."""
        rest = (finding.first_step, finding.confirmed, finding.message)
        return cls(finding.code, finding.name, finding.severity.value, *rest)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One training."""

    number: int
    config: str
    log_dir: str
    command: tuple[str, ...]
    """As it was started, everything filled in."""
    edits: tuple[Change, ...] = ()
    resume: str | None = None
    """The checkpoint that it went on from."""
    findings: tuple[Seen, ...] = ()
    stopped_by: str | None = None
    """The finding for which it was stopped; None: it ended by itself."""
    pid: int | None = None
    """The trainer's process while it runs."""
    status: int | None = None
    """Exit status of the trainer; None: not ended."""
    seconds: float = 0.0
    last_step: int | None = None
    samples: float | None = None
    best_val_loss: float | None = None
    best_step: int | None = None
    metric: str | None = None
    held_out_loss: float | None = None
    """Of a second validation set, where the trainer reports one."""
    checkpoints: tuple[str, ...] = ()
    accepted: bool | None = None
    reason: str = ""
    trial: bool = False
    """Whether it is the beginning of a run, ended to compare rates: not a whole training."""

    @property
    def newest(self) -> str | None:
        """The checkpoint to go on from."""
        return self.checkpoints[-1] if self.checkpoints else None

    def scored(self, score: Score | None) -> Attempt:
        """With how good it became."""
        if score is None:
            return self
        return replace(self, best_val_loss=score.loss, best_step=score.step, metric=score.metric, samples=score.samples)


@dataclass(frozen=True, slots=True)
class Record:
    """The whole healing."""

    config: str
    command: tuple[str, ...]
    """As the user gave it."""
    attempts: tuple[Attempt, ...] = ()
    verdict: str = "unfinished"
    """`healthy`, `cured`, `improved` (better, but stopped for a fault, too), `ahead` (another rate was better at the
    beginning), `not cured`, `failed`, `interrupted` or `unfinished`."""
    chosen: int | None = None
    """The attempt whose config is the result; None: the original."""
    noise: dict[str, Any] = field(default_factory=dict)
    helped: tuple[dict[str, Any], ...] = ()
    """With --one-at-a-time: what each edit did alone."""

    def with_attempt(self, attempt: Attempt) -> Record:
        """With this attempt in its place."""
        others = [one for one in self.attempts if one.number != attempt.number]
        return replace(self, attempts=tuple(sorted([*others, attempt], key=lambda one: one.number)))

    def write(self, path: Path) -> None:
        """Put it down, whole or not at all. Raises OSError."""
        content = asdict(self)
        result = {"attempt": content.pop("chosen"), "verdict": content.pop("verdict")}
        content = {"schema_version": SCHEMA, **content, "result": result}
        write_whole(path, (json.dumps(_strict(content), indent=1, ensure_ascii=False) + "\n").encode())


def read_record(path: Path) -> Record:
    """What `Record.write` put down. Raises LogError where it is none."""
    try:
        stored = json.loads(path.read_bytes())
        attempts = tuple(_attempt(one) for one in stored["attempts"])
        result = stored["result"]
        return Record(
            stored["config"],
            tuple(stored["command"]),
            attempts,
            result["verdict"],
            result["attempt"],
            stored["noise"],
            tuple(stored["helped"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LogError(f"{path}: not the record of a healing, or damaged ({error}); move it away") from error


def _attempt(stored: dict[str, Any]) -> Attempt:
    known = Attempt.__dataclass_fields__.keys() - _LISTS  # a later version may hold more
    rest = {key: value for key, value in stored.items() if key in known}
    edits = tuple(Change(**one) for one in stored["edits"])
    findings = tuple(Seen(**one) for one in stored["findings"])
    command, states = tuple(stored["command"]), tuple(stored["checkpoints"])
    return Attempt(**rest, command=command, edits=edits, findings=findings, checkpoints=states)


_LISTS = frozenset({"command", "edits", "findings", "checkpoints"})


def _strict(value: Any) -> Any:
    """NaN and inf as None, numpy's numbers as Python's."""
    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
