"""A diagnosis for the terminal, the answer first: verdict and three lines, then evidence, chart, table, changes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from diagnose.clean import plain
from diagnose.finding import Diagnosis, Verdict
from diagnose.plan import Plan
from diagnose.report.chart import loss_chart
from diagnose.report.screen import (
    AMBER,
    RED,
    UNLIMITED,
    VERDICT_MARK,
    VERDICT_STYLE,
    Screen,
    finding_head,
    heading,
    indented,
    printed,
)
from diagnose.report.shown import Change, Shown, ShownFinding, command, left, shown, written
from diagnose.report.table import Cell, LossTable, loss_table
from diagnose.report.words import causes, counted, number, place_of, title
from diagnose.run import Role

# A change for the worse by less is the noise of any loss: not coloured.
WORSE = 0.01
LABELS, CHANGING = 26, 18
"""Columns of the screen that the labels and notes of the table of losses take, and each loss with its changes."""


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


def render_plan(made: Plan, screen: Screen) -> str:
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
        worst = next((finding for finding in causes(made.diagnosis) if finding.alarming), None)
        if worst is not None and not made.deferred:
            yield Text(f"no value of this config answers {worst.name}: {plain(worst.advice)}", AMBER)
    noted = [edit for edit in made.applied if edit.note]
    yield from (Text(f"note on {one.parameter} ({plain(one.path)}): {plain(one.note)}", AMBER) for one in noted)
    if noted:
        yield Text("versions of this trainer differ: --trainer FILE asks the source of yours what it reads")
    yield from not_made(left(made))


def _basis(made: Plan) -> Iterator[Text]:
    """What the plan rests on: the run that was judged, or that none was found."""
    diagnosis = made.diagnosis
    if not diagnosis.run.curves:
        yield Text("no log was found (give it with --logs): only the config and the data set were judged", AMBER)
    else:
        yield Text(f"judged {plain(diagnosis.run.source)}, {diagnosis.verdict.value}{_causes(diagnosis)}")
    yield from (Text(plain(note), AMBER) for note in diagnosis.facts.notes)
    if diagnosis.facts.samples is None:
        yield Text("the size of the data set is not known (give it with --samples)", AMBER)


def _causes(diagnosis: Diagnosis) -> str:
    """`: overfitting, loss-spike`; nothing where nothing was found."""
    names = ", ".join(dict.fromkeys(finding.name for finding in causes(diagnosis)))
    return f": {names}" if names else ""


def render(diagnosis: Diagnosis, screen: Screen, *, verbose: bool = False) -> str:
    """The whole report of one run, ending with a newline."""
    calm = diagnosis.verdict is Verdict.HEALTHY and not verbose
    what = shown(diagnosis)
    text = printed(_heading(diagnosis), screen, UNLIMITED)  # a name stays whole, so that the run is found again
    text += printed(Group(_answer(what), *_evidence(what, verbose), _input(diagnosis, verbose)), screen)
    chart = loss_chart(diagnosis, screen.chart_width, unicode=screen.unicode, small=calm)
    if chart is not None:
        text += "\n" + printed(chart, screen, screen.chart_width)
    return text + printed(Group(*_after(what, screen, verbose=verbose, calm=calm)), screen)


def _heading(diagnosis: Diagnosis) -> Text:
    run, verdict = diagnosis.run, diagnosis.verdict
    line = Text("ttsdoc ").append(f"{VERDICT_MARK[verdict]} {verdict.value.upper()}", VERDICT_STYLE[verdict])
    return line.append(f"  {plain(title(run))}{_causes(diagnosis)}", "bold")


def _answer(what: Shown) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for label, sentence in what.answer:
        table.add_row(label, Text(plain(sentence)))
    return indented(table)


def _input(diagnosis: Diagnosis, verbose: bool) -> RenderableType:
    """Where it was read, and what a reader must know of the reading."""
    run, health = diagnosis.run, diagnosis.run.health
    damage = f", {counted(health.bad_records, 'damaged record')} skipped" if health.bad_records else ""
    lines = [f"{plain(run.source)} ({run.format}{damage})", *map(plain, (*run.notes, *diagnosis.facts.notes))]
    return indented(Text(("\n" if verbose else "; ").join(lines), "dim"), above=1)


def _evidence(what: Shown, verbose: bool) -> Iterator[RenderableType]:
    """The findings; what only informs in one line each."""
    if what.findings:
        yield heading("Evidence" if causes(what.diagnosis) else "Good to know")
    for one in what.findings:
        indent = 4 if one.finding.explained_by else 2
        yield indented(_finding_line(one), indent)
        body = _finding_body(one, brief=not one.finding.alarming and not verbose)
        if body:
            yield indented(body, indent + 2)


def _finding_line(one: ShownFinding) -> Text:
    finding = one.finding
    mark, cause = ("└ ", f", caused by {finding.explained_by}") if finding.explained_by else ("", "")
    text = Text(mark).append_text(finding_head(finding))
    return text.append(f"  {one.place}{', ' if one.place else ''}confidence {finding.confidence.value}{cause}", "dim")


def _finding_body(one: ShownFinding, *, brief: bool) -> Text:
    parts = [Text(plain(one.message))] if one.message else []
    if not brief:
        parts += [Text(f"evidence: {plain(one.proof)}")] if one.proof else []
        parts += [Text(plain(example), "dim") for example in one.finding.examples]
        parts += [Text(f"→ {plain(one.advice)}")] if one.advice else []
    return Text("\n").join(parts)


def _after(what: Shown, screen: Screen, *, verbose: bool, calm: bool) -> Iterator[RenderableType]:
    """What is below the chart."""
    diagnosis = what.diagnosis
    table = None if calm else loss_table(diagnosis)
    if table is not None:
        narrow = screen.text_width < LABELS + CHANGING * len(table.headings)
        yield indented(_loss_rows(table, narrow=narrow), above=1)
    yield from _changes(what)
    yield from _level(diagnosis, verbose)
    if verbose:
        yield from _moments(diagnosis)
    yield from _forecast(diagnosis, verbose)
    yield from _not_judged(diagnosis, verbose)


def _loss_rows(loss: LossTable, *, narrow: bool) -> RenderableType:
    """The course of the run; `narrow`: without the changes from row to row."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0 if narrow else 1))
    table.add_column("mean up to" if loss.means else "", no_wrap=True)
    for name in loss.headings:
        table.add_column(re.sub(r"([/_])(?=\w)", "\\1\n", plain(name)), justify="right", overflow="fold")
        if not narrow:
            table.add_column("", justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    for row in loss.rows:
        pairs = [_cell(cell, better) for cell, better in zip(row.cells, loss.better, strict=True)]
        cells = [part for pair in pairs for part in (pair[:1] if narrow else pair)]
        table.add_row(row.label, *cells, Text(row.note))
    return table


def _cell(cell: Cell | None, better: int) -> tuple[Text, Text]:
    if cell is None or cell.change is None:
        return Text("" if cell is None else number(cell.value)), Text("")
    return Text(number(cell.value)), Text(f"{cell.change:+.1%}", RED if -better * cell.change > WORSE else "")


def _changes(what: Shown) -> Iterator[RenderableType]:
    if what.changed:
        yield heading(f"What to change ({plain(command(what.plan))} writes it)")
        yield indented(changes_table(what.changed))
    yield from map(indented, not_made(what.left))


def _level(diagnosis: Diagnosis, verbose: bool) -> Iterator[RenderableType]:
    """The last training loss beside the family's target."""
    band, curve = diagnosis.facts.target, diagnosis.run.curve(Role.TRAIN_LOSS)
    if band is None or curve is None or not len(curve.finite):
        return
    last = float(curve.finite.values[-1])
    side = "above" if last > band.high else "below" if last < band.low else "within"
    samples = diagnosis.facts.samples
    size = f" with {counted(samples, 'clip')}" if band.sized and samples else " (--samples N narrows it)"
    text = Text(f"\nLoss {number(last)}: {side} the {band.low:g} to {band.high:g} that {band.family} reaches{size}.")
    if verbose:
        text.append(
            f" Loss definition: {band.loss}. Source: {plain(band.source)}; confidence {band.confidence.value}.", "dim"
        )
    yield text


def _moments(diagnosis: Diagnosis) -> Iterator[RenderableType]:
    """Which checkpoints to compare."""
    stop = diagnosis.stop
    if stop is None:
        return
    yield heading("Checkpoints to compare")
    for moment in stop.listen:
        file = f": {plain(moment.file)}" if moment.file else ""
        yield indented(Text(f"{place_of(diagnosis.run, stop.metric, moment.step)} ({moment.why}){file}"))


def _forecast(diagnosis: Diagnosis, verbose: bool) -> Iterator[RenderableType]:
    forecast, curve = diagnosis.forecast, diagnosis.run.curve(Role.TRAIN_LOSS)
    unasked = diagnosis.verdict is Verdict.UNHEALTHY and not verbose and diagnosis.facts.horizon is None
    if forecast is None or curve is None or not len(curve) or unasked:
        return
    note = f"; {plain(forecast.note)}" if forecast.note else ""
    yield Text(
        f"\nForecast for {forecast.axis.value} {forecast.horizon_step:,}: {plain(forecast.metric)} "
        f"{number(forecast.median)} "
        f"({forecast.coverage:.0%} prediction interval {number(forecast.low)} to {number(forecast.high)}){note}."
    )


def _not_judged(diagnosis: Diagnosis, verbose: bool) -> Iterator[RenderableType]:
    """What could not be judged: one line, or all with their reasons."""
    for crash in diagnosis.crashed:
        yield Text(f"\n{crash.code} {crash.name} crashed, please report it: {plain(crash.error)}")
    reasons: dict[str, list[str]] = {}
    for skipped in diagnosis.skipped:
        reasons.setdefault(skipped.reason, []).append(skipped.name)
    if reasons and verbose:
        yield heading("Not judged")
        lines = [f"{', '.join(names)}: {plain(reason)}" for reason, names in reasons.items()]
        yield indented(Text("\n".join(lines), "dim"))
    elif reasons:
        reason = max(reasons, key=lambda reason: len(reasons[reason]))
        count = f"{counted(len(diagnosis.skipped), 'check')} not possible"
        yield Text(f"\n{count}, most often because {plain(reason)} (--verbose lists them).", "dim")
    first = next(iter(diagnosis.findings), None)
    if first is not None:
        yield Text(f"{'' if reasons else chr(10)}More on {first.name}: ttsdoc explain {first.code}", "dim")
