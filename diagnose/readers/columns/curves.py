"""From columns in the order of the log to curves over an axis: each value at the step or epoch of its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from diagnose.readers.columns.clocks import (
    Clocks,
    clocks_of,
    goes_on_over_epochs,
    is_no_clock,
    known_from_the_first,
    stands_still,
    without_other_counts,
)
from diagnose.readers.columns.column import (
    COUNTERS,
    EPOCH,
    EPOCHS,
    PER_EPOCH,
    RANK,
    REDRAWN,
    STEPS,
    WALL_TIME,
    Column,
    Columns,
    changes,
)
from diagnose.readers.columns.intervals import with_steps
from diagnose.readers.columns.launches import (
    Launch,
    counted_on,
    launch_notes,
    launches_in,
    points_in,
    trainings_of,
    without_looks_back,
)
from diagnose.readers.columns.story import Story
from diagnose.readers.columns.writers import of_one_writer
from diagnose.readers.roles.tags import HELD_OUT, read_tag
from diagnose.readers.sources.launched import COURSE, MOST_EARLIER
from diagnose.run import Axis, Beginning, Curve, FloatArray, IntArray, Role

# Second values at one step, from this share of the points on, are several writers or redraws.
REPEATED = 0.1
# A forged step beyond every integer is as far as one can be written.
FARTHEST = 2.0**62
# One value an epoch, give or take a resumed or an unfinished one.
ONE_PER_EPOCH = 0.9
# The share of the evaluations at which the clock must move to tell them apart. Source: our choice.
MOST_MOVE = 0.5
# A log that begins more than this many of its own intervals behind 0 does not begin with the training.
LATE_SPACINGS = 2.5


def curves_of(columns: Columns, roles: Mapping[str, Role] = {}, *, keep_last: bool = False) -> Story:
    """The curves of the launch in `columns` that holds the training.

    `roles`: tag -> role, where the format knows. `keep_last`: of several values at one step the last counts
    (progress bars), not the first (several ranks).
    """
    logged = {tag: column for tag, column in columns.items() if tag not in COUNTERS and len(column.values)}
    columns = with_steps(columns, trained_at(logged))
    loss = _training_loss(logged)
    columns = without_other_counts(columns, logged, loss)
    clocks = clocks_of(columns, _union([column.places for column in logged.values()]))
    if loss is not None and clocks.step is not None:
        steps = clocks.step.at(loss.places)
        unknown = np.isnan(steps) if clocks.epoch is None else np.isnan(steps) & ~np.isnan(clocks.epoch.at(loss.places))
        if is_no_clock(steps) or unknown.sum() >= COURSE:  # a part with epochs only, long enough to show a course
            clocks = replace(clocks, step=None)
        elif not columns.keys() & {RANK, REDRAWN} and stands_still(steps, loss.values):
            clocks = replace(clocks, step=None, epoch=clocks.epoch or clocks.step)
    logged, clocks = without_looks_back(logged, clocks, columns)
    loss = _training_loss(logged)
    logged, clocks, shared = of_one_writer(logged, clocks, loss)
    loss = _training_loss(logged)
    launches = launches_in(columns, logged, clocks)
    if len(launches) > 1:
        clocks = counted_on(clocks, launches, loss)
        launches = launches_in(columns, logged, clocks)
    counts = points_in(launches, logged if loss is None else {"": loss}, clocks.main)
    *earlier, judged = trainings_of(launches, counts)
    trained = _between_evaluations(logged, clocks)
    frame = _Frame(clocks, columns.get(WALL_TIME), columns.get(RANK), columns.get(REDRAWN), judged, keep_last, trained)
    curves = frame.curves(logged, roles)
    unit = "line" if clocks.main is None else "epoch" if clocks.main is clocks.epoch else "step"
    planned_epochs, planned_steps = _planned(columns)
    notes, late = launch_notes(launches, judged, counts, unit, loss), _beginning(curves)
    points = next((len(curves[tag]) for tag in curves if logged[tag] is loss), 0)
    rows = counts[launches.index(judged)]
    if 0 < points < (1 - REPEATED) * rows and not keep_last and REDRAWN not in columns:
        notes = (*notes, f"{rows / points:.3g} values a {unit} in the mean: each point is the mean of them")
    notes = (*shared, *notes)
    if late is not None:
        notes = (*notes, f"it begins at {late.place}: what came before is unknown")
    others = [
        (f"number {launches.index(one) + 1}, {one.way(unit)}", replace(frame, launch=one).curves(logged, roles))
        for one in earlier[-MOST_EARLIER:]
    ]
    return Story(curves, notes, late, planned_epochs, planned_steps, tuple(others))


def _training_loss(logged: Columns) -> Column | None:
    """The longest loss that is not held out; something that falls like one only where nothing is called a loss."""
    readings = {tag: read_tag(tag) for tag in logged}
    losses = [tag for tag, reading in readings.items() if reading.lossy and not reading.held_out]
    longest = max(losses, key=lambda tag: (readings[tag].lossy, len(logged[tag].values)), default=None)
    return None if longest is None else logged[longest]


def trained_at(logged: Columns) -> IntArray:
    """The places where a training loss is, in order."""
    readings = {tag: read_tag(tag) for tag in logged}
    return _union([logged[tag].places for tag, role in readings.items() if role.lossy and role.split not in HELD_OUT])


def _between_evaluations(logged: Columns, clocks: Clocks) -> IntArray:
    """The places of the training losses, without those on lines that count nothing where others do.

    They may be within an evaluation, whose batches print parts of the loss too; not so beside its own loss.
    """
    trained = trained_at(logged)
    named = [clock.places for clock in (clocks.step, clocks.epoch) if clock is not None]
    own = [column.places for tag, column in logged.items() if read_tag(tag).lossy and read_tag(tag).held_out]
    counted = np.isin(trained, _union(named))
    return trained[counted | np.isin(trained, _union(own))] if counted.any() else trained


def _union(places: Sequence[IntArray]) -> IntArray:
    """All places, each once, in order. Columns without gaps share one array."""
    apart = [array for array in {id(array): array for array in places}.values() if len(array)]
    if not apart:
        return np.zeros(0, np.int64)
    if len(apart) == 1:
        return apart[0]
    there = np.zeros(max(int(array[-1]) for array in apart) + 1, np.bool_)
    for array in apart:
        there[array] = True
    return np.flatnonzero(there)


def _planned(columns: Columns) -> tuple[int | None, int | None]:
    """The epochs and the steps that the log announces for the whole training; the last word counts."""
    epochs, steps, per_epoch = (_last(columns.get(name)) for name in (EPOCHS, STEPS, PER_EPOCH))
    if steps is None and per_epoch is not None and (epochs is not None or EPOCH not in columns):
        steps = per_epoch if goes_on_over_epochs(columns) else (epochs or 1) * per_epoch
    return epochs, steps


def _last(column: Column | None) -> int | None:
    known = column.values[np.isfinite(column.values)] if column is not None else np.zeros(0)
    return int(min(known[-1], FARTHEST)) if len(known) else None


def _beginning(curves: Mapping[str, Curve]) -> Beginning | None:
    """Where the training loss begins, if its first count, or the first epoch beside it, is far behind 0."""
    there = [curve for curve in curves.values() if curve.role is not Role.EPOCH]
    losses = [curve for curve in there if read_tag(curve.tag).lossy and not read_tag(curve.tag).held_out]
    counted = [curve for curve in there if curve.counted]
    curve = max([loss for loss in losses if loss.counted] or counted, key=len, default=None)
    if curve is None:
        return next(filter(None, map(_first_epoch, losses)), None)
    rises = np.diff(curve.steps)
    if not (rises > 0).any():
        return None
    first, spacing = int(curve.steps[0]), float(np.median(rises[rises > 0]))
    return Beginning(first, curve.axis) if first > max(1.0, LATE_SPACINGS * spacing) else None


def _first_epoch(curve: Curve) -> Beginning | None:
    """The first epoch that is named beside values that nothing counts, if it is none of the first."""
    named = curve.epochs[np.isfinite(curve.epochs)] if curve.epochs is not None else np.zeros(0)
    return Beginning(int(named[0]), Axis.EPOCH) if len(named) and named[0] > LATE_SPACINGS else None


@dataclass(frozen=True, eq=False)
class _Frame:
    """The clocks against which the columns of one launch are laid."""

    clocks: Clocks
    wall_time: Column | None
    rank: Column | None
    redrawn: Column | None
    launch: Launch
    keep_last: bool
    trained: IntArray
    """The places where a training loss is: between two of them is one evaluation."""

    def curves(self, logged: Columns, roles: Mapping[str, Role]) -> dict[str, Curve]:
        """Those that have points in the launch."""
        found = {tag: self.curve(tag, column, roles.get(tag)) for tag, column in logged.items()}
        return {tag: curve for tag, curve in found.items() if len(curve)}

    def curve(self, tag: str, column: Column, role: Role | None) -> Curve:
        """The points of `column` that belong to the launch, in steps or epochs."""
        main = self.clocks.main
        clock = main.at(column.places) if main else np.full(len(column.places), np.nan)
        column = column.where(self.launch.keeps(column.places, clock))
        places, values = column.places, column.values
        epochs = self.clocks.epoch.at(places) if self.clocks.epoch is not None else None
        axis = column.axis or self._axis(tag, column, epochs)
        evaluated = self._is_evaluated(tag, places)
        steps, counted = self._steps(axis, column, epochs, evaluated=evaluated)
        if evaluated and not self._has_ranks(places):
            order, single = _last_of_each(steps, values, self._evaluations(places))
        else:
            order, single = _unrepeated(steps, values, keep_last=self.keep_last or self._is_redrawn(places, steps))
        walls = self.wall_time.at(places)[order][single] if self.wall_time is not None else None
        alike = not evaluated and not self.keep_last and not _beside(self.redrawn, places)
        if self._has_ranks(places) or (alike and single.sum() < (1 - REPEATED) * len(single)):
            values = _averaged(steps, values)
        return Curve(
            tag,
            np.clip(steps[order][single], -FARTHEST, FARTHEST).astype(np.int64),
            values[order][single],
            walls,
            epochs[order][single] if epochs is not None else None,
            role,
            axis,
            counted=counted,
        )

    def _is_evaluated(self, tag: str, places: IntArray) -> bool:
        """Whether its values belong to evaluations that the training between them, or the clock, tells apart."""
        if read_tag(tag).split not in HELD_OUT or not len(places):
            return False
        clock = self.clocks.main
        return len(self.trained) > 0 or (clock is not None and changes(clock.at(places)).mean() > MOST_MOVE)

    def _is_redrawn(self, places: IntArray, steps: FloatArray) -> bool:
        """Whether the values are in a bar that comes again with one count: at first it shows the value before."""
        same = np.diff(steps) == 0
        return _beside(self.redrawn, places) and bool(same.sum() > REPEATED * len(same))

    def _has_ranks(self, places: IntArray) -> bool:
        """Whether several processes wrote the values."""
        if self.rank is None or not np.isin(places, self.rank.places).all():
            return False
        return len(np.unique(self.rank.at(places))) > 1

    def _axis(self, tag: str, column: Column, epochs: FloatArray | None) -> Axis:
        """Steps where they are beside the values, epochs where there is one value a whole epoch."""
        if (
            self.rank is not None and epochs is not None and self._has_ranks(column.places)
        ):  # by the lines of one of them
            ranks = self.rank.at(column.places)
            column, epochs = column.where(ranks == ranks[0]), epochs[ranks == ranks[0]]
        places = column.places
        step, epoch = self.clocks.step, self.clocks.epoch
        if not len(places) or _beside(step, places) or epochs is None or np.any(np.nan_to_num(epochs) % 1):
            return Axis.STEP
        if (self.keep_last or _beside(self.redrawn, places)) and _beside(epoch, places):
            return Axis.EPOCH
        passed = len(np.unique(epochs))
        if self._is_evaluated(tag, places):
            own = _last_of_each(epochs, column.values, self._evaluations(places))[1].sum()
        elif passed == 1:  # a value that is always the same is logged again all the same
            own = len(places)
        else:
            own = (changes(epochs) | changes(column.values)).sum()
        return Axis.EPOCH if passed >= ONE_PER_EPOCH * own else Axis.STEP

    def _evaluations(self, places: IntArray) -> IntArray:
        """The number of the evaluation at each place: an evaluation ends where training goes on."""
        return np.searchsorted(self.trained, places)

    def _steps(
        self, axis: Axis, column: Column, epochs: FloatArray | None, *, evaluated: bool
    ) -> tuple[FloatArray, bool]:
        """Shape (n,), whole numbers, and whether the log counts them; else the order of the log."""
        count = np.arange(len(column.places), dtype=np.float64)
        if axis is Axis.EPOCH and epochs is None and self.keep_last and self.clocks.step is not None:
            return 0 * count, True  # bars of one epoch, which is not named
        if axis is Axis.EPOCH:
            return (count, False) if epochs is None else (known_from_the_first(epochs), True)
        if self.clocks.step is None:
            return count, False
        steps = known_from_the_first(self.clocks.step.at(column.places))
        alike = ~changes(steps) & changes(column.values)
        crowded = alike.sum() > REPEATED * len(alike) and not _beside(self.clocks.step, column.places)
        crowded &= not evaluated or len(np.unique(self._evaluations(column.places))) < 2  # batches of one evaluation
        return (count, False) if crowded else (steps, not self.clocks.order)


def _averaged(steps: FloatArray, values: FloatArray) -> FloatArray:
    """The values, those at one step each their mean; of equal ones it is exact."""
    _, first, which, count = np.unique(steps, return_index=True, return_inverse=True, return_counts=True)
    base = np.where(np.isfinite(values[first]), values[first], 0.0)[which]
    with np.errstate(invalid="ignore"):  # infinite values
        mean: FloatArray = base + (np.bincount(which, weights=values - base) / count)[which]
    return mean


def _beside(clock: Column | None, places: IntArray) -> bool:
    if clock is None or places is clock.places:
        return clock is not None
    return int(np.isin(places, clock.places).sum()) > len(places) / 2


def _last_of_each(
    steps: FloatArray, values: FloatArray, evaluations: IntArray
) -> tuple[IntArray, npt.NDArray[np.bool_]]:
    """The order by step, and in it the last point of each evaluation: a running mean, by then over all of it.

    One with the step and the value of the last is written twice.
    """
    order = np.argsort(steps, kind="stable")
    another = (np.diff(evaluations[order]) > 0) & changes(values[order])[1:]
    later = (np.diff(steps[order]) > 0) | another
    return order, np.append(later, True)[: len(order)]


def _unrepeated(steps: FloatArray, values: FloatArray, *, keep_last: bool) -> tuple[IntArray, npt.NDArray[np.bool_]]:
    """The order by step, and in it the points that are no repeats.

    A point with the step and the value of its neighbour is a repeat. Where several writers give many points a
    second value at the same step, one value a step is kept.
    """
    order = np.argsort(steps, kind="stable")
    if keep_last:
        later = np.append(np.diff(steps[order]) > 0, True)[: len(order)]
        return order, later
    same = np.concatenate([[False], np.diff(steps[order]) == 0])[: len(order)]
    equal = ~changes(values[order])
    repeats = same if same.sum() > REPEATED * len(same) else same & equal
    return order, ~repeats
