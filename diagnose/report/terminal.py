"""A diagnosis for the terminal, the answer first: verdict and three lines, then evidence, chart, table, changes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from diagnose.clean import plain
from diagnose.finding import Diagnosis, Verdict
from diagnose.report.answer import command
from diagnose.report.changes_table import changes_table, not_made
from diagnose.report.chart import loss_chart
from diagnose.report.screen import RED, VERDICT_MARK, VERDICT_STYLE, Screen, finding_head, heading, printed
from diagnose.report.shown import Shown, ShownFinding, shown
from diagnose.report.table import Cell, LossTable, loss_table
from diagnose.report.words import causes, counted, number, place_of, title
from diagnose.run import Role

# A change for the worse by less is the noise of any loss: not coloured.
WORSE = 0.01
LABELS, CHANGING = 26, 18
"""Columns of the screen that the labels and notes of the table of losses take, and each loss with its changes."""


def render(diagnosis: Diagnosis, screen: Screen, *, verbose: bool = False) -> str:
    """The whole report of one run, ending with a newline."""
    calm = diagnosis.verdict is Verdict.HEALTHY and not verbose
    what = shown(diagnosis)
    blocks = [_heading(diagnosis), _answer(what), *_evidence(what, verbose), _input(diagnosis, verbose)]
    text = printed(Group(*blocks), screen)
    chart = loss_chart(diagnosis, screen.chart_width, unicode=screen.unicode, small=calm)
    if chart is not None:
        text += "\n" + printed(chart, screen, screen.chart_width)
    return text + printed(Group(*_after(what, screen, verbose=verbose, calm=calm)), screen)


def _heading(diagnosis: Diagnosis) -> Text:
    run, verdict = diagnosis.run, diagnosis.verdict
    line = Text("ttsdoc ").append(f"{VERDICT_MARK[verdict]} {verdict.value.upper()}", VERDICT_STYLE[verdict])
    line.append(f"  {plain(title(run))}", "bold")
    names = ", ".join(dict.fromkeys(finding.name for finding in causes(diagnosis)))
    return line.append(f": {names}" if names else "", "bold")


def _answer(what: Shown) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for label, sentence in what.answer:
        table.add_row(label, Text(plain(sentence)))
    return Padding(table, (0, 0, 0, 2))


def _input(diagnosis: Diagnosis, verbose: bool) -> RenderableType:
    """Where it was read, and what a reader must know of the reading."""
    run, health = diagnosis.run, diagnosis.run.health
    damage = f", {counted(health.bad_records, 'damaged record')} skipped" if health.bad_records else ""
    notes = (*run.notes, *diagnosis.facts.notes)
    lines = [f"{plain(run.source)} ({run.format}{damage})", *map(plain, notes)]
    return Padding(Text("\n".join(lines if verbose else ["; ".join(lines)]), "dim"), (1, 0, 0, 2))


def _evidence(what: Shown, verbose: bool) -> Iterator[RenderableType]:
    """The findings; what only informs in one line each."""
    if what.findings:
        yield heading("Evidence" if causes(what.diagnosis) else "Good to know")
    for one in what.findings:
        indent = 4 if one.finding.explained_by else 2
        yield Padding(_finding_line(one), (0, 0, 0, indent))
        body = _finding_body(one, brief=not one.finding.alarming and not verbose)
        if body:
            yield Padding(body, (0, 0, 0, indent + 2))


def _finding_line(one: ShownFinding) -> Text:
    finding = one.finding
    text = Text("└ " if finding.explained_by else "")
    text.append_text(finding_head(finding))
    text.append(f"  {one.place}{', ' if one.place else ''}confidence {finding.confidence.value}", "dim")
    return text.append(f", caused by {finding.explained_by}" if finding.explained_by else "", "dim")


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
        yield Padding(_loss_rows(table, narrow=narrow), (1, 0, 0, 2))
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
    if cell is None:
        return Text(""), Text("")
    value = Text(number(cell.value))
    if cell.change is None:
        return value, Text("")
    return value, Text(f"{cell.change:+.1%}", RED if -better * cell.change > WORSE else "")


def _changes(what: Shown) -> Iterator[RenderableType]:
    if what.changed:
        yield heading(f"What to change ({plain(command(what.plan))} writes it)")
        yield Padding(changes_table(what.changed), (0, 0, 0, 2))
    yield from (Padding(line, (0, 0, 0, 2)) for line in not_made(what.left))


def _level(diagnosis: Diagnosis, verbose: bool) -> Iterator[RenderableType]:
    """The last training loss beside the family's target."""
    band, curve = diagnosis.facts.target, diagnosis.run.curve(Role.TRAIN_LOSS)
    if band is None or curve is None or not len(curve.finite):
        return
    last = float(curve.finite.values[-1])
    side = "above" if last > band.high else "below" if last < band.low else "within"
    samples = diagnosis.facts.samples
    size = f" with {counted(samples, 'clip')}" if band.sized and samples else " (--samples N narrows it)"
    text = Text(f"Loss {number(last)}: {side} the {band.low:g} to {band.high:g} that {band.family} reaches{size}.")
    if verbose:
        text.append(
            f" Loss definition: {band.loss}. Source: {plain(band.source)}; confidence {band.confidence.value}.", "dim"
        )
    yield Padding(text, (1, 0, 0, 0))


def _moments(diagnosis: Diagnosis) -> Iterator[RenderableType]:
    """Which checkpoints to listen to."""
    stop = diagnosis.stop
    if stop is None:
        return
    yield heading("Listen to")
    for moment in stop.listen:
        file = f": {plain(moment.file)}" if moment.file else ""
        yield Padding(Text(f"{place_of(diagnosis.run, stop.metric, moment.step)} ({moment.why}){file}"), (0, 0, 0, 2))


def _forecast(diagnosis: Diagnosis, verbose: bool) -> Iterator[RenderableType]:
    forecast, curve = diagnosis.forecast, diagnosis.run.curve(Role.TRAIN_LOSS)
    if forecast is None or curve is None or not len(curve):
        return
    if not verbose and diagnosis.verdict is Verdict.UNHEALTHY:
        return
    note = f"; {plain(forecast.note)}" if forecast.note else ""
    yield Padding(
        Text(
            f"Forecast for {forecast.axis.value} {forecast.horizon_step:,}: {plain(forecast.metric)} "
            f"{number(forecast.median)} "
            f"({forecast.coverage:.0%} prediction interval {number(forecast.low)} to {number(forecast.high)}){note}."
        ),
        (1, 0, 0, 0),
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
        yield Padding(Text("\n".join(lines), "dim"), (0, 0, 0, 2))
    elif reasons:
        reason = max(reasons, key=lambda reason: len(reasons[reason]))
        count = f"{counted(len(diagnosis.skipped), 'check')} not possible"
        yield Text(f"\n{count}, most often because {plain(reason)} (--verbose lists them).", "dim")
    first = next(iter(diagnosis.findings), None)
    if first is not None:
        yield Text(f"{'' if reasons else chr(10)}More on {first.name}: ttsdoc explain {first.code}", "dim")
