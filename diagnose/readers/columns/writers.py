"""Several trainings that write into one log at once (`nohup.out`): the rows of one of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from diagnose.readers.columns.clocks import Clocks
from diagnose.readers.columns.column import Column
from diagnose.readers.columns.launches import INTERLEAVED, each_counts_by_itself
from diagnose.readers.sources.launched import COURSE
from diagnose.run import FloatArray, IntArray

# Trainings in one log, at most. Source: our choice.
_MOST = 4
# Counts that are looked at one by one: a second's work. Longer logs are those of one training.
_LONGEST = 200_000
# By how many intervals trainings that started one after the other are apart; processes of one training are by less.
_APART = 2.0


def of_one_writer(
    logged: dict[str, Column], clocks: Clocks, loss: Column | None
) -> tuple[dict[str, Column], Clocks, tuple[str, ...]]:
    """The rows of the training with the most points, and a note, where several count on in turns."""
    clock = clocks.main
    if clock is None or loss is None or not 2 * COURSE <= len(clock.values) <= _LONGEST:
        return logged, clocks, ()
    if each_counts_by_itself(clock, logged):
        return logged, clocks, ()
    rise = np.diff(clock.values)
    rise = rise[rise != 0]
    if (rise < 0).sum() <= INTERLEAVED / 2 * len(rise):
        return logged, clocks, ()
    writer = _writers(clock.values)

    def written_by(column: Column) -> IntArray:
        return writer[np.maximum(np.searchsorted(clock.places, column.places, side="right") - 1, 0)]

    points = np.bincount(written_by(loss))
    kept = int(np.argmax(points))
    spacing = float(np.median(np.abs(np.diff(clock.values[writer == kept]))))
    if not 1 < len(points) <= _MOST or min(points) < COURSE or np.median(-rise[rise < 0]) < _APART * spacing:
        return logged, clocks, ()

    def own(column: Column) -> Column:
        return column.where(written_by(column) == kept)

    step, epoch = (None if counter is None else own(counter) for counter in (clocks.step, clocks.epoch))
    note = f"{len(points)} trainings write into this log in turns: the one with the most points is judged"
    return {tag: own(column) for tag, column in logged.items()}, replace(clocks, step=step, epoch=epoch), (note,)


def _writers(counts: FloatArray) -> IntArray:
    """Which training each count belongs to: the one that it goes on with by the shortest way, the last one first."""
    heads: list[float] = []
    found = np.zeros(len(counts), np.int64)
    last = -1
    for place, count in enumerate(counts.tolist()):
        below = [number for number, head in enumerate(heads) if head < count]
        if last < 0 or heads[last] != count:  # else the next line of one count
            _, _, last = max(((heads[number], number == last, number) for number in below), default=(0, 0, len(heads)))
        heads[last : last + 1] = [count]
        if len(heads) > _MOST:
            return np.zeros(len(counts), np.int64)
        found[place] = last
    return found
