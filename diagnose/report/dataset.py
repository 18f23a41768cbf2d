"""What a data set holds and what is wrong with it, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from diagnose.clean import plain
from diagnose.data.inspect import Survey
from diagnose.data.manifest import Split
from diagnose.finding import Diagnosis, Finding
from diagnose.report.panels import round_step
from diagnose.report.screen import Screen, finding_body, finding_head, heading, indented, printed

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
    """The whole survey under stable keys, without the envelope."""
    found = surveyed(diagnosis)
    shares = {"shortest": 0, "p05": 5, "median": 50, "p95": 95, "longest": 100}
    percentiles = (
        np.percentile(found.durations, list(shares.values())) if len(found.durations) else [None] * len(shares)
    )
    bars = histogram(found.durations)
    return {
        "source": found.source,
        "clips": found.clips,
        "minutes": round(found.minutes, 3),
        "seconds": {name: end and round(float(end), 3) for name, end in zip(shares, percentiles, strict=True)},
        "histogram": [{"from": round(low, 3), "to": round(high, 3), "clips": count} for low, high, count in bars],
        "rates": {str(rate): clips for rate, clips in found.rates.items()},
        "speakers": dict(found.speakers),
        "splits": {split.value: found.splits[split] for split in Split if split in found.splits},
        "characters": dict(found.characters),
        "problems": [
            {
                **{key: getattr(finding, key) for key in ("name", "code", "severity")},
                "clips": next(iter(finding.numbers.values())),
                **{key: getattr(finding, key) for key in ("message", "examples", "advice")},
            }
            for finding in diagnosis.findings
        ],
    }


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


def _sections(found: Survey, findings: Sequence[Finding], screen: Screen) -> Iterator[RenderableType]:
    rates = ", ".join(f"{rate:,} Hz" for rate in found.rates) or "no readable audio"
    length = f"{found.minutes:.1f} min" if found.minutes < 120 else f"{found.minutes / 60:.1f} h"
    parts = ", ".join(f"{split.value} {found.splits[split]:,}" for split in Split if split in found.splits)
    line = Text(plain(found.source), "bold").append(f"  {found.clips:,} clips, {length}, {rates}", "")
    yield line.append(f"\n  lists: {parts}" if parts else "")
    yield from _lengths(found.durations, screen)
    ranked = sorted(found.speakers.items(), key=lambda item: -item[1])
    names = [f"{plain(name)} {count:,}" for name, count in ranked]
    yield from _most(f"Speakers: {len(ranked)}", names, MOST_SPEAKERS, ", ") if names else ()
    letters = [plain(letter) for letter in found.characters if not letter.isspace()]
    title = f"Characters: {len(found.characters)}, most frequent first"
    yield from _most(title, letters, MOST_CHARACTERS, " ") if found.characters else ()
    yield heading("Problems")
    if not findings:
        yield indented(Text("none found", "green"))
    for finding in findings:
        yield indented(finding_head(finding))
        yield indented(finding_body(finding), 4)


def _most(title: str, names: Sequence[str], most: int, between: str) -> Iterator[RenderableType]:
    yield heading(title)
    more = [f"and {len(names) - most} more"] if len(names) > most else []
    yield indented(Text(between.join([*names[:most], *more])))


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
    yield indented(table)
