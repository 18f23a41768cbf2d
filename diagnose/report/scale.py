"""The y axis of a panel: round limits, and ticks an equal distance apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnose.report.panels import LEAST_SPAN, Panel
from diagnose.run import FloatArray


@dataclass(frozen=True, slots=True)
class Scale:
    """The y axis: round limits, and ticks an equal number of lines apart."""

    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]
    lines: int

    def row(self, tick: float) -> int:
        """The line on which a tick is, from the top."""
        return round((self.high - tick) / (self.high - self.low) * (self.lines - 1))


def heights(panel: Panel, values: FloatArray) -> FloatArray:
    """What is drawn of values: themselves, or their logarithms."""
    return np.log10(values) if panel.logarithmic else values


def scale_of(panel: Panel, lines: int) -> Scale:
    """Limits that are round numbers, so that each tick falls on a line of its own."""
    low, high = (float(heights(panel, np.array(value))) for value in panel.y_range)
    level = max(abs(low), abs(high))
    if high - low < LEAST_SPAN * level and not panel.logarithmic:
        middle, half = (low + high) / 2, LEAST_SPAN * level / 2
        low, high = middle - half, middle + half
    elif high <= low:
        low, high = low - 0.5, high + 0.5
    step = round_step((high - low) / 4, panel.logarithmic)
    first, last = int(np.floor(low / step + 1e-9)), int(np.ceil(high / step - 1e-9))
    last = max(last, first + 1)
    each = max(1, round((lines - 1) / (last - first)))
    lines = (last - first) * each + 1
    ticks = [index * step for index in range(first, last + 1)]
    return Scale(
        ticks[0], ticks[-1], tuple(ticks), _labels_of(ticks, step, panel.logarithmic), (last - first) * each + 1
    )


def round_step(width: float, logarithmic: bool = False) -> float:
    """The next of 1, 2 and 5 times a power of ten; half or whole decades on a logarithmic scale."""
    if logarithmic:
        return 0.5 if width <= 0.5 else float(np.ceil(width))
    power = 10.0 ** np.floor(np.log10(width))
    return float(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= width * (1 - 1e-9)))


def _labels_of(ticks: list[float], step: float, logarithmic: bool) -> tuple[str, ...]:
    if logarithmic:
        return tuple(f"{10**tick:.2g}" if abs(tick) < 4 else f"{10**tick:.1e}" for tick in ticks)
    if max(map(abs, ticks)) >= 1e6 or step < 1e-5:
        return tuple(f"{tick:.3g}" for tick in ticks)
    decimals = max(0, -int(np.floor(np.log10(step) + 1e-9)))
    return tuple(f"{tick:,.{decimals}f}" for tick in ticks)
