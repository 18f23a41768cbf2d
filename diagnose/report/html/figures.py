"""Panels as plotly figures: plain dictionaries, thinned, with a text that says what they show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from diagnose.clean import plain
from diagnose.finding import Diagnosis
from diagnose.report.panels import LOG_RATIO, Mark, Panel, Series, clock, panels, series, thinned
from diagnose.report.summary import names
from diagnose.report.words import counted, metric_words, number
from diagnose.run import Curve, FloatArray, Role

# Points of a line, however long the run: two for each of as many columns as a wide screen has.
MOST_POINTS = 3000
# Evaluations beyond these are a line without markers: they would cover each other.
MOST_MARKED = 120
MOST_COMPONENTS = 20
POINTS_OF_A_COMPONENT = 600
MOST_COMPARED = 30
MOST_TICKS = 10
# Lines from which their names reach the buttons of a chart on a screen of usual width.
LONG_LEGEND = 5
# Contrast with white and with the dark ground is at least 3, as WCAG 2 asks of lines (1.4.11).
TRAIN, VAL, OTHER, ALARM = "#2f7fd0", "#c2621a", "#7a7f87", "#d6336c"
DASHES = ("solid", "dash", "dot", "dashdot")
PALETTE = ("#2f7fd0", "#c2621a", "#2e9e5b", "#a35bc4", "#b08900", "#d6336c", "#008b8b", "#7a7f87")
LINE_NAMES = {Role.TRAIN_LOSS.value: ("training loss", TRAIN), Role.VAL_LOSS.value: ("validation loss", VAL)}
BELOW = (
    ("Parts of the loss", (Role.TRAIN_COMPONENT, Role.VAL_COMPONENT)),
    ("Error rates and scores", (Role.ERROR_RATE, Role.SCORE)),
)
BESIDE = (Role.LEARNING_RATE, Role.GRAD_NORM)


@dataclass(frozen=True, eq=False, slots=True)
class Figure:
    """A chart of the page."""

    name: str
    title: str
    alt: str
    """What it shows, for those who do not see it."""
    content: dict[str, Any]
    """`data` and `layout` of plotly."""
    height: int


def run_figures(diagnosis: Diagnosis, prefix: str) -> list[Figure]:
    """The losses with what belongs beside them; what they hide; the parts of the loss."""
    drawn, reference = panels(diagnosis), clock(diagnosis.run)
    if not drawn or reference is None:
        return []
    main, *details = drawn
    found = [_main(diagnosis, reference, main, f"{prefix}-loss")]
    for index, panel in enumerate(details):
        found.append(_figure(panel, f"{prefix}-detail-{index}", 300, list(map(_trace, panel.series))))
    parts = (
        _beside(diagnosis, reference, main, what, roles, f"{prefix}-beside-{index}")
        for index, (what, roles) in enumerate(BELOW)
    )
    return found + [part for part in parts if part is not None]


def _figure(panel: Panel, name: str, height: int, data: list[dict[str, Any]], more: str = "") -> Figure:
    return Figure(name, panel.title, alt_text(panel) + more, {"data": data, "layout": _layout(panel)}, height)


def _main(diagnosis: Diagnosis, reference: Curve, panel: Panel, name: str) -> Figure:
    """The losses, and below them on the same x axis the learning rate and the gradient norm."""
    lines = [series(diagnosis.run, role.value, reference) for role in BESIDE]
    beside = [line for line in lines if line is not None and len(line.x) > 1]
    data = [
        _trace(line) if line.metric in LINE_NAMES or len(panel.series) == 1 else _styled(line, index)
        for index, line in enumerate(panel.series)
    ]
    data += [_trace(line, f"y{index}") | {"showlegend": False} for index, line in enumerate(beside, 2)]
    figure = _figure(panel, name, 420 + 120 * len(beside), data)
    layout = figure.content["layout"]
    edges = np.linspace(0.0, 0.38, len(beside) + 1)[::-1] if beside else np.zeros(1)
    layout["yaxis"] |= {"domain": [float(edges[0]) + (0.06 if beside else 0.0), 1.0]}
    for index, line in enumerate(beside, 2):
        top, bottom = float(edges[index - 2]), float(edges[index - 1])
        layout[f"yaxis{index}"] = {
            "title": {"text": line.label, "standoff": 12},
            "automargin": True,
            "domain": [bottom, top - 0.05],
            "exponentformat": "e",
            "rangemode": "tozero",
            "anchor": "x",
        }
    if beside:
        layout["xaxis"]["anchor"] = f"y{len(beside) + 1}"
    return figure


def _beside(
    diagnosis: Diagnosis, reference: Curve, main: Panel, what: str, roles: tuple[Role, ...], name: str
) -> Figure | None:
    """The curves that play one of these roles, under the labels that every framework shares (`val_loss/kl`)."""
    run, above = diagnosis.run, {line.metric for line in main.series}
    wanted = [curve for role in roles for curve in run.played_by(role) if curve.tag not in above]
    labels = [curve.label if curve.component else curve.tag for curve in wanted]
    drawn = [(label, series(run, curve.tag, reference)) for label, curve in zip(labels, wanted, strict=True)]
    lines = [replace(line, label=label) for label, line in drawn if line is not None and len(line.x) > 1]
    shown = [thinned(line, POINTS_OF_A_COMPONENT) for line in lines[:MOST_COMPONENTS]]
    if not shown:
        return None
    low, high = (end(float(end(line.y)) for line in shown) for end in (min, max))
    logarithmic = low > 0 and high / low > LOG_RATIO
    panel = Panel(f"{what} by {main.unit}", main.unit, tuple(shown), (), logarithmic)
    more = "" if len(lines) <= MOST_COMPONENTS else f" The first {MOST_COMPONENTS} of {len(lines)} are drawn."
    return _figure(panel, name, 380, [_styled(line, index) for index, line in enumerate(shown)], more)


def comparison(diagnoses: Sequence[Diagnosis], name: str) -> Figure | None:
    """The validation losses of several runs, or the training losses where one run has no other."""
    runs = [diagnosis.run for diagnosis in diagnoses[:MOST_COMPARED]]
    called = names(diagnoses)
    role = Role.VAL_LOSS if all(run.curve(Role.VAL_LOSS) is not None for run in runs) else Role.TRAIN_LOSS
    lines = []
    for run, name_of_run in zip(runs, called, strict=False):
        curve = run.curve(role)
        line = None if curve is None else series(run, role.value, curve)
        if curve is not None and line is not None and len(line.x) > 1:
            short = thinned(line, POINTS_OF_A_COMPONENT)
            lines.append((curve.unit, Series(role.value, plain(name_of_run), short.x, short.y)))
    counted_by = Counter(unit for unit, _ in lines)
    lines = [(unit, line) for unit, line in lines if unit == counted_by.most_common(1)[0][0]]
    if len(lines) < 2:
        return None
    what = f"{metric_words(role.value).capitalize()} of {counted(len(lines), 'run')}"
    panel = Panel(what, lines[0][0], tuple(line for _, line in lines))
    return _figure(panel, name, 420, [_styled(line, index) for index, line in enumerate(panel.series)])


def _trace(line: Series, axis: str = "y") -> dict[str, Any]:
    """A line; the validation loss also has markers, so that colour is not needed."""
    name, colour = LINE_NAMES.get(line.metric, (line.label, OTHER))
    short = thinned(line, MOST_POINTS)
    held_out = line.metric == Role.VAL_LOSS.value
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(line.x) < 3 or (held_out and len(line.x) <= MOST_MARKED) else "lines",
        "name": plain(name),
        "x": digits(short.x),
        "y": digits(short.y),
        "yaxis": axis,
        "line": {"color": colour, "width": 2 if held_out else 1.6, "dash": "dot" if held_out else "solid"},
        "marker": {"symbol": "circle-open", "size": 7},
        "hovertemplate": "%{x}: %{y}",
    }


def _styled(line: Series, index: int) -> dict[str, Any]:
    trace = _trace(line) | {"name": plain(line.label), "mode": "lines"}
    dash = DASHES[index // len(PALETTE) % len(DASHES)]
    return trace | {"line": {"color": PALETTE[index % len(PALETTE)], "width": 1.6, "dash": dash}}


def digits(values: FloatArray) -> list[float | int]:
    """Six significant digits, whole numbers as such: more than a screen shows, in a third of the bytes."""
    rounded = (float(f"{value:.6g}") for value in values.tolist())
    return [int(value) if value.is_integer() and abs(value) < 1e15 else value for value in rounded]


def _layout(panel: Panel) -> dict[str, Any]:
    first, last = panel.x_range
    dense = {"dtick": 1} if last - first <= MOST_TICKS else {}
    label = "log" if panel.logarithmic else "linear"
    return {
        "xaxis": {"title": {"text": panel.unit}, "tickformat": ",d", "automargin": True} | dense,
        "yaxis": {"type": label, "automargin": True, "exponentformat": "e"}
        | ({"dtick": "D2"} if panel.logarithmic else {}),
        "shapes": [shape for mark in panel.marks for shape in _shapes(mark)],
        "annotations": [_annotation(mark, index) for index, mark in enumerate(panel.marks)],
        "showlegend": len(panel.series) > 1,
        # On the left, and below the buttons that plotly draws at the top right where it is a long one.
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "xanchor": "left"},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": OTHER, "activecolor": TRAIN},
        "hovermode": "x unified",
        "margin": {"t": 48 if len(panel.series) < LONG_LEGEND else 76, "r": 16, "b": 48, "l": 56},
    }


def _shapes(mark: Mark) -> list[dict[str, Any]]:
    """A band from the first to the last step of a finding; a dashed line at the best step."""
    edge = {"yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    colour = ALARM if mark.finding else OTHER
    rule = {"type": "line", "x0": mark.first, "x1": mark.first, "line": {"color": colour, "width": 1.5, "dash": "dash"}}
    band = {"type": "rect", "x0": mark.first, "x1": mark.last, "fillcolor": ALARM, "opacity": 0.1, "line": {"width": 0}}
    return [edge | rule, *([edge | band] if mark.finding and mark.last > mark.first else [])]


def _annotation(mark: Mark, index: int) -> dict[str, Any]:
    place = {"x": mark.first, "y": 1, "yref": "paper", "yanchor": "top", "xanchor": "left", "yshift": -16 * (index % 3)}
    return place | {"showarrow": False, "text": plain(mark.label), "font": {"size": 12}}


def alt_text(panel: Panel) -> str:
    """What the chart shows, in words: each line's start, lowest, end; each mark's place."""
    parts = [_course(line, panel.unit) for line in panel.series[:8]]
    more = len(panel.series) - len(parts)
    parts += [f"And {counted(more, 'line')} more."] if more > 0 else []
    parts += [f"{plain(mark.label)} ({plain(mark.name)}) at {panel.unit} {mark.first:,.0f}." for mark in panel.marks]
    return " ".join(parts)


def _course(line: Series, unit: str) -> str:
    lowest = int(np.argmin(line.y))
    start, low, end = (number(float(value)) for value in (line.y[0], line.y[lowest], line.y[-1]))
    course = f"starts at {start}, is lowest with {low} at {unit} {line.x[lowest]:,.0f}, and ends at {end}"
    return f"{plain(line.label).capitalize()} {course}."
