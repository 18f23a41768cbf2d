"""Steps of a log that reports epochs with fractions only, where it says how far apart its rows are."""

from __future__ import annotations

import numpy as np

from diagnose.readers.columns.column import EPOCH, EPOCHS, INTERVAL, ITERATION, STEP, STEPS, Column, Columns
from diagnose.run import FloatArray, IntArray

# A gap this many times the usual one is a hole in the log, no interval. Source: our choice.
_HOLE = 3.0
_FEWEST = 5
# Steps a row that follow from the announced end must be a whole number within this share, or as epochs are rounded.
_WHOLE = 0.02
# The Trainer writes two decimals of an epoch, newer ones more.
_ROUNDED = 0.01


def with_steps(columns: Columns, trained: IntArray) -> Columns:
    """The columns with a clock of steps where the log reports its interval; `trained`: the rows of the training loss.

    The Hugging Face Trainer prints an epoch in each row, and once how many steps are between two rows
    (`logging_steps`) or in the whole training. Epochs are rounded, so that the rows of the training count by
    whole intervals.
    """
    epoch = columns.get(EPOCH)
    if epoch is None or columns.keys() & {STEP, ITERATION} or not (np.nan_to_num(epoch.values) % 1).any():
        return columns
    rows = np.isin(epoch.places, trained)
    gap, gaps = _gap(epoch.values[rows])
    interval = _stated(columns, INTERVAL) or _announced(columns, gap, gaps)
    if not interval or not gap:
        return columns
    steps = np.round(epoch.values / gap * interval)
    whole = np.round(epoch.values / gap) * interval
    return {**columns, STEP: Column(epoch.places, np.where(rows, whole, steps))}


def _gap(epochs: FloatArray) -> tuple[float, int]:
    """The mean distance of two rows in epochs, holes aside, and of how many it is; 0 where there are too few."""
    gaps = np.diff(epochs[np.isfinite(epochs)])
    gaps = gaps[gaps > 0]
    gaps = gaps[gaps < _HOLE * np.median(gaps)] if len(gaps) else gaps
    return (float(gaps.mean()), len(gaps)) if len(gaps) >= _FEWEST else (0.0, 0)


def _announced(columns: Columns, gap: float, gaps: int) -> float:
    """Steps between two rows by the announced end; 0 where that gives no whole number.

    Epochs are rounded up where the user asked for steps: then the two ends are not the same.
    """
    steps, epochs = _stated(columns, STEPS), _stated(columns, EPOCHS)
    if not steps or not epochs or not gap:
        return 0.0
    between = gap * steps / epochs
    slack = _ROUNDED / gaps * steps / epochs + _WHOLE
    return float(round(between)) if round(between) >= 1 and abs(between - round(between)) <= slack < 0.5 else 0.0


def _stated(columns: Columns, name: str) -> float:
    """The last word of the log on a number; 0 where it has none."""
    column = columns.get(name)
    known = column.values[np.isfinite(column.values)] if column is not None else np.zeros(0)
    return float(known[-1]) if len(known) and 0 < known[-1] < 2.0**62 else 0.0
