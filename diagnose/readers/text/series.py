"""From the numbers of a text log to its series: sections, tables, pairs, bars, epoch means, echoes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from diagnose.readers.columns import COUNTERS, EPOCH, ITERATION, STEP, Column, changes, trained_at
from diagnose.readers.roles import read_tag
from diagnose.readers.text.formats import GUESS, Format
from diagnose.readers.text.guess import ANNOUNCED, BAR, BAR_TOTAL, PAIRED, RECAP
from diagnose.readers.text.table_rows import HEADER, with_headers
from diagnose.run import Axis

# A name is a series from this many values on, where the format is not known.
_FEWEST = 2
# A column of which no more than this share is new is an echo of the last value.
_ECHOED = 0.2
# Numbers of which more than this share rise count something; a new launch begins them again.
_COUNTS = 0.5
# Steps that are announced on lines without metrics count from so many to one value on: fewer are words in prose.
_ANNOUNCED_SHARE = 0.05


def series_of(columns: Mapping[str, Column], form: Format, titles: Sequence[str] = ()) -> dict[str, Column]:
    """The columns that repeat, with the names that sections and table headers, or the user, give them."""
    if titles:  # as if they were above the first row
        columns = {**columns, HEADER + "\t".join(titles): Column(np.array([-1]), np.ones(1))}
    tabled = with_headers(columns)
    named = _with_bar(_with_pairs(form.with_sections(tabled)))
    if form.axis is Axis.EPOCH and EPOCH in named:  # then the place in the bar means nothing
        named.pop(ITERATION, None)
    announced = named.pop(ANNOUNCED, None)
    longest = max(map(_length, named.values()), default=1)
    if announced is not None and len(announced.values) >= _ANNOUNCED_SHARE * longest:
        named.setdefault(STEP, announced)
    if form is GUESS:
        named = _with_epoch_means(named)
    if not any(read_tag(name).lossy and not name.startswith(RECAP) for name in named):
        named = {name.removeprefix(RECAP): column for name, column in named.items()}
    headed = tabled.keys() - columns.keys()
    if form is GUESS or form.keep_last:
        named = {name: _without_echoes(name, column) for name, column in named.items()}
    return {name: column for name, column in named.items() if form is not GUESS or _repeats(name, column, headed)}


def _length(column: Column) -> int:
    return len(column.values)


def _repeats(name: str, column: Column, headed: Collection[str]) -> bool:
    """Whether a name is a series: it comes again, or it is a loss that is rightly reported once."""
    if name in COUNTERS or len(column.values) >= _FEWEST or name in headed:
        return True
    reading = read_tag(name)
    return reading.held_out and reading.lossy > 1 and not reading.no_loss


def _with_pairs(columns: Mapping[str, Column]) -> dict[str, Column]:
    """`loss: (7, 2.5)` is a loss at a step where the first numbers count on; else the first is the value."""
    named = {name: column for name, column in columns.items() if not name.startswith(PAIRED)}
    for name, first in columns.items():
        if name.startswith(PAIRED) and len(first.values) > 1:
            counts = not (first.values % 1).any() and np.mean(np.diff(first.values) > 0) > _COUNTS
            named[STEP if counts else name.removeprefix(PAIRED)] = first
    return named


def _with_bar(columns: Mapping[str, Column]) -> dict[str, Column]:
    """The columns, with the bar of the training for a counter where there is no other.

    Bars of training and of evaluations differ in their totals: the one before most training losses is the training's.
    """
    named = {name: column for name, column in columns.items() if name not in {BAR, BAR_TOTAL}}
    trained = trained_at({name: column for name, column in named.items() if name not in COUNTERS})
    if not {BAR, BAR_TOTAL} <= columns.keys() or named.keys() & {STEP, ITERATION} or not len(trained):
        return named
    bar, totals = columns[BAR], columns[BAR_TOTAL]
    values, often = np.unique(totals.at(trained), return_counts=True)
    keep = totals.at(bar.places) == values[np.argmax(often)]
    return named | ({ITERATION: Column(bar.places[keep], bar.values[keep])} if keep.any() else {})


def _with_epoch_means(columns: Mapping[str, Column]) -> dict[str, Column]:
    """The columns, with a name's values on lines that name an epoch but no step of it in a column of their own."""
    clocks = [columns[name].places for name in (STEP, ITERATION) if name in columns]
    if EPOCH not in columns or not clocks:
        return dict(columns)
    inside, epoch = np.unique(np.concatenate(clocks)), columns[EPOCH]
    named = {}
    for name, column in columns.items():
        step = np.isin(column.places, inside)
        mean = ~step & np.isin(column.places, epoch.places)
        few = name not in COUNTERS and 0 < mean.sum() < step.sum()
        if few and changes(epoch.at(column.places[mean])).all():
            named[f"{name} (epoch)"] = Column(column.places[mean], column.values[mean], column.axis)
            named[name] = Column(column.places[~mean], column.values[~mean], column.axis)
        else:
            named[name] = column
    return named


def _without_echoes(name: str, column: Column) -> Column:
    """A validation loss that a progress bar shows until the next one comes, only where it is new."""
    if name in COUNTERS or read_tag(name).split not in {"val", "test"}:
        return column
    new = changes(column.values)
    if not 1 < new.sum() <= _ECHOED * len(new):
        return column
    return Column(column.places[new], column.values[new], column.axis)
