"""What a tool said of each case, and whether that was right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.diagnosis.cases import Case
from diagnose.synthetic import Fault


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

    @property
    def label(self) -> str:
        """The first finding for a confusion table."""
        return self.problem or " + ".join(sorted(self.first)) or ("inconclusive" if self.inconclusive else "-")


SILENT = Answer(frozenset(), frozenset())


def from_report(run: Mapping[str, Any]) -> Answer:
    """The answer in one run of `ttsdoc analyze --format json`."""
    alarms = [one for one in run["findings"] if one["severity"] != "info" and one["confidence"] != "low"]
    causes = [one["name"] for one in alarms if not one.get("explained_by")]
    if not causes:
        return Answer(frozenset(), frozenset(), inconclusive=run["verdict"] == "inconclusive")
    folded = {one["name"] for one in alarms if one.get("explained_by") == causes[0]}
    return Answer(frozenset({causes[0], *folded}), frozenset(one["name"] for one in alarms))


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
    """Rows: finding, how often it was told of the runs that it fits, of the other sick runs, of the healthy ones.

    A fault that several findings fit is told by one of them, so that the first share may be far below 100 %.
    """
    names = sorted(set().union(*(one.answer.named | one.case.accepted for one in judged)))
    return [[name, *_told(name, judged)] for name in names]


def _told(name: str, judged: Sequence[Judged]) -> Iterator[str]:
    healthy = [one for one in judged if one.case.fault is Fault.HEALTHY]
    sick = [one for one in judged if one.case.fault is not Fault.HEALTHY]
    fitting = [one for one in sick if name in one.case.accepted]
    others = [one for one in sick if name not in one.case.accepted]
    return (share(part, lambda one: name in one.answer.named) for part in (fitting, others, healthy))


def confusion(judged: Iterable[Judged]) -> list[list[str]]:
    """Rows: class, kind, what was said first instead, how often; the most frequent first."""
    wrong = Counter((one.case.fault.value, one.case.kind, one.answer.label) for one in judged if not one.right)
    return [[fault, kind, label, str(count)] for (fault, kind, label), count in wrong.most_common()]
