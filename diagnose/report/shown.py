"""What a report shows of a diagnosis: put together once, written by the formats as text, Markdown, page or cell."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.finding import Diagnosis, Finding
from diagnose.plan import Plan
from diagnose.report.answer import answer
from diagnose.report.changes import Change, left, written
from diagnose.report.words import proof, span


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """A finding, without what the answer has said already. Text may hold words from the log."""

    finding: Finding
    place: str
    """`epochs 11 to 40`; empty where it has none."""
    message: str
    proof: str
    advice: str

    @property
    def name(self) -> str:
        """`FIT002 overfitting`."""
        return f"{self.finding.code} {self.finding.name}"


@dataclass(frozen=True, eq=False)
class Shown:
    """The parts of a report, in the order in which they are shown."""

    diagnosis: Diagnosis
    plan: Plan
    answer: list[tuple[str, str]]
    """Label and sentence."""
    findings: tuple[ShownFinding, ...]
    """What only says why the verdict is open is in the answer, and not here."""
    changed: list[Change]
    left: list[Change]
    """The changes that are not made, each with the reason."""


def shown(diagnosis: Diagnosis) -> Shown:
    """What a report shows of a diagnosis."""
    made = diagnosis.plan
    reply = answer(diagnosis, made).lines()
    said = " ".join(sentence for _, sentence in reply)
    findings = tuple(_shown(diagnosis, finding, said) for finding in diagnosis.findings if not finding.inconclusive)
    return Shown(diagnosis, made, reply, findings, written(made), left(made))


def _shown(diagnosis: Diagnosis, finding: Finding, said: str) -> ShownFinding:
    message, advice = ("" if text in said else text for text in (finding.message, finding.advice))
    return ShownFinding(finding, span(diagnosis.run, finding), message, proof(finding), advice)
