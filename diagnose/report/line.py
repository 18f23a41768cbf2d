"""A run or a finding in one line: for `-q`, logs, alerts and annotations."""

from __future__ import annotations

from diagnose.clean import plain
from diagnose.finding import Diagnosis, Finding
from diagnose.report.screen import VERDICT_MARK, VERDICT_STYLE, Screen, in_one_line
from diagnose.report.words import causes, span, title
from diagnose.run import Run


def one_line(diagnosis: Diagnosis, screen: Screen) -> str:
    """Verdict, name and what was found, in one line (`-q`)."""
    verdict = diagnosis.verdict
    names = ", ".join(_name_and_place(diagnosis.run, finding) for finding in causes(diagnosis))
    words = [
        (VERDICT_MARK[verdict], VERDICT_STYLE[verdict]),
        (f" {verdict.value}", ""),
        (f" {plain(title(diagnosis.run))}", "bold"),
        (f": {names}" if names else "", ""),
    ]
    return in_one_line(words, screen)


def _name_and_place(run: Run, finding: Finding) -> str:
    place = span(run, finding)
    return f"{finding.code} {finding.name}{f' ({place})' if place else ''}"


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
