"""What a notebook shows of a diagnosis, a run, a plan, and a list of diagnoses: fragments that need no script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from diagnose.clean import plain
from diagnose.facts import Facts
from diagnose.finding import Diagnosis, Verdict
from diagnose.plan import Plan
from diagnose.report.html.figures import ALARM, OTHER, TRAIN, VAL, alt_text
from diagnose.report.panels import Mark, Panel, Scale, Series, heights, panels, scale_of, thinned
from diagnose.report.screen import VERDICT_MARK
from diagnose.report.shown import Change, ShownFinding, full_sentence, left, shown, written
from diagnose.report.summary import counts, run_rows
from diagnose.report.words import number, title
from diagnose.run import Curve, FloatArray, Role, Run

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


# Readable on white and on black.
COLOUR = {Verdict.HEALTHY: "#2e8b57", Verdict.UNHEALTHY: "#d6336c", Verdict.INCONCLUSIVE: "#b07d00"}
MOST_CURVES = 40


def diagnosis_html(diagnosis: Diagnosis) -> str:
    """Verdict, the three lines, the evidence, the curves, what to change."""
    what = shown(diagnosis)
    verdict = f"{VERDICT_MARK[diagnosis.verdict]} {diagnosis.verdict.value}"
    parts = [
        f'<p><b style="color:{COLOUR[diagnosis.verdict]}">{verdict}</b> <b>{_text(title(diagnosis.run))}</b></p>',
        _table((), [(f"<b>{label}</b>", _text(sentence)) for label, sentence in what.answer]),
        *map(_finding, what.findings),
        *(f"<p>{svg(panel)}</p>" for panel in panels(diagnosis)),
        _changes(what.changed),
    ]
    return f"<div>{''.join(parts)}</div>"


def _finding(one: ShownFinding) -> str:
    head = f"{one.finding.severity.value} <b>{one.name}</b>{f', {one.place}' if one.place else ''}"
    sentences = filter(None, (one.message, one.proof, one.advice))
    return f"<p>{head}: {' '.join(_text(full_sentence(part)) for part in sentences)}</p>"


def _changes(rows: list[Change]) -> str:
    cells = [tuple(map(_text, (row.parameter, row.was, row.now, row.why))) for row in rows]
    return _table(("parameter", "was", "now", "why"), cells) if cells else ""


def plan_html(made: Plan) -> str:
    """What is changed and why, and the difference."""
    unchanged = [f"<p>Not changed: {_text(f'{row.parameter}: {row.blocked}')}</p>" for row in left(made)]
    difference = "\n".join(_text(line) for line in made.diff().splitlines()) if made.source else ""
    changed = _changes(written(made)) or "<p>Nothing to change.</p>"
    return f"<div>{changed}{''.join(unchanged)}{f'<pre>{difference}</pre>' if difference else ''}</div>"


def run_html(run: Run) -> str:
    """The losses, and a row for each curve."""
    rows = [_curve_row(curve) for curve in list(run.curves.values())[:MOST_CURVES]]
    more = len(run.curves) - len(rows)
    drawn = "".join(f"<p>{svg(panel)}</p>" for panel in panels(_unjudged(run)))
    table = _table(("curve", "role", "points", "first", "last", "lowest"), rows)
    head = f"<p><b>{_text(title(run))}</b> ({_text(run.format)}, {_text(run.source)})</p>"
    return f"<div>{head}{drawn}{table}{f'<p>and {more} curves more</p>' if more > 0 else ''}</div>"


def _curve_row(curve: Curve) -> tuple[str, ...]:
    known = curve.finite.values
    ends = [number(float(curve.values[0])), number(float(curve.values[-1]))] if len(curve) else ["-", "-"]
    lowest = number(float(known.min())) if len(known) else "-"
    role = "" if curve.role is None else curve.role.value
    return _text(curve.tag), role, f"{len(curve):,}", *ends, lowest


def diagnoses_html(found: Sequence[Diagnosis]) -> str:
    """The counts, and a row for each run."""
    rows = [
        (
            f'<b style="color:{COLOUR[row.verdict]}">{row.verdict.value}</b>',
            _text(row.name),
            number(row.best_loss),
            row.best_at,
            number(row.last_loss),
            ", ".join(row.findings),
        )
        for row in run_rows(found)
    ]
    headings = ("verdict", "run", "best validation loss", "at", "last training loss", "findings")
    return f"<div><p><b>{counts(found)}</b></p>{_table(headings, rows)}</div>"


def run_plot(run: Run) -> Figure:
    """The losses as a plotly figure. Raises TtsdocError without plotly."""
    return diagnosis_plot(_unjudged(run))


def diagnosis_plot(diagnosis: Diagnosis) -> Figure:
    """The losses as a plotly figure, with the findings marked. Raises TtsdocError without plotly."""
    from diagnose.errors import TtsdocError
    from diagnose.report.html.figures import run_figures

    try:
        from plotly.graph_objects import Figure
    except ImportError as error:
        raise TtsdocError("plot() needs plotly: pip install 'ttsdoc[report]'") from error
    figures = run_figures(diagnosis, "run")
    return Figure(figures[0].content if figures else None)


def _unjudged(run: Run) -> Diagnosis:
    return Diagnosis(Facts(run), Verdict.HEALTHY, ())


def _text(text: str) -> str:
    return escape(plain(text))


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells that are HTML already."""
    head = f"<thead><tr>{''.join(f'<th>{heading}</th>' for heading in headings)}</tr></thead>" if headings else ""
    cell = '<td style="text-align:left">'
    body = "".join(f"<tr>{''.join(f'{cell}{value}</td>' for value in row)}</tr>" for row in rows)
    return f"<table>{head}<tbody>{body}</tbody></table>"


WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 56, 8, 28, 24
MOST_POINTS = 400
FONT = 'font-family="system-ui, sans-serif" font-size="11" fill="currentColor"'


def svg(panel: Panel) -> str:
    """The panel as one element, with the words that say what it shows."""
    scale = scale_of(panel, 5)
    marks = (part for index, mark in enumerate(panel.marks) for part in _mark(panel, mark, TOP + 12 + 13 * (index % 3)))
    parts = [*_grid(panel, scale), *marks, *(_line(panel, line, scale) for line in panel.series), *_legend(panel)]
    return (
        f'<svg role="img" aria-label="{escape(alt_text(panel))}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'style="max-width:{WIDTH}px" xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def _x(panel: Panel, places: FloatArray) -> FloatArray:
    first, last = panel.x_range
    return LEFT + (places - first) / ((last - first) or 1.0) * (WIDTH - LEFT - RIGHT)


def _y(scale: Scale, drawn: FloatArray) -> FloatArray:
    return HEIGHT - BOTTOM - (drawn - scale.low) / (scale.high - scale.low) * (HEIGHT - TOP - BOTTOM)


def _grid(panel: Panel, scale: Scale) -> Iterator[str]:
    for tick, label in zip(scale.ticks, scale.labels, strict=True):
        y = float(_y(scale, np.array(tick)))
        yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="currentColor" stroke-opacity=".15"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" {FONT}>{label}</text>'
    first, last = panel.x_range
    for place, anchor in ((first, "start"), (last, "end")):
        x = float(_x(panel, np.array(place)))
        label = f"{panel.unit} {place:,.0f}"
        yield f'<text x="{x:.1f}" y="{HEIGHT - 6}" text-anchor="{anchor}" {FONT}>{label}</text>'


def _line(panel: Panel, line: Series, scale: Scale) -> str:
    short = thinned(line, MOST_POINTS)
    x, y = _x(panel, short.x), _y(scale, heights(panel, short.y))
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return f'<polyline points="{points}" fill="none" {_stroke(line)} stroke-width="1.8"/>'


def _stroke(line: Series) -> str:
    """The colour of a line, and its dashes."""
    colour = {Role.TRAIN_LOSS.value: TRAIN, Role.VAL_LOSS.value: VAL}.get(line.metric, OTHER)
    return f'stroke="{colour}"' + (' stroke-dasharray="2 3"' if line.metric == Role.VAL_LOSS.value else "")


def _mark(panel: Panel, mark: Mark, y: float) -> Iterator[str]:
    first, last = (float(_x(panel, np.array(place))) for place in (mark.first, mark.last))
    colour, height = (ALARM if mark.finding else OTHER), HEIGHT - TOP - BOTTOM
    if mark.finding and last > first:
        size = f'width="{last - first:.1f}" height="{height}"'
        yield f'<rect x="{first:.1f}" y="{TOP}" {size} fill="{colour}" opacity=".1"/>'
    yield f'<path d="M{first:.1f} {TOP}v{height}" stroke="{colour}" stroke-dasharray="4 3"/>'
    late = first > 0.85 * WIDTH
    anchor = f'text-anchor="{"end" if late else "start"}"'
    yield f'<text x="{first + (-4 if late else 4):.1f}" y="{y}" {anchor} {FONT}>{escape(plain(mark.label))}</text>'


def _legend(panel: Panel) -> Iterator[str]:
    x = LEFT
    for line in panel.series:
        label = escape(plain(line.label))
        yield f'<path d="M{x} 12h20" {_stroke(line)} stroke-width="2"/>'
        yield f'<text x="{x + 26}" y="16" {FONT}>{label}</text>'
        x += 40 + 7 * len(label)
