"""The shape of a problem of clips: which of them have it, and what each shows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar

from diagnose.checks.base import About, Check
from diagnose.data.inspect import Survey
from diagnose.data.manifest import Clip
from diagnose.data.speech import ClipAudio
from diagnose.facts import Facts
from diagnose.finding import Confidence, Evidence, Finding, Severity

EXAMPLES = 3
"""Clips named in a report; the rest is counted."""

Hit = tuple[ClipAudio, str]
"""A clip that has the problem, and what it shows."""


class ClipFault(Check):
    """A problem that clips of a data set have, each by itself or beside the others."""

    about = About.DATASET
    meaning: ClassVar[str]
    """What is said after `3 of 525 clips: `."""
    severity: ClassVar[Severity] = Severity.WARNING
    notable = 0.0
    """Share of the clips below which it is only a note."""

    @abstractmethod
    def hits(self, survey: Survey) -> list[Hit]:
        """The clips that have the problem."""

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Count the clips that have the problem, and name a few."""
        survey = facts.survey
        hits = self.hits(survey) if survey else []
        if survey is None or not hits:
            return
        rare = len(hits) < self.notable * survey.clips
        yield Finding(
            self.code,
            self.name,
            Severity.INFO if rare else self.severity,
            Confidence.HIGH,
            "dataset",
            f"{len(hits)} of {survey.clips} clips: {self.meaning}",
            evidence=(Evidence(self.name.replace("-", "_"), len(hits)), Evidence("clips", survey.clips)),
            examples=tuple(place(one.clip, detail) for one, detail in hits[:EXAMPLES]),
            advice=self.what_to_do(),
        )


def each(survey: Survey, detail: Callable[[ClipAudio], str | None]) -> list[Hit]:
    """The clips of which `detail` says something."""
    return [(one, said) for one in survey.recordings if (said := detail(one)) is not None]


def when(condition: bool, detail: str = "") -> str | None:
    """`detail` where the condition holds."""
    return detail if condition else None


def repeats(recordings: Iterable[ClipAudio], key: Callable[[Clip], str]) -> list[Hit]:
    """The clips whose key an earlier clip has, with the line of the first; an empty key is none."""
    first: dict[str, Clip] = {}
    again = []
    for one in recordings:
        name = key(one.clip)
        if name and first.setdefault(name, one.clip) is not one.clip:
            again.append((one, f"first in line {first[name].line}"))
    return again


def place(clip: Clip, detail: str) -> str:
    """`metadata.csv:3: clip_003 (detail)`: text from the data, not yet neutralised."""
    return f"{clip.file}:{clip.line}: {clip.id}" + (f" ({detail})" if detail else "")
