"""What counts training time in a log: the global step and the epoch, made from what its lines count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from diagnose.readers.columns.column import (
    END,
    EPOCH,
    EPOCHS,
    ITERATION,
    PER_EPOCH,
    RANK,
    STEP,
    Column,
    Columns,
    changes,
)
from diagnose.run import FloatArray, IntArray

# More of such values than this share are another writer, not slips.
SLIPS = 0.02
# Returns of the step on rows without the training loss from which on these rows count for themselves.
_OTHER_COUNTS = 2
# Intervals of logging that an epoch must lack at least to be broken off. Source: our choice.
BROKEN_OFF = 3.0
# A step that begins anew in more than this share of the epochs is counted within them.
MOST_EPOCHS = 0.5
# Losses from which on a step that does not move is none. Source: our choice.
FEWEST_STEPS = 10
# New losses at one step, in the mean, from which on that is no step. Source: our choice: more than a node has ranks.
STILL = 8


@dataclass(frozen=True, eq=False)
class Clocks:
    """The counters of a log, each over the places where it was logged; None: not logged."""

    step: Column | None
    epoch: Column | None
    ends: bool = False
    """Whether the log says where a training ended."""
    order: bool = False
    """Whether `step` is the order of the rows, because the log has fractions of epochs, or processes, only."""

    @property
    def main(self) -> Column | None:
        """The clock that distinguishes launches.

        What counts the points, or a bar on other lines, goes on over all trainings of one process.
        """
        return self.epoch or self.step if self.ends else self.step or self.epoch


def clocks_of(columns: Columns, logged: IntArray) -> Clocks:
    """The global step and the epoch. `logged`: the places, in order, that hold some metric."""
    columns = {**columns, **({STEP: _at_head(columns[STEP], logged)} if STEP in columns else {})}
    step, epoch, iteration = (_with_metrics(columns.get(name), logged) for name in (STEP, EPOCH, ITERATION))
    if epoch is not None and _is_one_of_one(epoch, columns.get(EPOCHS), logged):
        epoch = Column(epoch.places, epoch.values + np.arange(len(epoch.values)))
    if step is not None and epoch is not None and _restarts_with(step, epoch):
        step, iteration = None, step
    count = iteration if step is None else step
    if count is not None and epoch is not None and (step is None or not np.isin(epoch.places, step.places).any()):
        epoch = _of_summaries(epoch, count, logged)
    if step is None and iteration is not None:
        epoch = None if epoch is not None and _is_named_rarely(epoch, iteration) else epoch
        epoch = epoch if epoch is not None else _passes(iteration, columns.get(PER_EPOCH))
        step = _global_step(iteration, epoch, columns.get(PER_EPOCH)) if epoch is not None else iteration
    rank = columns.get(RANK)
    rows = epoch if epoch is not None and np.any(epoch.values % 1) else rank if epoch is None else None
    order = step is None and rows is not None
    if step is None and rows is not None:
        step = Column(rows.places, _order(rows.places, rank))
    return Clocks(_without_slips(step), epoch, END in columns, order)


def _at_head(counter: Column, logged: IntArray) -> Column:
    """A count that stands below each block of metrics, all of one length, above them: it is theirs."""
    places = counter.places
    if len(places) < 2 or not len(logged) or np.isin(places, logged).any():
        return counter
    inside = np.searchsorted(logged, np.concatenate([[-1], places]))
    lengths = np.diff(inside)
    if inside[-1] < len(logged) or lengths[0] == 0 or (lengths != lengths[0]).any():
        return counter
    return Column(logged[inside[:-1]], counter.values, counter.axis)


def _is_one_of_one(epoch: Column, epochs: Column | None, logged: IntArray) -> bool:
    """Whether each line above the metrics is `Epoch 1/1`: of a fit of one epoch, which is called again and again."""
    if epochs is None or (epochs.values != 1).any() or (epoch.values != 1).any():
        return False
    return not np.isin(epoch.places, logged).any()


def without_other_counts(columns: Columns, logged: Columns, loss: Column | None) -> Columns:
    """The columns with a step that does not go back where the training loss does not.

    Rows of other things (validation batches, pictures) may count for themselves in the column of the run's steps.
    """
    step = columns.get(STEP)
    if step is None or loss is None:
        return columns
    ruled = np.isin(step.places, loss.places)
    least = _returns(step.values[ruled])
    if not ruled.any() or _returns(step.values) - least < _OTHER_COUNTS:
        return columns
    for column in sorted(logged.values(), key=lambda column: -len(column.values)):
        wider = ruled | np.isin(step.places, column.places)
        ruled = wider if _returns(step.values[wider]) <= least else ruled
    return {**columns, STEP: step.where(ruled)}


def _returns(values: FloatArray) -> int:
    finite = values[np.isfinite(values)]
    return int((finite[1:] < finite[:-1]).sum())


def _with_metrics(counter: Column | None, logged: IntArray) -> Column | None:
    """The finite values of a counter that are followed by a metric before the next one.

    A closing line (`Best epoch: 12`, `Restoring ... from epoch 12`) or the bar of another task counts nothing.
    """
    if counter is None or not len(counter.values):
        return None
    keep = np.isfinite(counter.values)
    counter = counter.where(keep)
    if not len(counter.values):
        return None
    behind = np.diff(np.searchsorted(logged, np.append(counter.places, np.iinfo(np.int64).max)))
    return counter.where(behind > 0) if behind.any() else counter


def _order(places: IntArray, rank: Column | None) -> FloatArray:
    """The number of each row, shape (n,); where several processes write, among those of its own."""
    number = np.arange(float(len(places)))
    if rank is None:
        return number
    own = rank.at(places)
    for process in np.unique(own[np.isfinite(own)]):
        number[own == process] = np.arange(float((own == process).sum()))
    return number


def _without_slips(counter: Column | None) -> Column | None:
    """The counter without lone values that the values around them contradict: a number in a sentence read as a step."""
    if counter is None or len(counter.values) < 3:
        return counter
    before, here, after = counter.values[:-2], counter.values[1:-1], counter.values[2:]
    slip = (after > before) & ((here < before) | (here > after))
    if not slip.any():
        return counter
    keep = np.concatenate([[True], ~slip, [True]])
    return counter if slip.sum() > max(1.0, SLIPS * len(slip)) else counter.where(keep)


def _restarts_with(step: Column, epoch: Column, *, inner: bool = False) -> bool:
    """Whether the step begins anew in most epochs. `inner`: whether the log says how many steps an epoch has."""
    number = np.nan_to_num(epoch.at(step.places), nan=-1.0)  # before the first that is named is another epoch
    new = np.flatnonzero(np.diff(number) > 0) + 1
    if not len(new) or (epoch.values == epoch.values[0]).all():  # named once: `[500/500, Epoch 4/5]`
        return False
    reached = np.maximum.reduceat(step.values, [0, *new])[:-1]
    # The same step again is a step of its own only where there is no other: one value an epoch.
    still = inner or bool((step.values == step.values[0]).all())
    back = step.values[new] <= reached if still else step.values[new] < reached
    return float(np.mean(back)) > MOST_EPOCHS


def goes_on_over_epochs(columns: Columns) -> bool:
    """Whether the count that has an end goes on from epoch to epoch: `Epoch [2/2000], Step [400/768000]`."""
    count, epoch = columns.get(ITERATION) or columns.get(STEP), columns.get(EPOCH)
    if count is None or epoch is None or not (np.diff(epoch.values) > 0).any():
        return False
    return not _restarts_with(count, epoch, inner=True)


def _of_summaries(epoch: Column, iteration: Column, logged: IntArray) -> Column:
    """The epoch of batch lines or steps that are before the line that names and sums up their epoch."""
    first = iteration.values[0]
    before = iteration.places < epoch.places[0]
    if not before.any() or first != iteration.values.min() or not np.isin(epoch.places, logged).all():
        return epoch
    starts = np.concatenate([[0], epoch.places[:-1] + 1])
    places, values = starts, epoch.values
    last = epoch.places[-1]
    if (iteration.places > last).any():  # an epoch that is not summed up yet
        places, values = np.append(places, last + 1), np.append(values, values[-1] + 1)
    return Column(places, values)


def _is_named_rarely(epoch: Column, iteration: Column) -> bool:
    """Whether only every second epoch, or fewer, is named (`Epoch 5`, `Epoch 10`), and each has batches of its own."""
    apart = np.diff(np.unique(epoch.values))
    return len(apart) > 0 and apart.min() > 1 and _returns(iteration.values) > len(epoch.values)


def _passes(iteration: Column, per_epoch: Column | None) -> Column | None:
    """Epochs counted by the restarts of the iteration, where the log does not name them.

    One that was broken off far from its end is the last of its launch.
    """
    rise = np.diff(iteration.values)
    number = np.concatenate([[0.0], np.cumsum(rise < 0)])
    if per_epoch is not None and (rise > 0).any():
        left = per_epoch.at(iteration.places)[:-1] - iteration.values[:-1]
        broken = np.append(False, (rise < 0) & (left > BROKEN_OFF * np.median(rise[rise > 0])))
        number -= np.maximum.accumulate(np.where(broken, number, 0.0))
    return Column(iteration.places, number) if (rise < 0).any() else None


def _global_step(iteration: Column, epoch: Column, per_epoch: Column | None) -> Column:
    """Steps since the start, from the epoch and the iteration within it."""
    number = epoch.at(iteration.places)
    restarts = _restarts_with(iteration, epoch, inner=per_epoch is not None)
    fractions = bool(np.any(np.nan_to_num(epoch.values) % 1))
    if not restarts and (fractions or len(np.unique(number[~np.isnan(number)])) > 1):
        return iteration  # a bar over the whole run
    length = per_epoch.at(iteration.places) if per_epoch is not None else np.full(len(number), np.nan)
    beyond = np.nanmax(length, initial=0.0) < np.max(iteration.values)  # the length that is printed is another's
    length = np.where(np.isnan(length) | beyond, _span(iteration.values), length)
    base = min(1.0, float(np.nanmin(number, initial=1.0)))
    with np.errstate(all="ignore"):  # a damaged count may be infinite
        return Column(iteration.places, np.nan_to_num(number - base, nan=0.0) * length + iteration.values)


def _span(iterations: FloatArray) -> float:
    """Iterations in an epoch, from those that were logged; where they count from 0, one interval more."""
    rise = np.diff(iterations)
    interval = float(np.median(rise[rise > 0])) if (rise > 0).any() else 1.0
    return float(np.max(iterations, initial=1.0)) + (interval if np.min(iterations, initial=1.0) == 0 else 0.0)


def lifted(clocks: Clocks, places: Sequence[int]) -> Clocks:
    """The clocks counted on from places where both begin again although the training goes on."""
    return replace(clocks, step=_counted_on(clocks.step, places), epoch=_counted_on(clocks.epoch, places))


def _counted_on(counter: Column | None, places: Sequence[int]) -> Column | None:
    if counter is None or not len(places):
        return counter
    rises = np.diff(counter.values)
    usual = float(np.median(rises[rises > 0])) if (rises > 0).any() else 1.0
    lifts = np.zeros(len(counter.values))
    for first in np.unique(np.searchsorted(counter.places, places)):
        if 0 < first < len(lifts) and rises[first - 1] <= 0:
            lifts[first] = usual - rises[first - 1]
    return Column(counter.places, counter.values + np.cumsum(lifts))


def is_no_clock(steps: FloatArray) -> bool:
    """Whether the steps of so many losses are next to all the same: `Total steps: 200`, the length of an episode."""
    return len(steps) >= FEWEST_STEPS and len(np.unique(steps)) <= 2


def stands_still(steps: FloatArray, losses: FloatArray) -> bool:
    """Whether the count moves so rarely that it counts epochs: `[3/41] ...` in front of each of many lines."""
    moves = int((np.diff(steps) != 0).sum())
    return len(steps) >= FEWEST_STEPS and int(changes(losses).sum()) > STILL * (moves + 1)


def known_from_the_first(counts: FloatArray) -> FloatArray:
    """The counts; what is above the first one is one interval before it, as in a log that was cut within a line."""
    known = counts[~np.isnan(counts)]
    gaps = np.diff(known)
    before = max(0.0, known[0] - np.median(gaps[gaps > 0])) if (gaps > 0).any() else 0.0
    return np.nan_to_num(counts, nan=before, posinf=np.inf, neginf=-np.inf)
