"""One logged name in the order of the log, and the names of the columns that count training time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from diagnose.run import Axis, FloatArray, IntArray

# Columns with these names are counters.
STEP, EPOCH, ITERATION, PER_EPOCH, WALL_TIME = "@step", "@epoch", "@iteration", "@per_epoch", "@wall_time"
# How many epochs and steps the log announces for the whole training.
EPOCHS, STEPS = "@epochs", "@steps"
# How many steps are between two rows.
INTERVAL = "@interval"
# Whether a progress bar is on the line, which is drawn again and again.
REDRAWN = "@redrawn"
# Which of several processes of one training wrote a line.
RANK = "@rank"
# Where a launch may begin: one does if the clock does not go on there.
LAUNCH = "@launch"
# The number of the training, where one log holds several: of a fold, a split, a trial.
FOLD = "@fold"
# Where a trainer says that it is done: if the clock goes back after that, another training begins.
END = "@end"
# Where lines were left out of the log: `...`.
OMITTED = "@omitted"
COUNTERS = frozenset(
    {STEP, EPOCH, ITERATION, PER_EPOCH, WALL_TIME, EPOCHS, STEPS, INTERVAL, REDRAWN, RANK, LAUNCH, FOLD, END, OMITTED}
)

# Names of one log that become curves. A trainer logs some hundreds; names without end must not fill the memory.
MOST_NAMES = 10_000


@dataclass(frozen=True, eq=False)
class Column:
    """One logged name: its values in the order of the log."""

    places: IntArray
    """Shape (n,), not decreasing: the number of the line or row."""
    values: FloatArray
    """Shape (n,)."""
    axis: Axis | None = None
    """What its steps count, where the format knows."""

    def at(self, places: IntArray) -> FloatArray:
        """The last value at or before each place; NaN before the first."""
        if places is self.places:
            return self.values
        index = np.searchsorted(self.places, places, side="right") - 1
        if not len(self.values):
            return np.full(len(places), np.nan)
        return np.where(index < 0, np.nan, self.values[np.maximum(index, 0)])

    def where(self, keep: npt.NDArray[np.bool_]) -> Column:
        """The values for which `keep`, shape (n,), is true."""
        return self if keep.all() else Column(self.places[keep], self.values[keep], self.axis)


Columns = Mapping[str, Column]


def changes(values: FloatArray) -> npt.NDArray[np.bool_]:
    """Where a value differs from the one before it, shape (n,); the first does. NaN equals NaN here."""
    if not len(values):
        return np.zeros(0, np.bool_)
    same = (values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))
    return np.concatenate([[True], ~same])
