"""What to change, and why: the same table for a diagnosis that proposes and for a plan that has been made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from diagnose.finding import Diagnosis, Edit, Operation, Safety, Scalar
from diagnose.plan import Plan, first_edits, new_value, plan
from diagnose.report.clean import plain
from diagnose.report.screen import AMBER, Screen, printed
from diagnose.report.words import causes, counted, number

WANTED = {Operation.SET: "", Operation.SCALE: "times ", Operation.CAP: "at most "}


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the table."""

    parameter: str
    was: str
    now: str
    why: str
    blocked: str | None = None
    """Why it is not made; None where it is."""


def changes(diagnosis: Diagnosis) -> list[Change]:
    """What `ttsdoc fix` would write into the run's config; without one, what to write into any."""
    config = diagnosis.facts.config
    if config is not None and config.training:
        return changes_of(plan(diagnosis))
    return [_proposed(edit, safe, diagnosis) for edit, safe in _edits(diagnosis)]


def changes_of(made: Plan) -> list[Change]:
    """The rows of a plan: what was written, then what was not, and why not."""
    written = [
        Change(edit.parameter, number(edit.was), number(edit.now), f"{edit.why} [{', '.join(edit.answers)}]")
        for edit in made.applied
    ]
    left = [Change(edit.parameter, "", number(edit.value), "", edit.reason) for edit in made.deferred]
    return written + left


def _edits(diagnosis: Diagnosis) -> Iterator[tuple[Edit, bool]]:
    for prescription, edit in first_edits(diagnosis.prescriptions):
        yield edit, prescription.safety is Safety.SAFE


def _proposed(edit: Edit, safe: bool, diagnosis: Diagnosis) -> Change:
    old = _old_value(edit.parameter, diagnosis)
    new = new_value(edit, old)
    now = number(new) if new is not None else f"{WANTED[edit.operation]}{number(edit.value)}"
    return Change(edit.parameter, number(old), now, edit.why if safe else f"{edit.why} (only with --unsafe)")


def _old_value(parameter: str, diagnosis: Diagnosis) -> Scalar | None:
    """The value in the settings; for the learning rate, else the highest that was logged."""
    known: Scalar | None = diagnosis.facts.settings.get(parameter)
    return diagnosis.run.peak_logged_rate if known is None and parameter == "learning_rate" else known


def changes_table(rows: list[Change]) -> Table:
    """Parameter | was | now | why, for the rows that are made."""
    table = Table(box=None, pad_edge=False)
    for word in ("parameter", "was", "now", "why"):
        table.add_column(word, header_style="bold", overflow="fold", no_wrap=word in ("was", "now"))
    for row in rows:
        if row.blocked is None:
            table.add_row(*(Text(plain(cell)) for cell in (row.parameter, row.was, row.now, row.why)))
    return table


def not_made(rows: list[Change]) -> Iterator[Text]:
    """One line for each change that is not made."""
    for row in rows:
        if row.blocked is not None:
            yield Text(f"not changed: {row.parameter} (would be {plain(row.now)}): {plain(row.blocked)}", "dim")


def render(made: Plan, screen: Screen) -> str:
    """What a fix changed, then the edits that were not made, ending with a newline."""
    return printed(Group(*_parts(made)), screen)


def _parts(made: Plan) -> Iterator[RenderableType]:
    yield from _basis(made)
    yield from (Text(plain(doubled), AMBER) for doubled in made.doubled)
    rows = changes_of(made)
    if made.applied:
        yield changes_table(rows)
        yield Text(f"{counted(len(made.applied), 'value')} changed.")
    else:
        yield Text("nothing to change")
    for edit in made.applied:
        if edit.note:
            yield Text(f"note on {edit.parameter} ({plain(edit.path)}): {plain(edit.note)}", AMBER)
    if any(edit.note for edit in made.applied):
        yield Text("versions of this trainer differ: --trainer FILE asks the source of yours what it reads")
    yield from not_made(rows)


def _basis(made: Plan) -> Iterator[Text]:
    """What the plan rests on: the run that was judged, or that none was found."""
    diagnosis = made.diagnosis
    if diagnosis is None or not diagnosis.run.curves:
        yield Text("no log was found (give it with --logs): only the config and the data set were judged", AMBER)
    else:
        names = ", ".join(finding.name for finding in causes(diagnosis))
        yield Text(f"judged {plain(diagnosis.run.source)}, {diagnosis.verdict.value}{': ' if names else ''}{names}")
    if diagnosis is None:
        return
    yield from (Text(plain(note), AMBER) for note in diagnosis.facts.notes)
    if diagnosis.facts.samples is None:
        yield Text("the size of the data set is not known (give it with --samples)", AMBER)
