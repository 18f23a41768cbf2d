"""What to change, as a terminal shows it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from diagnose.clean import plain
from diagnose.plan import Plan
from diagnose.report.changes import Change, left, written
from diagnose.report.screen import AMBER, Screen, printed
from diagnose.report.words import causes, counted


def changes_table(rows: list[Change]) -> Table:
    """Parameter | was | now | why."""
    table = Table(box=None, pad_edge=False)
    for word in ("parameter", "was", "now", "why"):
        table.add_column(word, header_style="bold", overflow="fold", no_wrap=word in ("was", "now"))
    for row in rows:
        table.add_row(*(Text(plain(cell)) for cell in (row.parameter, row.was, row.now, row.why)))
    return table


def not_made(rows: list[Change]) -> Iterator[Text]:
    """One line for each change that is not made."""
    for row in rows:
        yield Text(f"not changed: {row.parameter} (would be {plain(row.now)}): {plain(row.blocked)}", "dim")


def render(made: Plan, screen: Screen) -> str:
    """What a fix changed, then the edits that were not made, ending with a newline."""
    return printed(Group(*_parts(made)), screen)


def _parts(made: Plan) -> Iterator[RenderableType]:
    yield from _basis(made)
    yield from (Text(plain(doubled), AMBER) for doubled in made.doubled)
    if made.applied:
        yield changes_table(written(made))
        yield Text(f"{counted(len(made.applied), 'value')} changed.")
    else:
        yield Text("nothing to change")
    for edit in made.applied:
        if edit.note:
            yield Text(f"note on {edit.parameter} ({plain(edit.path)}): {plain(edit.note)}", AMBER)
    if any(edit.note for edit in made.applied):
        yield Text("versions of this trainer differ: --trainer FILE asks the source of yours what it reads")
    yield from not_made(left(made))


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
