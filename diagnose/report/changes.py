"""What a fix changed and why, what it left, and what to know before trusting it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from diagnose.plan import Plan
from diagnose.report.clean import plain
from diagnose.report.terminal import Screen, printed
from diagnose.report.words import number


def render(plan: Plan, screen: Screen) -> str:
    """The table "parameter | was | now | why", then the edits that were not made, ending with a newline."""
    return printed(Group(*_parts(plan)), screen)


def _parts(plan: Plan) -> Iterator[RenderableType]:
    yield from _basis(plan)
    yield from (Text(plain(doubled), "yellow") for doubled in plan.doubled)
    if plan.applied:
        yield _table(plan)
        yield Text(f"{_counted(len(plan.applied), 'value')} changed.")
    else:
        yield Text("nothing to change")
    for edit in plan.applied:
        if edit.note:
            yield Text(f"note on {edit.parameter} ({edit.path}): {plain(edit.note)}", "yellow")
    if any(edit.note for edit in plan.applied):
        yield Text("versions of this trainer differ: --trainer FILE asks the source of yours what it reads")
    for left in plan.deferred:
        yield Text(f"not changed: {left.parameter} (would be {plain(number(left.value))}): {plain(left.reason)}", "dim")


def _basis(plan: Plan) -> Iterator[Text]:
    """What the plan rests on: the run that was judged, or that none was found."""
    diagnosis = plan.diagnosis
    if not diagnosis.run.curves:
        yield Text("no log was found (give it with --logs): only the config and the data set were judged", "yellow")
    else:
        causes = [finding.name for finding in diagnosis.findings if finding.alarming and finding.explained_by is None]
        told = f": {', '.join(causes)}" if causes else ""
        yield Text(f"judged {plain(diagnosis.run.source)}, {diagnosis.verdict.value}{told}")
        yield from (Text(plain(note), "yellow") for note in diagnosis.facts.notes)
    if diagnosis.facts.samples is None:
        yield Text("the size of the data set is not known (give it with --samples)", "yellow")


def _table(plan: Plan) -> Table:
    table = Table(box=None, pad_edge=False)
    for word in ("parameter", "was", "now", "why"):
        table.add_column(word, header_style="bold", overflow="fold", no_wrap=word in ("was", "now"))
    for edit in plan.applied:
        why = f"{edit.why} [{', '.join(edit.answers)}]"
        table.add_row(edit.parameter, Text(plain(number(edit.was))), Text(plain(number(edit.now))), Text(plain(why)))
    return table


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
