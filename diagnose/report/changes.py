"""What to change, and why: the same table for a diagnosis that proposes and for a plan that has been made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from diagnose.finding import Diagnosis
from diagnose.plan import AppliedEdit, Plan, plan
from diagnose.report.clean import plain
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


def changes(diagnosis: Diagnosis) -> list[Change]:
    """What `ttsdoc fix` would write into the run's config; without one, what to write into any."""
    return changes_of(plan(diagnosis))


def changes_of(made: Plan) -> list[Change]:
    """The rows of a plan: what is written, then what is not, and why not."""
    written = [
        Change(edit.parameter, number(edit.was), edit.asked or number(edit.now), _why(edit)) for edit in made.applied
    ]
    left = [Change(edit.parameter, "", number(edit.value), "", edit.reason) for edit in made.deferred]
    return written + left


def _why(edit: AppliedEdit) -> str:
    return f"{edit.why} [{', '.join(edit.answers)}]" if edit.answers else edit.why


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
    if not diagnosis.run.curves:
        yield Text("no log was found (give it with --logs): only the config and the data set were judged", AMBER)
    else:
        names = ", ".join(finding.name for finding in causes(diagnosis))
        yield Text(f"judged {plain(diagnosis.run.source)}, {diagnosis.verdict.value}{': ' if names else ''}{names}")
    yield from (Text(plain(note), AMBER) for note in diagnosis.facts.notes)
    if diagnosis.facts.samples is None:
        yield Text("the size of the data set is not known (give it with --samples)", AMBER)
