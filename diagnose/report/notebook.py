"""What a notebook shows of a diagnosis, a run, a plan, and a list of diagnoses: fragments that need no script."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from diagnose.clean import plain
from diagnose.facts import Facts
from diagnose.finding import Diagnosis, Verdict
from diagnose.plan import Plan
from diagnose.report.answer import full_sentence
from diagnose.report.changes import Change, left, written
from diagnose.report.html.picture import svg
from diagnose.report.panels import panels
from diagnose.report.screen import VERDICT_MARK
from diagnose.report.shown import ShownFinding, shown
from diagnose.report.summary import counts, run_rows
from diagnose.report.words import number, title
from diagnose.run import Curve, Run

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
    return _figure(_unjudged(run))


def diagnosis_plot(diagnosis: Diagnosis) -> Figure:
    """The losses as a plotly figure, with the findings marked. Raises TtsdocError without plotly."""
    return _figure(diagnosis)


def _figure(diagnosis: Diagnosis) -> Figure:
    from diagnose.errors import TtsdocError
    from diagnose.report.html.figures import run_figures

    try:
        from plotly.graph_objects import Figure
    except ImportError as error:
        raise TtsdocError("plot() needs plotly: pip install 'ttsdoc[report]'") from error
    figures = run_figures(diagnosis, "run")
    content: dict[str, Any] = figures[0].content if figures else {"data": [], "layout": {}}
    return Figure(data=content["data"], layout=content["layout"])


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
