"""A finding, and a run, in one line: for `-q`, logs, alerts and annotations."""

from __future__ import annotations

from diagnose.finding import Diagnosis, Finding
from diagnose.report.clean import plain
from diagnose.report.words import number, span, title
from diagnose.run import Role, Run


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


def run_line(diagnosis: Diagnosis) -> str:
    """`runs/a: unhealthy: STB002 divergence (epoch 4), OPT001 ...; best validation loss 0.84 at step 3,119`."""
    run = diagnosis.run
    faults = [finding for finding in diagnosis.findings if finding.alarming and finding.explained_by is None]
    named = [" ".join(filter(None, (f.code, f.name, f"({place})" if (place := span(run, f)) else ""))) for f in faults]
    said = ": ".join([title(run), diagnosis.verdict.value, *([", ".join(named)] if named else [])])
    best = _best(diagnosis)
    return plain(f"{said}; {best}" if best else said)


def _best(diagnosis: Diagnosis) -> str:
    stop = diagnosis.stop
    if stop is None:
        return ""
    loss = "best validation loss" if stop.metric == Role.VAL_LOSS.value else "lowest training loss"
    return f"{loss} {number(stop.best_value)} at {stop.axis.value} {stop.best_step:,}"
