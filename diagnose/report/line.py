"""A finding in one line: for logs, alerts and annotations."""

from __future__ import annotations

from diagnose.clean import plain
from diagnose.finding import Finding
from diagnose.report.words import span
from diagnose.run import Run


def what_to_do(finding: Finding) -> str:
    """The first thing to change, else what to do in words; empty where there is nothing."""
    todo = finding.prescriptions[0].title if finding.prescriptions else finding.advice
    return plain(todo)


def finding_line(run: Run, finding: Finding) -> str:
    """`error NUM001 non-finite-loss (step 250): message -> what to do`."""
    place, todo = span(run, finding), what_to_do(finding)
    where = f" ({place})" if place else ""
    head = f"{finding.severity.value} {finding.code} {finding.name}{where}: {finding.message}"
    return plain(head) + (f" -> {todo}" if todo else "")
