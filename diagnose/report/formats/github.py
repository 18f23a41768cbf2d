"""Findings as GitHub workflow commands: annotations on the lines of a pull request.

Format: docs.github.com, "Workflow commands for GitHub Actions", `::warning file=..,line=..,title=..::message`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from diagnose.clean import plain
from diagnose.finding import Diagnosis, Severity
from diagnose.report.line import message_in, place_of, what_to_do

COMMAND = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
# actions/toolkit, packages/core/src/command.ts: escapeData and escapeProperty.
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def render(diagnoses: Iterable[Diagnosis]) -> str:
    """One command a finding; what is not sure is a notice. Empty where nothing was found."""
    return "".join(f"{line}\n" for diagnosis in diagnoses for line in _commands(diagnosis))


def _commands(diagnosis: Diagnosis) -> Iterator[str]:
    for finding in diagnosis.findings:
        place = place_of(diagnosis, finding)
        properties = {"title": f"{finding.code} {finding.name}"}
        if place is not None:
            properties = {"file": place.file, "line": str(place.line)} | properties
        said = ",".join(f"{key}={plain(value).translate(_PROPERTY)}" for key, value in properties.items())
        command = COMMAND[finding.severity if finding.alarming else Severity.INFO]
        message = "\n".join(filter(None, (message_in(diagnosis, finding), what_to_do(finding))))
        yield f"::{command} {said}::{message.translate(_DATA)}"
