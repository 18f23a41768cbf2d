"""Answers counted: how many are right, how often the healthy are alarmed, what a confidence is worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from benchmarks.real.corpus import MEANS, STRICT, Answer, Labelled

HEAD = ("", "right", "unhealthy right", "labels of high confidence", "healthy alarmed", "abstained")


def row(title: str, logs: Sequence[Labelled], answers: Sequence[Answer]) -> str:
    """One line of the table."""
    pairs = [(log, said) for log, said in zip(logs, answers, strict=True) if log.demanded]
    sick = [said.right for log, said in pairs if log.sick]
    high = [said.right for log, said in pairs if log.confidence == "high"]
    healthy = [said.false for log, said in pairs if log.must == {"healthy"}]
    cells = [
        _share([said.right for _, said in pairs]),
        _share(sick),
        _share(high),
        f"{sum(healthy)} of {len(healthy)}",
        f"{sum(said.abstained for _, said in pairs)} of {len(pairs)}",
    ]
    return _line([title, *cells])


def table(rows: Sequence[str]) -> str:
    """The lines under their head."""
    return "\n".join([_line(HEAD), _line(["---"] * len(HEAD)), *rows])


def reliability(logs: Sequence[Labelled], answers: Sequence[Answer]) -> str:
    """Of the findings at each confidence, how many are acceptable by the label of their log."""
    counts: Counter[tuple[str, str, bool]] = Counter()
    for log, said in zip(logs, answers, strict=True):
        for name, confidence in said.names:
            if log.may:
                counts[name, confidence, MEANS[name] in log.may] += 1
    return "\n".join(_reliability_lines(counts))


def _reliability_lines(counts: Counter[tuple[str, str, bool]]) -> Iterator[str]:
    levels = ("high", "medium", "low")
    yield _line(["finding", *levels])
    yield _line(["---"] * (1 + len(levels)))
    names = sorted({name for name, _, _ in counts})
    for name in names:
        yield _line([name, *(_cell(counts, (name,), level) for level in levels)])
    yield _line(["all", *(_cell(counts, names, level) for level in levels)])


def _cell(counts: Counter[tuple[str, str, bool]], names: Sequence[str], level: str) -> str:
    good, bad = (sum(counts[name, level, kind] for name in names) for kind in (True, False))
    return f"{good} of {good + bad}" if good + bad else "-"


def by_label(logs: Sequence[Labelled], answers: Sequence[Answer]) -> str:
    """Of the logs that ask for a label, how many were answered rightly."""
    lines = [_line(["label", "right"]), _line(["---", "---"])]
    for label in sorted(STRICT | {"healthy", "too-short"}):
        asked = [said.right for log, said in zip(logs, answers, strict=True) if label in log.must | log.some]
        lines.append(_line([label, _share(asked)]))
    return "\n".join(lines)


def _share(right: Sequence[bool]) -> str:
    return f"{sum(right)} of {len(right)} ({sum(right) / max(len(right), 1):.0%})"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
