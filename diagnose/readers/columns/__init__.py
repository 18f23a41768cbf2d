"""From columns in the order of the log to curves: counters, launches, rewinds, repeats.

A log, whatever its format, is a set of columns: values and the places (line or row numbers) where they were.
Some columns count training time; every other one becomes a curve, its steps those that the counters showed at its
places.
"""

from diagnose.readers.columns.column import (
    COUNTERS,
    END,
    EPOCH,
    EPOCHS,
    FOLD,
    INTERVAL,
    ITERATION,
    LAUNCH,
    MOST_NAMES,
    OMITTED,
    PER_EPOCH,
    RANK,
    REDRAWN,
    STEP,
    STEPS,
    WALL_TIME,
    Column,
    Columns,
    changes,
)
from diagnose.readers.columns.curves import curves_of, trained_at
from diagnose.readers.columns.story import Story

__all__ = [
    "COUNTERS",
    "END",
    "EPOCH",
    "EPOCHS",
    "FOLD",
    "INTERVAL",
    "ITERATION",
    "LAUNCH",
    "MOST_NAMES",
    "OMITTED",
    "PER_EPOCH",
    "RANK",
    "REDRAWN",
    "STEP",
    "STEPS",
    "WALL_TIME",
    "Column",
    "Columns",
    "Story",
    "changes",
    "curves_of",
    "trained_at",
]
