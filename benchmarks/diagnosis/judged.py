"""What a tool said of each case, and whether that was right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.diagnosis.cases import Case
from diagnose.testing.synthetic import Fault


@dataclass(frozen=True, slots=True)
class Answer:
    """The alarms of one tool on one run: findings at warning level or above."""

    first: frozenset[str]
    """The finding that the tool names first, with what it tells as its consequences."""
    named: frozenset[str]
    """All findings at warning level."""
    inconclusive: bool = False
    problem: str | None = None
    """Why there is no answer."""
    told: frozenset[str] = frozenset()
    """All findings, information included."""

    @property
    def label(self) -> str:
        """The first finding for a confusion table."""
        return self.problem or " + ".join(sorted(self.first)) or ("inconclusive" if self.inconclusive else "-")


SILENT = Answer(frozenset(), frozenset())


def from_report(run: Mapping[str, Any]) -> Answer:
    """The answer in one run of `ttsdoc analyze --format json`."""
    alarms = [one for one in run["findings"] if one["severity"] != "info" and one["confidence"] != "low"]
    causes = [one["name"] for one in alarms if not one.get("explained_by")]
    told = frozenset(one["name"] for one in run["findings"])
    if not causes:
        return Answer(frozenset(), frozenset(), inconclusive=run["verdict"] == "inconclusive", told=told)
    folded = {one["name"] for one in alarms if one.get("explained_by") == causes[0]}
    return Answer(frozenset({causes[0], *folded}), frozenset(one["name"] for one in alarms), told=told)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A case with the answer of one tool."""

    case: Case
    answer: Answer

    @property
    def right(self) -> bool:
        """The right fault named first; for a healthy run, no alarm and, where it can be judged, a verdict."""
        if self.answer.problem is not None:
            return False
        if self.case.fault is Fault.HEALTHY:
            return not self.answer.named and not (self.answer.inconclusive and self.case.judgeable)
        return bool(self.answer.first & self.case.accepted)

    @property
    def false_alarm(self) -> bool:
        """A warning or an error about a healthy run."""
        return self.case.fault is Fault.HEALTHY and bool(self.answer.named)

    @property
    def named(self) -> bool:
        """The right fault named anywhere at warning level; for a healthy run, silence."""
        if self.case.fault is Fault.HEALTHY:
            return self.right
        return bool(self.answer.named & self.case.accepted)


def share(judged: Iterable[Judged], right: Callable[[Judged], bool] = lambda one: one.right) -> str:
    """`96.2 % of 80`; a dash where there is none."""
    outcomes = [right(one) for one in judged]
    return f"{100 * sum(outcomes) / len(outcomes):.1f} % of {len(outcomes)}" if outcomes else "-"


def by_class(judged: Sequence[Judged]) -> list[list[str]]:
    """Rows: class, right first, named anywhere, right with validation, right without."""
    rows = []
    for fault in [*Fault, None]:
        part = [
            one for one in judged if one.case.fault is fault or (fault is None and one.case.fault is not Fault.HEALTHY)
        ]
        rows.append(
            [
                "all faults" if fault is None else fault.value,
                share(part),
                share(part, lambda one: one.named),
                share(one for one in part if one.case.has_validation),
                share(one for one in part if not one.case.has_validation),
            ]
        )
    return rows


def by_finding(judged: Sequence[Judged]) -> list[list[str]]:
    """Rows: finding, how often it was reported of the runs that it fits, of the other faulty runs, of the healthy ones.

    A fault that several findings fit is reported by one of them, so that the first share may be far below 100 %.
    """
    names = sorted(set().union(*(one.answer.named | one.case.accepted for one in judged)))
    return [[name, *_told(name, judged)] for name in names]


def _told(name: str, judged: Sequence[Judged]) -> Iterator[str]:
    healthy = [one for one in judged if one.case.fault is Fault.HEALTHY]
    faulty = [one for one in judged if one.case.fault is not Fault.HEALTHY]
    fitting = [one for one in faulty if name in one.case.accepted]
    others = [one for one in faulty if name not in one.case.accepted]
    return (share(part, lambda one: name in one.answer.named) for part in (fitting, others, healthy))


def confusion(judged: Iterable[Judged]) -> list[list[str]]:
    """Rows: class, kind, what was said first instead, how often; the most frequent first."""
    wrong = Counter((one.case.label, one.case.kind, one.answer.label) for one in judged if not one.right)
    return [[fault, kind, label, str(count)] for (fault, kind, label), count in wrong.most_common()]


def by_kind(judged: Sequence[Judged]) -> list[list[str]]:
    """Rows: kind, class, right first, named anywhere, right with the rate in the log, right without, what was said."""
    rows = [
        [kind, part[0].case.label, *_shares(part), _said(part)]
        for kind in dict.fromkeys(one.case.kind for one in judged)
        if (part := [one for one in judged if one.case.kind == kind])
    ]
    for name, faulty in (("**all healthy**", False), ("**all faulty**", True)):
        part = [one for one in judged if (one.case.fault is not Fault.HEALTHY) is faulty]
        rows += [[name, "", *_shares(part), ""]] if part else []
    return rows


def _shares(part: Sequence[Judged]) -> Iterator[str]:
    yield share(part)
    yield share(part, lambda one: one.named)
    yield share(one for one in part if one.case.has_rate)
    yield share(one for one in part if not one.case.has_rate)


def _said(part: Iterable[Judged]) -> str:
    wrong = Counter(one.answer.label for one in part if not one.right)
    return ", ".join(f"{label} ({count})" for label, count in wrong.most_common(3))


def by_planted(judged: Sequence[Judged], twin_of: Mapping[str, str]) -> list[list[str]]:
    """Rows: check, how often it was reported at any level: of the runs with its fault, of the others, of its twins."""
    rows = []
    for name, twin in twin_of.items():
        faulty = [one for one in judged if one.case.fault is not Fault.HEALTHY]
        parts = (
            [one for one in faulty if one.case.kind == name],
            [one for one in faulty if one.case.kind != name],
            [one for one in judged if one.case.kind == twin],
        )
        rows.append([name, *(share(part, partial(_tells, name)) for part in parts)])
    return rows


def _tells(name: str, one: Judged) -> bool:
    return name in one.answer.told


def beside_planted(judged: Sequence[Judged], twin_of: Mapping[str, str]) -> list[list[str]]:
    """Rows: check, how often it was the first alarm, what else was alarmed of these runs, and of the twins."""
    rows = []
    for name, twin in twin_of.items():
        part = [one for one in judged if one.case.kind == name]
        first = share(part, lambda one: bool(one.answer.first & one.case.accepted))
        rows.append([name, first, _alarms(part, name), _alarms((j for j in judged if j.case.kind == twin), "")])
    return rows


def _alarms(part: Iterable[Judged], but: str) -> str:
    counted = Counter(name for one in part for name in one.answer.named if name != but)
    return ", ".join(f"{name} ({count})" for name, count in sorted(counted.items())) or "-"
