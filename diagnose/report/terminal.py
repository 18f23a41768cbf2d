"""A diagnosis for the terminal: verdict, chart, findings with their proof, what to change, when to stop."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from diagnose.finding import Diagnosis, Finding, Severity, Verdict
from diagnose.plan import plan
from diagnose.report.chart import loss_chart
from diagnose.report.clean import plain
from diagnose.report.table import loss_table
from diagnose.report.words import number, span, title
from diagnose.run import Role, Run
from diagnose.targets import tables

VERDICT_STYLE = {Verdict.HEALTHY: "bold green", Verdict.UNHEALTHY: "bold red", Verdict.INCONCLUSIVE: "bold yellow"}
VERDICT_MARK = {Verdict.HEALTHY: "✓", Verdict.UNHEALTHY: "✗", Verdict.INCONCLUSIVE: "?"}
SEVERITY_STYLE = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
CHART_LINES = 16
WIDEST = 110


@dataclass(frozen=True, slots=True)
class Screen:
    """What the text is written for."""

    width: int = 80
    """Columns, at least 60."""
    colour: bool = False
    unicode: bool = True
    """Whether the output's encoding has more than ASCII."""

    @classmethod
    def of_stdout(cls) -> Screen:
        """The terminal behind standard output; NO_COLOR and FORCE_COLOR are honoured."""
        coloured = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        if os.environ.get("FORCE_COLOR"):
            coloured = True
        if os.environ.get("NO_COLOR"):
            coloured = False
        encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
        return cls(shutil.get_terminal_size((80, 24)).columns, coloured, encoding.startswith("utf"))


def render(diagnosis: Diagnosis, screen: Screen) -> str:
    """The whole report of one run, ending with a newline."""
    parts = [part for part in _sections(diagnosis, screen) if part is not None]
    return printed(Group(*parts), screen)


def printed(content: RenderableType, screen: Screen) -> str:
    """A rich renderable as text for this screen, trailing blanks removed."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=min(max(screen.width, 60), WIDEST),
        force_terminal=screen.colour,
        no_color=not screen.colour,
        color_system="standard" if screen.colour else None,
        highlight=False,
        markup=False,
        emoji=False,
    )
    console.print(content)
    text = "\n".join(line.rstrip() for line in out.getvalue().split("\n"))
    return text if screen.unicode else text.translate(ASCII).encode("ascii", "replace").decode("ascii")


ASCII = str.maketrans({"✓": "+", "✗": "x", "→": ">", "─": "-", "│": "|", "●": "o", "├": "|", "└": "'", "·": "-"})


def summary(diagnoses: Iterable[Diagnosis], screen: Screen) -> str:
    """One line a run: for trees of many runs."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "run", "points", "first", "last", "findings"):
        table.add_column(heading, overflow="fold")
    for diagnosis in diagnoses:
        curve = diagnosis.run.curve(Role.TRAIN_LOSS) or diagnosis.run.curve(Role.VAL_LOSS)
        values = [] if curve is None else [number(float(curve.values[0])), number(float(curve.values[-1]))]
        names = [finding.name for finding in diagnosis.findings if finding.alarming and finding.explained_by is None]
        table.add_row(
            Text(VERDICT_MARK[diagnosis.verdict], VERDICT_STYLE[diagnosis.verdict]),
            Text(plain(title(diagnosis.run))),
            str(0 if curve is None else len(curve)),
            *(values or ["-", "-"]),
            Text(", ".join(names) or diagnosis.verdict.value),
        )
    return f"ttsdoc: {table.row_count} runs\n{printed(table, screen)}"


def _sections(diagnosis: Diagnosis, screen: Screen) -> Iterator[RenderableType | None]:
    yield _heading(diagnosis)
    yield _input(diagnosis)
    yield _chart(diagnosis, screen)
    yield _loss_rows(diagnosis.run)
    yield from _findings(diagnosis)
    yield _changes(diagnosis)
    yield _level(diagnosis.run)
    yield _stop(diagnosis)
    yield _forecast(diagnosis)
    yield _not_judged(diagnosis)


def _heading(diagnosis: Diagnosis) -> Text:
    run, verdict = diagnosis.run, diagnosis.verdict
    line = Text("ttsdoc ").append(f"{VERDICT_MARK[verdict]} {verdict.value.upper()}", VERDICT_STYLE[verdict])
    line.append(f"  {plain(title(run))}", "bold")
    causes = [finding.name for finding in diagnosis.findings if finding.alarming and finding.explained_by is None]
    line.append(f": {', '.join(causes)}" if causes else "", "bold")
    for reason in diagnosis.reasons:
        line.append(f"\n  {plain(reason)}")
    return line


def _input(diagnosis: Diagnosis) -> RenderableType:
    run = diagnosis.run
    health = run.health
    damage = f", {health.bad_records} damaged records skipped" if health.bad_records else ""
    lines = [
        f"{plain(run.source)} ({run.format}{damage})",
        *(plain(note) for note in (*run.notes, *diagnosis.facts.notes)),
    ]
    return Padding(Text("\n".join(lines), "dim"), (0, 0, 0, 2))


def _chart(diagnosis: Diagnosis, screen: Screen) -> Text | None:
    width = min(max(screen.width, 60), WIDEST)
    chart = loss_chart(diagnosis, width, CHART_LINES, colour=screen.colour) if screen.unicode else ""
    return Text.from_ansi(f"\n{chart}".rstrip("\n")) if chart else None


def _loss_rows(run: Run) -> RenderableType | None:
    rows = loss_table(run)
    if len(rows) < 2:
        return None
    table = Table(box=None, pad_edge=False)
    for word in ("", "loss", "change", ""):
        table.add_column(word, justify="right" if word else "left", header_style="bold")
    for row in rows:
        style = {"better": "green", "worse": "red"}.get(row.word, "")
        change = "" if row.change is None else f"{row.change:+.1%}"
        table.add_row(row.label, number(row.loss), Text(change, style), Text(row.word, style))
    return Padding(table, (1, 0, 0, 2))


def _findings(diagnosis: Diagnosis) -> Iterator[RenderableType]:
    if diagnosis.findings:
        yield _title("Findings")
    for finding in diagnosis.findings:
        indent = 4 if finding.explained_by else 2
        yield Padding(_finding_line(diagnosis.run, finding), (0, 0, 0, indent))
        yield Padding(_finding_body(finding), (0, 0, 0, indent + 2))


def _finding_line(run: Run, finding: Finding) -> Text:
    text = Text()
    text.append("└ " if finding.explained_by else "")
    text.append(f"{finding.severity.value} ", SEVERITY_STYLE[finding.severity])
    text.append(f"{finding.code} {finding.name}", "bold")
    place = span(run, finding)
    text.append(f"  {place}{', ' if place else ''}confidence {finding.confidence.value}", "dim")
    return text.append(f", because of {finding.explained_by}" if finding.explained_by else "", "dim")


def _finding_body(finding: Finding) -> Text:
    text = Text(plain(finding.message))
    proof = ", ".join(f"{plain(name).replace('_', ' ')} {number(value)}" for name, value in finding.numbers.items())
    text.append(f"\nproof: {proof}" if proof else "", "dim")
    return text.append(f"\n→ {plain(finding.advice)}" if finding.advice else "")


def _changes(diagnosis: Diagnosis) -> RenderableType | None:
    made = plan(diagnosis)
    if not made.applied and not made.deferred:
        return None
    table = Table(box=None, pad_edge=False)
    for word in ("parameter", "was", "now", "why"):
        table.add_column(word, header_style="bold", overflow="fold", no_wrap=word in ("was", "now"))
    for edit in made.applied:
        now = edit.asked or number(edit.now)
        table.add_row(edit.parameter, Text(plain(number(edit.was))), Text(plain(now)), Text(plain(edit.why)))
    left = [
        Text(f"not changed: {one.parameter} (would be {plain(number(one.value))}): {plain(one.reason)}", "dim")
        for one in made.deferred
    ]
    title = _title("What to change (ttsdoc fix CONFIG writes it)")
    return Group(title, *([Padding(table, (0, 0, 0, 2))] if made.applied else []), Padding(Group(*left), (0, 0, 0, 2)))


def _level(run: Run) -> RenderableType | None:
    """Is this loss good? The family's ladder and band."""
    table, curve = tables().get(run.family or ""), run.curve(Role.TRAIN_LOSS)
    if table is None or curve is None or not len(curve.finite):
        return None
    last = float(curve.finite.values[-1])
    rung = table.quality(last)
    band = run.target
    size = "" if run.dataset.samples is None else f" with {run.dataset.samples:,} clips"
    aim = f"; aim for {band.low:g} to {band.high:g}{size}" if band else ""
    aim += "" if band is None or band.sized else ", by the number of clips (--samples)"
    worth = f"{number(last)} is {rung.word} for {table.family} ({rung.meaning}){aim}."
    if band is not None and last < band.low:
        reach = f"below the {band.low:g} to {band.high:g} of {table.family}{size}"
        worth = f"{number(last)} is {reach}: more likely learnt by heart than better."
    text = Text(worth)
    text.append(f"\nMeant is: {table.loss}. Source: {table.source}; confidence {table.confidence}.", "dim")
    return Group(_title("Is this loss good?"), Padding(text, (0, 0, 0, 2)))


def _stop(diagnosis: Diagnosis) -> RenderableType | None:
    advice = diagnosis.stop
    if advice is None:
        return None
    loss = advice.metric.replace("_", " ")
    best = f"best {loss} so far {number(advice.best_value)} at {advice.axis.value} {advice.best_step:,}"
    text = Text()
    text.append(advice.recommendation.value, "bold").append(f": {plain('; '.join(advice.reasons))}; {best}.")
    for checkpoint in advice.listen:
        file = f"  {plain(checkpoint.file)}" if checkpoint.file else ""
        text.append(f"\nlisten to {advice.axis.value} {checkpoint.step:,} ({checkpoint.why}){file}")
    return Group(_title("When to stop"), Padding(text, (0, 0, 0, 2)))


def _forecast(diagnosis: Diagnosis) -> RenderableType | None:
    forecast = diagnosis.forecast
    if forecast is None:
        return None
    text = Text(
        f"training loss {number(forecast.low)} to {number(forecast.high)} (median {number(forecast.median)}) "
        f"at {forecast.horizon_step:,}, {forecast.coverage:.0%} sure"
    )
    text.append(f"; {plain(forecast.note)}" if forecast.note else "")
    return Group(_title("Forecast"), Padding(text, (0, 0, 0, 2)))


def _not_judged(diagnosis: Diagnosis) -> RenderableType | None:
    reasons: dict[str, list[str]] = {}
    for skipped in diagnosis.skipped:
        reasons.setdefault(skipped.reason, []).append(skipped.name)
    lines = [f"{plain(reason)}: {', '.join(names)}" for reason, names in reasons.items()]
    lines += [
        f"  crashed, please report: {crash.code} {crash.name}: {plain(crash.error)}" for crash in diagnosis.crashed
    ]
    parts: list[RenderableType] = []
    if lines:
        parts = [_title("Not judged"), Padding(Text("\n".join(lines), "dim"), (0, 0, 0, 2))]
    if diagnosis.findings:
        parts.append(Text(f"\nttsdoc explain {diagnosis.findings[0].code} says more."))
    return Group(*parts)


def _title(words: str) -> Text:
    return Text(f"\n{words}", "bold underline")
