"""Put every check to the facts of one training, distinguish causes from consequences, and give the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from diagnose.checks import checks_for
from diagnose.checks.base import About, Check
from diagnose.facts import Facts
from diagnose.finding import Crashed, Diagnosis, Edit, Finding, Prescription, Severity, Skipped, Verdict
from diagnose.forecast import forecast
from diagnose.stopping import when_to_stop
from diagnose.targets import with_target

HOW_FAR = frozenset({"plateau", "slow-learning", "learning-rate-too-low", "loss-above-target"})
"""Findings on how far a run came: of a launch that was given up for another they are no news."""


def examine(facts: Facts, *, checks: Iterable[Check] | None = None) -> Diagnosis:
    """The diagnosis of one training. The same function serves live runs: `examine(facts.until(step))`.

    `checks`: those to ask; None: all that are registered.
    """
    import numpy as np

    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # losses near 1e308: inf is the answer then
        return _examined(with_target(facts), checks)


def _examined(facts: Facts, checks: Iterable[Check] | None) -> Diagnosis:
    asked = [check for check in checks if check.applies(facts)] if checks is not None else checks_for(facts)
    findings, skipped, crashed = _answers(facts, asked)
    # A problem of the config is no problem of the curves: where there are some, the verdict is about them.
    judged = {check.code for check in asked if not facts.run.curves or check.about is About.RUN}
    silent = judged <= {*(check.code for check in skipped), *(check.code for check in crashed)}
    verdict = _verdict([finding for finding in findings if finding.code in judged], answered=not silent)
    if verdict is Verdict.UNHEALTHY:  # where something was found, nobody asks what silence would have proved
        findings = [finding for finding in findings if not finding.inconclusive]
    ordered = tuple(_worst_first(findings))
    advice = (prescriptions_of(ordered), forecast(facts), when_to_stop(facts, ordered))
    told = _of_earlier_launches(facts, [check for check in asked if check.about is About.RUN], ordered)
    shown = tuple(_worst_first([*ordered, *told]))
    return Diagnosis(facts, verdict, shown, *advice, skipped, crashed)


def _answers(facts: Facts, asked: Iterable[Check]) -> tuple[list[Finding], tuple[Skipped, ...], tuple[Crashed, ...]]:
    """What these checks find, which of them could not judge, and which broke."""
    by_code = {check.code: check for check in asked}
    outcomes = [_ask(check, facts) for check in asked]
    found = [finding for outcome in outcomes if isinstance(outcome, list) for finding in outcome]
    skipped = tuple(outcome for outcome in outcomes if isinstance(outcome, Skipped))
    crashed = tuple(outcome for outcome in outcomes if isinstance(outcome, Crashed))
    return list(_causes_and_consequences(found, by_code)), skipped, crashed


def _of_earlier_launches(facts: Facts, checks: list[Check], known: Iterable[Finding]) -> Iterator[Finding]:
    """What the launches before the judged one show, the first of each kind, for information: no advice, no verdict."""
    seen: dict[str, list[Finding]] = {}
    for launch in facts.run.earlier:
        of_launch = replace(facts, run=launch)
        for finding in _answers(of_launch, [check for check in checks if check.applies(of_launch)])[0]:
            if finding.alarming and finding.name not in HOW_FAR:
                seen.setdefault(finding.name, []).append(replace(finding, launch=launch.name))
    for name in seen.keys() - {finding.name for finding in known if finding.alarming}:
        first, others = seen[name][0], len(seen[name]) - 1
        like = f", and {others} other{'s' * (others > 1)}" if others else ""
        message = f"An earlier launch ({first.launch}{like}): {first.message}"
        alone = replace(first, message=message, first_step=None, last_step=None, prescriptions=(), advice="")
        yield replace(alone, severity=Severity.WARNING)


def _ask(check: Check, facts: Facts) -> list[Finding] | Skipped | Crashed:
    try:
        reason = check.skip_reason(facts)
        return Skipped(check.code, check.name, reason) if reason else list(check.check(facts))
    except Exception as error:  # one broken check must not hide what the others found
        return Crashed(check.code, check.name, f"{type(error).__name__}: {error}")


def _causes_and_consequences(findings: list[Finding], by_code: dict[str, Check]) -> Iterator[Finding]:
    """Drop what another finding says better; mark what another finding explains."""
    alarming = {finding.name for finding in findings if finding.alarming}
    for finding in findings:
        check = by_code[finding.code]
        if alarming.intersection(check.part_of):
            continue
        cause = next((name for name in check.explained_by if name in alarming), None)
        yield replace(finding, explained_by=cause)


def _worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Causes by severity and confidence, each followed by what it explains."""

    def weight(finding: Finding) -> tuple[int, int, bool, int, str]:
        planned = finding.first_step is None  # what the run shows comes before what its plan lets one fear
        return (not finding.alarming, -finding.severity.rank, planned, -finding.confidence.rank, finding.code)

    ranked = sorted(findings, key=weight)
    ordered: list[Finding] = []
    for cause in (finding for finding in ranked if finding.explained_by is None):
        ordered.append(cause)
        ordered.extend(finding for finding in ranked if finding.explained_by == cause.name and finding not in ordered)
    return ordered + [finding for finding in ranked if finding not in ordered]


def _verdict(findings: list[Finding], *, answered: bool) -> Verdict:
    """`answered`: whether any check could judge at all."""
    if any(finding.alarming for finding in findings):
        return Verdict.UNHEALTHY
    unclear = not answered or any(finding.inconclusive for finding in findings)
    return Verdict.INCONCLUSIVE if unclear else Verdict.HEALTHY


def prescriptions_of(findings: Iterable[Finding]) -> tuple[Prescription, ...]:
    """The prescriptions of all findings, in their order; those with the same edits once, answering all that asked.

    What a cause without any explains is not cured by an edit: the run is resumed, or its loss computed, otherwise.
    """
    findings = list(findings)
    cureless = {finding.name for finding in findings if not finding.prescriptions}
    gathered: dict[tuple[Edit, ...] | str, Prescription] = {}
    for finding in findings:
        for prescription in () if finding.explained_by in cureless else finding.prescriptions:
            key = prescription.edits or prescription.title
            known = gathered.get(key, replace(prescription, answers=()))
            gathered[key] = replace(known, answers=tuple(dict.fromkeys((*known.answers, finding.code))))
    return tuple(gathered.values())
