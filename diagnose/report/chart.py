"""Panels as text: every tick on a line of its own value, two glyphs for two curves, findings above their place."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from rich.text import Text

from diagnose.finding import Diagnosis
from diagnose.report.panels import Mark, Panel, Scale, Series, heights, panels, round_step, scale_of, thinned
from diagnose.report.screen import PURPLE, RED
from diagnose.run import FloatArray, Role

BRAILLE = 0x2800
DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""The bit of each of the 4 by 2 dots of a character (Unicode 15, chapter 21.1)."""


Cells = list[list[str]]
"""The characters of a picture, row by row."""


def draw_points(cells: Cells, x: FloatArray, y: FloatArray, glyph: str) -> None:
    """Draw points of the unit square, y upwards. `x` and `y` have shape (n,)."""
    lines, columns = len(cells), len(cells[0])
    for row, column in zip(np.round((1 - y) * (lines - 1)), np.round(x * (columns - 1)), strict=True):
        cells[int(row)][int(column)] = glyph


def draw_line(cells: Cells, x: FloatArray, y: FloatArray, *, unicode: bool) -> None:
    """Draw a line from point to point, in braille or in full stops."""
    lines, columns = len(cells), len(cells[0])
    if unicode:
        dots = _passed(x, y, 4 * lines, 2 * columns).reshape(lines, 4, columns, 2)
        codes = (dots * DOTS[:, None, :]).sum(axis=(1, 3))
    else:
        codes = _passed(x, y, lines, columns).astype(int)
    for row, column in np.argwhere(codes):
        cells[row][column] = chr(BRAILLE + codes[row, column]) if unicode else "."


def _passed(x: FloatArray, y: FloatArray, rows: int, columns: int) -> npt.NDArray[np.bool_]:
    """Which places of a grid a line through the points passes, shape (rows, columns)."""
    across, down = x * (columns - 1), (1 - y) * (rows - 1)
    way = np.cumsum(np.maximum(np.abs(np.diff(across, prepend=across[0])), np.abs(np.diff(down, prepend=down[0]))))
    steps = np.linspace(0, way[-1], 2 * int(way[-1]) + 2)
    passed = np.zeros((rows, columns), dtype=np.bool_)
    passed[np.round(np.interp(steps, way, down)).astype(int), np.round(np.interp(steps, way, across)).astype(int)] = (
        True
    )
    return passed


MAIN_LINES = 14
DETAIL_LINES = 7
SMALL_LINES = 9
# Points of a line per column, and columns per dot of a dotted curve.
POINTS_PER_COLUMN = 2
COLUMNS_PER_DOT = 3
LABEL_ROWS = 3


# The two losses differ in shape, not only in colour: a line of braille or of full stops, and dots.
DOT = "o"
SAMPLE = {True: "⠤⠒⠤", False: "..."}
"""A piece of a line, for the legend; with Unicode and without."""
POINTER = {True: "▼", False: "v"}
RULER = {True: "┊", False: ":"}


def loss_chart(diagnosis: Diagnosis, width: int, *, unicode: bool = True, small: bool = False) -> Text | None:
    """The panels below each other, `width` columns wide; None where there is nothing to draw."""
    drawn = [
        _draw(panel, width, (SMALL_LINES if small else MAIN_LINES) if index == 0 else DETAIL_LINES, unicode)
        for index, panel in enumerate(panels(diagnosis))
    ]
    return Text("\n\n").join(drawn) if drawn else None


def _draw(panel: Panel, width: int, lines: int, unicode: bool) -> Text:
    scale = scale_of(panel, lines)
    left = max(map(len, scale.labels)) + 1
    marked = [(mark, _column(panel, mark.first, width - left)) for mark in panel.marks]
    text = _heading(panel, width, unicode)
    alarm = RED if any(mark.finding for mark in panel.marks) else "dim"
    for names in _labels([(mark, left + column) for mark, column in marked], width, POINTER[unicode]):
        text.append("\n").append(names, alarm)
    cells = _canvas(panel, scale, [column for _, column in marked], width - left, unicode)
    labels = {scale.row(tick): label for tick, label in zip(scale.ticks, scale.labels, strict=True)}
    for index, row in enumerate(cells):
        start = f"{labels[index]:>{left - 1}}┤" if index in labels else " " * (left - 1) + "│"
        text.append(f"\n{start}").append_text(_styled("".join(row).rstrip(), RULER[unicode], alarm))
    text.append(f"\n{' ' * (left - 1)}└{'─' * (width - left)}")
    return text.append(f"\n{_x_ticks(panel, left, width - left)}")


def _heading(panel: Panel, width: int, unicode: bool) -> Text:
    """Title and legend, above the canvas and so never on a curve."""
    text = Text().append(panel.title, "bold")
    for line in panel.series if len(panel.series) > 1 else ():
        dotted = _dotted(panel, line)
        text.append("   ").append(DOT if dotted else SAMPLE[unicode], PURPLE if dotted else "")
        text.append(f" {line.label.removesuffix(' loss')}")
    text.append("   (log scale)" if panel.logarithmic else "", "dim")
    text.truncate(width)
    return text


def _dotted(panel: Panel, line: Series) -> bool:
    return line.metric == Role.VAL_LOSS.value or len(line.x) < 2 or line is not panel.series[0]


def _canvas(panel: Panel, scale: Scale, rulers: list[int], width: int, unicode: bool) -> Cells:
    """The curves, and behind them a dotted rule at each mark."""
    cells = [[RULER[unicode] if column in rulers else " " for column in range(width)] for _ in range(scale.lines)]
    first, last = _wide(panel)
    for line in panel.series:
        dotted = _dotted(panel, line)
        shown = thinned(line, width // COLUMNS_PER_DOT if dotted else width * POINTS_PER_COLUMN)
        x = (shown.x - first) / (last - first)
        y = (heights(panel, shown.y) - scale.low) / (scale.high - scale.low)
        if dotted:
            draw_points(cells, x, y, DOT)
        else:
            draw_line(cells, x, y, unicode=unicode)
    return cells


def _wide(panel: Panel) -> tuple[float, float]:
    first, last = panel.x_range
    margin = max(0.5, 1e-9 * abs(last))  # half a step beside 2**62 is lost in a float
    return (first, last) if last > first else (first - margin, last + margin)


def _column(panel: Panel, place: float, inner: int) -> int:
    first, last = _wide(panel)
    return int(np.clip(round((place - first) / (last - first) * (inner - 1)), 0, inner - 1))


def _labels(columns: list[tuple[Mark, int]], width: int, pointer: str) -> list[str]:
    """The codes above the canvas, each at its column, in as few rows as hold them; equal columns share a label."""
    shared: dict[int, list[str]] = {}
    for mark, column in columns:
        shared.setdefault(column, []).append(mark.label)
    rows: list[str] = []
    for column, names in shared.items():
        label = f"{pointer}{' '.join(names)}"
        start = column if column + len(label) <= width else column - len(label) + 1
        if start < column:
            label = f"{' '.join(names)}{pointer}"
        for index in range(LABEL_ROWS):
            if index == len(rows):
                rows.append(" " * width)
            before = rows[index]
            if not before[max(0, start - 1) : start + len(label) + 1].strip():
                rows[index] = before[:start] + label + before[start + len(label) :]
                break
    return [row.rstrip() for row in reversed(rows)]


def _styled(row: str, ruler: str, alarm: str) -> Text:
    text = Text(row)
    text.highlight_words([DOT], PURPLE)
    text.highlight_words([ruler], alarm)
    return text


def _x_ticks(panel: Panel, left: int, inner: int) -> str:
    """Whole numbers below the chart, never epoch 1.75; the last one says what is counted."""
    first, last = _wide(panel)
    step = max(1, round(round_step((last - first) / max(2, inner // 12))))
    start = int(np.ceil(first / step)) * step
    ticks = sorted({*range(start, int(last) + 1, step), int(np.ceil(first))})
    cells, free = [" "] * (left + inner + 2), 0
    for tick in ticks:
        column, label = left + _column(panel, tick, inner), f"{tick:,}"
        begin = max(min(column - (len(label) - 1) // 2, left + inner - len(label)), 0)
        if begin >= free:
            cells[begin : begin + len(label)] = label
            free = begin + len(label) + 2
    return "".join(cells).rstrip()
