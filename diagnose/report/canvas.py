"""Lines and points on a grid of characters.

By hand, for the library that draws so (plotext) keeps one figure for all threads, and takes longer to load than a
small log to judge.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from diagnose.run import FloatArray

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
