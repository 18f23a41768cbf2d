"""What to change, and why: the same table for a diagnosis that proposes and for a plan that has been made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from diagnose.choice import new_value
from diagnose.clean import plain
from diagnose.finding import Diagnosis, Scalar
from diagnose.plan import AppliedEdit, Plan
from diagnose.report.screen import AMBER, Screen, printed
from diagnose.report.words import causes, counted, number


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the table."""

    parameter: str
    was: str
    now: str
    why: str
    blocked: str | None = None
    """Why it is not made; None where it is."""


def changes(made: Plan) -> list[Change]:
    """The rows of a plan: what is written, then what is not, and why not."""
    written = [_written(edit, made.diagnosis) for edit in made.applied]
    left = [Change(edit.parameter, "", number(edit.value), "", edit.reason) for edit in made.deferred]
    return written + left


def _written(edit: AppliedEdit, diagnosis: Diagnosis) -> Change:
    """One row; without a config the learning rate was the highest that was logged."""
    was, now, logged = edit.was, edit.now, diagnosis.run.peak_logged_rate
    if was is None and logged is not None and edit.parameter == "learning_rate":
        was = logged
        now = now if now is not None else _of_logged(edit, diagnosis)
    shown = edit.asked if now is None else number(now)
    why = f"{edit.why} [{', '.join(edit.answers)}; {edit.support.value}]" if edit.answers else edit.why
    return Change(edit.parameter, number(was), shown, why)


def _of_logged(edit: AppliedEdit, diagnosis: Diagnosis) -> Scalar | None:
    wanted = (
        one
        for prescription in diagnosis.prescriptions
        for one in prescription.edits
        if (one.parameter, one.why) == (edit.parameter, edit.why)
    )
    asked = next(wanted, None)
    return None if asked is None else new_value(asked, diagnosis.run.peak_logged_rate)


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
    rows = changes(made)
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
    if not diagnosis.run.curves:
        yield Text("no log was found (give it with --logs): only the config and the data set were judged", AMBER)
    else:
        names = ", ".join(dict.fromkeys(finding.name for finding in causes(diagnosis)))
        yield Text(f"judged {plain(diagnosis.run.source)}, {diagnosis.verdict.value}{': ' if names else ''}{names}")
    yield from (Text(plain(note), AMBER) for note in diagnosis.facts.notes)
    if diagnosis.facts.samples is None:
        yield Text("the size of the data set is not known (give it with --samples)", AMBER)
