"""What a data set holds and what is wrong with it, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from diagnose.clean import plain
from diagnose.data.inspect import Survey
from diagnose.data.manifest import Split
from diagnose.finding import Diagnosis, Finding
from diagnose.report.as_json import envelope
from diagnose.report.scale import round_step
from diagnose.report.screen import Screen, finding_body, finding_head, heading, printed

BINS = 10
"""Bars of the histogram, about: the width of each is a round number of seconds."""
NARROWEST = 0.05
"""Seconds: finer bars say nothing of speech."""
BAR = 40
"""Columns of the longest bar."""
MOST_CHARACTERS = 100
MOST_SPEAKERS = 12


def as_text(diagnosis: Diagnosis, screen: Screen) -> str:
    """The whole report, ending with a newline."""
    return printed(Group(*_sections(surveyed(diagnosis), diagnosis.findings, screen)), screen)


def surveyed(diagnosis: Diagnosis) -> Survey:
    """The data set that was looked at. Raises LookupError where there was none."""
    survey = diagnosis.facts.survey
    if survey is None:
        raise LookupError("a report on a data set needs one")
    return survey


def as_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """The whole survey under stable keys, strict JSON."""
    found = surveyed(diagnosis)
    lengths = found.durations
    shares = {"shortest": 0, "p05": 5, "median": 50, "p95": 95, "longest": 100}
    return envelope(
        source=found.source,
        clips=found.clips,
        minutes=round(found.minutes, 3),
        seconds={
            name: round(float(np.percentile(lengths, share)), 3) if len(lengths) else None
            for name, share in shares.items()
        },
        histogram=[
            {"from": round(low, 3), "to": round(high, 3), "clips": count} for low, high, count in histogram(lengths)
        ],
        rates={str(rate): clips for rate, clips in found.rates.items()},
        speakers=dict(found.speakers),
        splits={split.value: found.splits[split] for split in Split if split in found.splits},
        characters=dict(found.characters),
        problems=[_problem_as_json(finding) for finding in diagnosis.findings],
    )


def histogram(seconds: npt.NDArray[np.float64]) -> list[tuple[float, float, int]]:
    """From, to (seconds) and number of clips, in about ten bars of one round width; the last may be longer.

    The 99th percentile ends the last bar but one, so that a few long clips do not press all others into one.
    """
    if not len(seconds):
        return []
    low, high = float(seconds.min()), float(np.percentile(seconds, 99))
    width = round_step(max((high - low) / BINS, NARROWEST))
    edges = np.arange(np.floor(low / width), np.floor(high / width) + 2) * width
    edges[-1] = max(edges[-1], float(np.nextafter(seconds.max(), np.inf)))
    counts, _ = np.histogram(seconds, edges)
    return [(float(low), float(high), int(n)) for low, high, n in zip(edges, edges[1:], counts, strict=False)]


def _problem_as_json(finding: Finding) -> dict[str, Any]:
    return {
        "name": finding.name,
        "code": finding.code,
        "severity": finding.severity.value,
        "clips": next(iter(finding.numbers.values())),
        "message": finding.message,
        "examples": list(finding.examples),
        "advice": finding.advice,
    }


def _sections(found: Survey, findings: Sequence[Finding], screen: Screen) -> Iterator[RenderableType]:
    yield _heading(found)
    yield from _lengths(found.durations, screen)
    yield from _people(found)
    yield from _characters(found)
    yield from _problems(findings)


def _heading(found: Survey) -> Text:
    rates = ", ".join(f"{rate:,} Hz" for rate in found.rates) or "no readable audio"
    line = Text(plain(found.source), "bold").append(f"  {found.clips:,} clips, {_minutes(found.minutes)}, {rates}", "")
    parts = ", ".join(f"{split.value} {found.splits[split]:,}" for split in Split if split in found.splits)
    return line.append(f"\n  lists: {parts}" if parts else "")


def _minutes(minutes: float) -> str:
    return f"{minutes:.1f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _lengths(seconds: npt.NDArray[np.float64], screen: Screen) -> Iterator[RenderableType]:
    if not len(seconds):
        return
    shortest, median, longest = np.percentile(seconds, (0, 50, 100))
    yield heading(f"Length: {shortest:.2f} to {longest:.2f} s, median {median:.2f} s")
    bars = histogram(seconds)
    most = max(count for _, _, count in bars)
    table = Table(box=None, pad_edge=False, show_header=False)
    for low, high, count in bars:
        bar = ("█" if screen.unicode else "#") * round(BAR * count / most)
        table.add_row(Text(f"{low:.2f} to {high:.2f} s"), Text(bar, "cyan"), f"{count:,}" if count else "")
    yield Padding(table, (0, 0, 0, 2))


def _people(found: Survey) -> Iterator[RenderableType]:
    if found.speakers:
        ranked = sorted(found.speakers.items(), key=lambda item: -item[1])
        shown = [f"{plain(name)} {count:,}" for name, count in ranked[:MOST_SPEAKERS]]
        more = [f"and {len(ranked) - MOST_SPEAKERS} more"] if len(ranked) > MOST_SPEAKERS else []
        yield heading(f"Speakers: {len(ranked)}")
        yield Padding(Text(", ".join([*shown, *more])), (0, 0, 0, 2))


def _characters(found: Survey) -> Iterator[RenderableType]:
    if found.characters:
        letters = [letter for letter in found.characters if not letter.isspace()]
        more = f" and {len(letters) - MOST_CHARACTERS} more" if len(letters) > MOST_CHARACTERS else ""
        yield heading(f"Characters: {len(found.characters)}, most frequent first")
        yield Padding(Text(plain(" ".join(letters[:MOST_CHARACTERS])) + more), (0, 0, 0, 2))


def _problems(findings: Sequence[Finding]) -> Iterator[RenderableType]:
    yield heading("Problems")
    if not findings:
        yield Padding(Text("none found", "green"), (0, 0, 0, 2))
    for finding in findings:
        yield Padding(finding_head(finding), (0, 0, 0, 2))
        yield Padding(finding_body(finding), (0, 0, 0, 4))
