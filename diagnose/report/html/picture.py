"""A panel as a small SVG: for notebooks, and wherever no script runs. Text and lines take the colour around them."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import numpy as np

from diagnose.clean import plain
from diagnose.report.html.figures import ALARM, OTHER, TRAIN, VAL, alt_text
from diagnose.report.panels import Mark, Panel, Series, thinned
from diagnose.report.scale import Scale, heights, scale_of
from diagnose.run import FloatArray, Role

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 56, 8, 28, 24
MOST_POINTS = 400
FONT = 'font-family="system-ui, sans-serif" font-size="11" fill="currentColor"'


def svg(panel: Panel) -> str:
    """The panel as one element, with the words that say what it shows."""
    scale = scale_of(panel, 5)
    parts = [*_grid(panel, scale), *_marks(panel), *(_line(panel, line, scale) for line in panel.series)]
    parts += _legend(panel)
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
    dash = ' stroke-dasharray="2 3"' if line.metric == Role.VAL_LOSS.value else ""
    return f'<polyline points="{points}" fill="none" stroke="{_colour(line)}" stroke-width="1.8"{dash}/>'


def _colour(line: Series) -> str:
    return {Role.TRAIN_LOSS.value: TRAIN, Role.VAL_LOSS.value: VAL}.get(line.metric, OTHER)


def _marks(panel: Panel) -> Iterator[str]:
    for index, mark in enumerate(panel.marks):
        yield from _mark(panel, mark, TOP + 12 + 13 * (index % 3))


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
        dash = ' stroke-dasharray="2 3"' if line.metric == Role.VAL_LOSS.value else ""
        yield f'<path d="M{x} 12h20" stroke="{_colour(line)}" stroke-width="2"{dash}/>'
        yield f'<text x="{x + 26}" y="16" {FONT}>{label}</text>'
        x += 40 + 7 * len(label)
