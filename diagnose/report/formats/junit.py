"""Diagnoses as JUnit XML: one suite a run, one case a check."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from diagnose.checks import every_check
from diagnose.clean import plain
from diagnose.finding import Diagnosis, Finding
from diagnose.report.line import finding_line
from diagnose.report.words import title

# What XML 1.0 forbids, escaped or not (section 2.2, Char), beside what `plain` has replaced.
_FORBIDDEN = re.compile("[\ufffe\uffff]")


def render(diagnoses: Iterable[Diagnosis]) -> str:
    """Alarming findings are failures, others only output; a check that could not judge is skipped."""
    root = ET.Element("testsuites", name="ttsdoc")
    for diagnosis in diagnoses:
        _suite(root, diagnosis)
    for count in ("tests", "failures", "errors", "skipped"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, "unicode")}\n'


def _suite(root: ET.Element, diagnosis: Diagnosis) -> None:
    facts = diagnosis.facts
    named = title(diagnosis.run) if diagnosis.run.curves else facts.config.source if facts.config else "ttsdoc"
    suite = ET.SubElement(root, "testsuite", name=_text(named))
    asked = {check.code: check.name for check in every_check() if check.applies(facts)}
    asked |= {finding.code: finding.name for finding in diagnosis.findings}
    by_code = {code: [f for f in diagnosis.findings if f.code == code] for code in asked}
    skipped = {entry.code: entry.reason for entry in diagnosis.skipped}
    crashed = {entry.code: entry.error for entry in diagnosis.crashed}
    for code, name in sorted(asked.items()):
        case = ET.SubElement(suite, "testcase", classname=_text(named), name=f"{code} {name}")
        if code in crashed:
            ET.SubElement(case, "error", message=_text(crashed[code]))
        elif code in skipped:
            ET.SubElement(case, "skipped", message=_text(skipped[code]))
        else:
            _outcome(case, diagnosis, by_code[code])
    suite.set("tests", str(len(suite)))
    for count, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(count, str(len(suite.findall(f"testcase/{tag}"))))


def _outcome(case: ET.Element, diagnosis: Diagnosis, findings: list[Finding]) -> None:
    """One failure a case, as the schema has it; further findings of the check are in its text."""
    alarming = [finding for finding in findings if finding.alarming]
    lines = "\n".join(_text(finding_line(diagnosis.run, finding)) for finding in findings)
    if alarming:
        worst = alarming[0]
        failure = ET.SubElement(case, "failure", message=_text(worst.message), type=worst.severity.value)
        failure.text = lines
    elif lines:
        ET.SubElement(case, "system-out").text = lines


def _text(text: str) -> str:
    return _FORBIDDEN.sub("?", plain(text))
