"""Findings as SARIF 2.1.0, which code scanning shows on the lines of the config.

Standard: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from diagnose import __version__
from diagnose.checks import every_check
from diagnose.clean import plain
from diagnose.finding import Diagnosis, Finding, Severity
from diagnose.report.as_json import dumps
from diagnose.report.line import message_in, place_of, what_to_do

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVEL = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def render(diagnoses: Iterable[Diagnosis]) -> str:
    """One SARIF run with a rule for each code that was found, and a result for each finding."""
    found = [(diagnosis, finding) for diagnosis in diagnoses for finding in diagnosis.findings]
    codes = sorted({finding.code for _, finding in found})
    driver = {"name": "ttsdoc", "version": __version__, "rules": [_rule(code, found) for code in codes]}
    results = [_result(diagnosis, finding, codes) for diagnosis, finding in found]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(code: str, found: list[tuple[Diagnosis, Finding]]) -> dict[str, Any]:
    name = next(finding.name for _, finding in found if finding.code == code)
    check = next((check for check in every_check() if check.code == code), None)
    summary = (check.__doc__ or "").strip().partition("\n")[0] if check is not None else name
    pascal = "".join(word.capitalize() for word in name.split("-"))
    return {
        "id": code,
        "name": pascal,
        "shortDescription": {"text": plain(summary) or name},
        "help": {"text": f"`ttsdoc explain {code}` says what it means, what to do and why."},
    }


def _result(diagnosis: Diagnosis, finding: Finding, codes: list[str]) -> dict[str, Any]:
    place, todo = place_of(diagnosis, finding), what_to_do(finding)
    # The same finding of the same run, also when its numbers have changed.
    same = "\0".join((finding.code, finding.metric, diagnosis.run.name)).encode("utf-8", "surrogatepass")
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": LEVEL[finding.severity if finding.alarming else Severity.INFO],
        "message": {"text": message_in(diagnosis, finding) + (f" What to do: {todo}" if todo else "")},
        "partialFingerprints": {"finding/v1": sha256(same).hexdigest()[:32]},
        "properties": {"confidence": finding.confidence.value, "metric": plain(finding.metric)},
    }
    if place is not None:
        uri = plain(place.file) if "://" in place.file else quote(place.file)
        region = {"startLine": place.line}
        result["locations"] = [{"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}]
    return result
