"""The peers on the real runs: each is given the curves that ttsdoc read, under the plainest names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from benchmarks.diagnosis.cases import Case
from benchmarks.diagnosis.rivals import PeerAnswer, ask, meaning
from benchmarks.real.corpus import Answer, Labelled
from diagnose.run import Role
from diagnose.testing.synthetic import Fault

LABELS: Mapping[Fault, frozenset[str]] = {
    Fault.SPIKE: frozenset({"spike"}),
    Fault.DIVERGENCE: frozenset({"divergence"}),
    Fault.NAN: frozenset({"nan"}),
    Fault.PLATEAU: frozenset({"plateau"}),
    Fault.OVERFITTING: frozenset({"overfitting"}),
    Fault.MEMORISATION: frozenset({"overfitting"}),
    Fault.RATE_TOO_HIGH: frozenset({"divergence", "oscillation"}),
    Fault.RATE_TOO_LOW: frozenset({"underfit"}),
}
"""What a peer's alarm may be called: any word that fits counts."""


def table(logs: Sequence[Labelled], answers: Sequence[Answer]) -> str:
    """Right, right where a fault is asked for, and healthy runs alarmed, for ttsdoc and each peer.

    Only logs of one run with a training loss that ask for an answer; `too-short` counts for no tool here.
    """
    asked = {log.id: log for log in logs if _comparable(log)}
    cases = [Case(name, "real", None, "", 0, log.facts[0].run, frozenset()) for name, log in asked.items()]
    found: dict[str, dict[str, frozenset[str] | None]] = defaultdict(dict)
    found["ttsdoc"] = {log.id: said.found for log, said in zip(logs, answers, strict=True) if log.id in asked}
    for one in ask(cases):
        found[one.tool][one.case.name] = _words(one)
    lines = ["| tool | answered | right | faults right | healthy alarmed |", "|---|---|---|---|---|"]
    lines += [_line(tool, asked, said) for tool, said in found.items()]
    return "\n".join(lines)


def _comparable(log: Labelled) -> bool:
    one = len(log.facts) == 1 and log.facts[0].curve(Role.TRAIN_LOSS) is not None
    return one and log.demanded and "too-short" not in log.must | log.some


def _words(answer: PeerAnswer) -> frozenset[str] | None:
    """The labels that its alarms may stand for; None where it gave no answer."""
    if answer.problem is not None:
        return None
    if not answer.alarms:
        return frozenset({"healthy"})
    return frozenset(
        label for alarm in answer.alarms for fault in meaning(answer.tool, alarm) for label in LABELS[fault]
    )


def _line(tool: str, asked: Mapping[str, Labelled], said: Mapping[str, frozenset[str] | None]) -> str:
    pairs = [(asked[name], words) for name, words in said.items() if words is not None]
    right = [_right(log, words) for log, words in pairs]
    faulty = [_right(log, words) for log, words in pairs if log.sick]
    healthy = ["healthy" not in words for log, words in pairs if log.must == {"healthy"}]
    cells = [_share(right), _share(faulty), f"{sum(healthy)} of {len(healthy)}"]
    return "| " + " | ".join([tool, f"{len(pairs)} of {len(said)}", *cells]) + " |"


def _right(log: Labelled, words: frozenset[str]) -> bool:
    return log.must <= words and (not log.some or bool(log.some & words))


def _share(right: Sequence[bool]) -> str:
    return f"{sum(right)} of {len(right)} ({sum(right) / max(len(right), 1):.0%})"
