"""A diagnosis as Markdown, for an issue or a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.finding import Diagnosis, Finding
from diagnose.plan import plan
from diagnose.report.clean import markdown
from diagnose.report.table import loss_table
from diagnose.report.words import number, span, title


def render(diagnosis: Diagnosis) -> str:
    """The report of one run, ending with a newline."""
    return "\n".join(_lines(diagnosis)) + "\n"


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    run = diagnosis.run
    yield f"# ttsdoc: {markdown(title(run))}, {diagnosis.verdict.value}"
    yield ""
    yield f"Read from {markdown(run.source)} ({run.format})."
    yield from (f"{markdown(note)}" for note in (*diagnosis.reasons, *run.notes, *diagnosis.facts.notes))
    yield from _loss_rows(diagnosis)
    yield from _findings(diagnosis)
    yield from _changes(diagnosis)
    yield from _stop(diagnosis)
    yield from _not_judged(diagnosis)


def _loss_rows(diagnosis: Diagnosis) -> Iterator[str]:
    rows = loss_table(diagnosis.run)
    if len(rows) < 2:
        return
    yield from ("", "| | loss | change | |", "|---|---:|---:|---|")
    for row in rows:
        change = "" if row.change is None else f"{row.change:+.1%}"
        yield f"| {row.label} | {number(row.loss)} | {change} | {row.word} |"


def _findings(diagnosis: Diagnosis) -> Iterator[str]:
    if diagnosis.findings:
        yield from ("", "## Findings", "")
    for finding in diagnosis.findings:
        yield from _finding(diagnosis, finding)


def _finding(diagnosis: Diagnosis, finding: Finding) -> Iterator[str]:
    indent = "  " if finding.explained_by else ""
    place = span(diagnosis.run, finding)
    where = f" ({place})" if place else ""
    yield (
        f"{indent}- **{finding.severity.value} {finding.code} {finding.name}**{where}, "
        f"confidence {finding.confidence.value}: {markdown(finding.message)}"
    )
    proof = ", ".join(f"{name.replace('_', ' ')} {number(value)}" for name, value in finding.numbers.items())
    if proof:
        yield f"{indent}  Proof: {markdown(proof)}."
    if finding.advice:
        yield f"{indent}  {markdown(finding.advice)}"


def _changes(diagnosis: Diagnosis) -> Iterator[str]:
    made = plan(diagnosis)
    if not made.applied and not made.deferred:
        return
    yield from ("", "## What to change", "", "| parameter | was | now | why |", "|---|---|---|---|")
    for edit in made.applied:
        was, now = markdown(number(edit.was)), markdown(edit.asked or number(edit.now))
        yield f"| {edit.parameter} | {was} | {now} | {markdown(edit.why)} |"
    yield from ("",) if made.deferred else ()
    for left in made.deferred:
        yield f"- not changed: {left.parameter} (would be {markdown(number(left.value))}): {markdown(left.reason)}"


def _stop(diagnosis: Diagnosis) -> Iterator[str]:
    advice = diagnosis.stop
    if advice is None:
        return
    yield from ("", "## When to stop", "")
    yield f"**{advice.recommendation.value}**: {markdown('; '.join(advice.reasons))}."
    best = f"{number(advice.best_value)} at {advice.axis.value} {advice.best_step:,}"
    yield f"Best {advice.metric.replace('_', ' ')} so far: {best}."


def _not_judged(diagnosis: Diagnosis) -> Iterator[str]:
    if diagnosis.skipped:
        yield from ("", "## Not judged", "")
    for skipped in diagnosis.skipped:
        yield f"- {skipped.code} {skipped.name}: {markdown(skipped.reason)}"
