"""Panels as text: every tick on a line of its own value, two glyphs for two curves, findings above their place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rich.text import Text

from diagnose.finding import Diagnosis
from diagnose.report.canvas import draw_line, draw_points
from diagnose.report.panels import Mark, Panel, Series, panels, thinned
from diagnose.report.scale import Scale, heights, round_step, scale_of
from diagnose.report.screen import PURPLE, RED
from diagnose.run import Role

MAIN_LINES = 14
DETAIL_LINES = 7
SMALL_LINES = 9
# Points of a line per column, and columns per dot of a dotted curve.
POINTS_PER_COLUMN = 2
COLUMNS_PER_DOT = 3
LABEL_ROWS = 3


@dataclass(frozen=True, slots=True)
class Glyphs:
    """How the curves are drawn; the two losses differ in shape, not only in colour."""

    braille: bool
    sample: str
    """A piece of a line, for the legend."""
    dot: str = "o"
    pointer: str = "▼"
    ruler: str = "┊"


UNICODE = Glyphs(True, "⠤⠒⠤")
PLAIN = Glyphs(False, "...", pointer="v", ruler=":")


def loss_chart(diagnosis: Diagnosis, width: int, *, unicode: bool = True, small: bool = False) -> Text | None:
    """The panels below each other, `width` columns wide; None where there is nothing to draw."""
    drawn = [
        _draw(panel, width, (SMALL_LINES if small else MAIN_LINES) if index == 0 else DETAIL_LINES, unicode)
        for index, panel in enumerate(panels(diagnosis))
    ]
    return Text("\n\n").join(drawn) if drawn else None


def _draw(panel: Panel, width: int, lines: int, unicode: bool) -> Text:
    glyphs = UNICODE if unicode else PLAIN
    scale = scale_of(panel, lines)
    rows = _canvas(panel, scale, width, glyphs)
    left = 1 + max(rows[0].find("┤"), rows[0].find("│"))
    inner = max(len(row) for row in rows) - left
    columns = [(mark, left + _column(panel, mark.first, inner)) for mark in panel.marks]
    text = _heading(panel, glyphs, width)
    alarm = RED if any(mark.finding for mark in panel.marks) else "dim"
    for row in _labels(columns, width, glyphs):
        text.append("\n").append(row, alarm)
    for row in rows:
        text.append("\n").append_text(_styled(_ruled(row, columns, glyphs), left, glyphs, alarm))
    return text.append(f"\n{_x_ticks(panel, left, inner)}")


def _heading(panel: Panel, glyphs: Glyphs, width: int) -> Text:
    """Title and legend, above the canvas and so never on a curve."""
    text = Text().append(panel.title, "bold")
    for line in panel.series if len(panel.series) > 1 else ():
        dotted = _dotted(panel, line)
        text.append("   ").append(glyphs.dot if dotted else glyphs.sample, PURPLE if dotted else "")
        text.append(f" {line.label.removesuffix(' loss')}")
    text.append("   (log scale)" if panel.logarithmic else "", "dim")
    text.truncate(width)
    return text


def _dotted(panel: Panel, line: Series) -> bool:
    return line.metric == Role.VAL_LOSS.value or len(line.x) < 2


def _canvas(panel: Panel, scale: Scale, width: int, glyphs: Glyphs) -> list[str]:
    """The lines of the y axis and the curves, without colour."""
    left = max(map(len, scale.labels))
    inner = width - left - 1
    cells = [[" "] * inner for _ in range(scale.lines)]
    first, last = _wide(panel)
    for line in panel.series:
        dotted = _dotted(panel, line)
        shown = thinned(line, width // COLUMNS_PER_DOT if dotted else width * POINTS_PER_COLUMN)
        x = (shown.x - first) / (last - first)
        y = (heights(panel, shown.y) - scale.low) / (scale.high - scale.low)
        if dotted:
            draw_points(cells, x, y, glyphs.dot)
        else:
            draw_line(cells, x, y, unicode=glyphs.braille)
    labels = dict(zip((scale.row(tick) for tick in scale.ticks), scale.labels, strict=True))
    axis = (f"{labels[row]:>{left}}┤" if row in labels else " " * left + "│" for row in range(scale.lines))
    rows = [start + "".join(row).rstrip() for start, row in zip(axis, cells, strict=True)]
    return [*rows, " " * left + "└" + "─" * inner]


def _wide(panel: Panel) -> tuple[float, float]:
    first, last = panel.x_range
    margin = max(0.5, 1e-9 * abs(last))  # half a step beside 2**62 is lost in a float
    return (first, last) if last > first else (first - margin, last + margin)


def _column(panel: Panel, place: float, inner: int) -> int:
    first, last = _wide(panel)
    return min(max(round((place - first) / (last - first) * (inner - 1)), 0), inner - 1)


def _labels(columns: list[tuple[Mark, int]], width: int, glyphs: Glyphs) -> list[str]:
    """The codes above the canvas, each at its column, in as few rows as hold them; equal columns share a label."""
    shared: dict[int, list[str]] = {}
    for mark, column in columns:
        shared.setdefault(column, []).append(mark.label)
    rows: list[str] = []
    for column, names in shared.items():
        label = f"{glyphs.pointer}{' '.join(names)}"
        start = column if column + len(label) <= width else column - len(label) + 1
        if start < column:
            label = f"{' '.join(names)}{glyphs.pointer}"
        for index in range(LABEL_ROWS):
            if index == len(rows):
                rows.append(" " * width)
            before = rows[index]
            if not before[max(0, start - 1) : start + len(label) + 1].strip():
                rows[index] = before[:start] + label + before[start + len(label) :]
                break
    return [row.rstrip() for row in reversed(rows)]


def _ruled(row: str, columns: list[tuple[Mark, int]], glyphs: Glyphs) -> str:
    """The line with a dotted rule at each mark, where no curve is."""
    cells = list(row.ljust(max((column for _, column in columns), default=0) + 1))
    for _, column in columns:
        if cells[column] in " ⠀" and "─" not in row:
            cells[column] = glyphs.ruler
    return "".join(cells).rstrip()


def _styled(row: str, left: int, glyphs: Glyphs, alarm: str) -> Text:
    text = Text(row)
    for index, cell in enumerate(row):
        if index >= left and cell in (glyphs.dot, glyphs.ruler):
            text.stylize(PURPLE if cell == glyphs.dot else alarm, index, index + 1)
    return text


def _x_ticks(panel: Panel, left: int, inner: int) -> str:
    """Whole numbers below the chart, never epoch 1.75; the last one says what is counted."""
    first, last = _wide(panel)
    step = max(1, round(round_step((last - first) / max(2, inner // 12), False)))
    start = int(np.ceil(first / step)) * step
    ticks = sorted({*range(start, int(last) + 1, step), int(np.ceil(first))})
    ends = [f"{tick:,}" for tick in ticks]
    cells = [" "] * (left + inner + 2)
    free = 0
    for tick, label in zip(ticks, ends, strict=True):
        column = left + _column(panel, tick, inner)
        begin = max(min(column - (len(label) - 1) // 2, left + inner - len(label)), 0)
        if begin >= free:
            cells[begin : begin + len(label)] = label
            free = begin + len(label) + 2
    return "".join(cells).rstrip()
