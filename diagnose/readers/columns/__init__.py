"""From columns in the order of the log to curves over an axis: counters, launches, rewinds, repeats.

A log, whatever its format, is a set of columns: values and the places (line or row numbers) where they stood.
Some columns count training time; every other one becomes a curve, its steps those that the counters showed at its
places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from diagnose.readers.roles import HELD_OUT, read_tag
from diagnose.run import Axis, Curve, FloatArray, IntArray, Role

# Columns with these names are counters.
STEP, EPOCH, ITERATION, PER_EPOCH, WALL_TIME = "@step", "@epoch", "@iteration", "@per_epoch", "@wall_time"
# Where a launch may begin: one does if the clock does not go on there.
LAUNCH = "@launch"
# Where a trainer says that it is done: if the clock goes back after that, another training begins.
END = "@end"
COUNTERS = frozenset({STEP, EPOCH, ITERATION, PER_EPOCH, WALL_TIME, LAUNCH, END})

# A clock that goes back to the first points, or to the first quarter of the launch, starts anew; one that goes back
# less resumes from a checkpoint, of which trainers keep the latest.
START_SPACINGS = 2.0
START_SHARE = 0.25
# A step that leaps forward by this many times all that went before was taken over from another run's checkpoint.
LEAP = 20.0
# Steps in an epoch, before and after, that differ by less than this factor are of one run. Source: our choice.
SAME_PACE = 2.0
# Steps that go back at more than this share of the points are interleaved writers (ranks), not launches.
INTERLEAVED = 0.2
# More of such values than this share are another writer, not slips.
SLIPS = 0.02
# Second values at one step, from this share of the points on, are several writers or redraws.
REPEATED = 0.1
# Names of one log that become curves. A trainer logs some hundreds; names without end must not fill the memory.
MOST_NAMES = 10_000
# A forged step beyond every integer is as far as one can be written.
FARTHEST = 2.0**62
# One value an epoch, give or take a resumed or an unfinished one.
ONE_PER_EPOCH = 0.9


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


Columns = Mapping[str, Column]


@dataclass(frozen=True, eq=False)
class Launch:
    """The part of a log that one launch of the trainer wrote, as far as later rewinds have not replaced it."""

    bounds: tuple[int, ...]
    """First place of each segment; a segment begins where the clock went back."""
    limits: tuple[float, ...]
    """The clock from which each segment was replaced by the next."""
    end: int
    """The place behind the last one."""
    first: float
    last: float

    def keeps(self, places: IntArray, clock: FloatArray) -> npt.NDArray[np.bool_]:
        """Which points, at `places` and `clock` (shape (n,) each), belong to this launch."""
        if len(self.bounds) == 1:
            return (places >= self.bounds[0]) & (places < self.end)
        segment = np.searchsorted(self.bounds, places, side="right") - 1
        limit = np.asarray(self.limits)[np.maximum(segment, 0)]
        early = np.isnan(clock) | (clock < limit)
        return (segment >= 0) & (places < self.end) & early


@dataclass(frozen=True, eq=False)
class Story:
    """All that the columns of one log tell: the curves of the launch that is judged, and a note on the others."""

    curves: dict[str, Curve]
    notes: tuple[str, ...] = ()


def curves_of(columns: Columns, roles: Mapping[str, Role] = {}, *, keep_last: bool = False) -> Story:
    """The curves of the last launch in `columns`.

    `roles`: tag -> role, where the format knows. `keep_last`: of several values at one step the last counts
    (progress bars), not the first (several ranks).
    """
    step, epoch = _clocks(columns)
    # What counts the points, or a bar on other lines, goes on over all trainings of one process.
    main = epoch or step if END in columns else step or epoch
    logged = {tag: column for tag, column in columns.items() if tag not in COUNTERS and len(column.values)}
    marks, ends = (columns[name].places if name in columns else np.zeros(0, np.int64) for name in (LAUNCH, END))
    if main is not None and main is epoch:
        marks = np.concatenate([marks, _first_again(main, logged)])
    launches = _launches(main, marks, ends, epoch) if main else [Launch((0,), (np.inf,), np.iinfo(np.int64).max, 0, 0)]
    judged, counts = _last_with_points(launches, logged, main)
    frame = _Frame(step, epoch, columns.get(WALL_TIME), main, judged, keep_last, trained_at(logged))
    curves = {tag: frame.curve(tag, column, roles.get(tag)) for tag, column in logged.items()}
    curves = {tag: curve for tag, curve in curves.items() if len(curve)}
    return Story(curves, _launch_notes(launches, judged, counts, "epoch" if main is epoch else "step"))


def _clocks(columns: Columns) -> tuple[Column | None, Column | None]:
    """The global step and the epoch, each over the places where it was logged."""
    step, epoch, iteration = (_finite(columns.get(name)) for name in (STEP, EPOCH, ITERATION))
    if step is not None and epoch is not None and _restarts_with(step, epoch):
        step, iteration = None, step
    if step is None and iteration is not None:
        epoch = epoch if epoch is not None else _passes(iteration)
        step = _global_step(iteration, epoch, columns.get(PER_EPOCH)) if epoch is not None else iteration
    if step is None and epoch is not None and np.any(epoch.values % 1):
        step = Column(epoch.places, np.arange(float(len(epoch.values))))
    return _without_slips(step), epoch


def _finite(counter: Column | None) -> Column | None:
    if counter is None or not len(counter.values):
        return None
    keep = np.isfinite(counter.values)
    return counter if keep.all() else Column(counter.places[keep], counter.values[keep]) if keep.any() else None


def _without_slips(counter: Column | None) -> Column | None:
    """The counter without lone values that its neighbours belie: a number in a sentence taken for a step."""
    if counter is None or len(counter.values) < 3:
        return counter
    before, here, after = counter.values[:-2], counter.values[1:-1], counter.values[2:]
    slip = (after > before) & ((here < before) | (here > after))
    if not slip.any():
        return counter
    keep = np.concatenate([[True], ~slip, [True]])
    return counter if slip.sum() > max(1.0, SLIPS * len(slip)) else Column(counter.places[keep], counter.values[keep])


def _restarts_with(step: Column, epoch: Column) -> bool:
    """Whether the step begins anew in most epochs."""
    number = epoch.at(step.places)
    new = np.flatnonzero(np.diff(number) > 0) + 1
    return len(new) > 0 and float(np.mean(step.values[new] <= step.values[new - 1])) > 0.5


def _passes(iteration: Column) -> Column | None:
    """Epochs counted by the restarts of the iteration, where the log does not name them."""
    number = np.concatenate([[0.0], np.cumsum(np.diff(iteration.values) < 0)])
    return Column(iteration.places, number) if number[-1] > 0 else None


def _global_step(iteration: Column, epoch: Column, per_epoch: Column | None) -> Column:
    """Steps since the start, from the epoch and the iteration within it."""
    number = epoch.at(iteration.places)
    if not _restarts_with(iteration, epoch) and len(np.unique(number[~np.isnan(number)])) > 1:
        return iteration
    length = per_epoch.at(iteration.places) if per_epoch is not None else np.full(len(number), np.nan)
    length = np.where(np.isnan(length), _span(iteration.values), length)
    base = min(1.0, float(np.nanmin(number, initial=1.0)))
    whole = np.nan_to_num(number - base, nan=0.0) * length
    return Column(iteration.places, whole + iteration.values)


def _span(iterations: FloatArray) -> float:
    """Iterations in an epoch, from those that were logged; where they count from 0, one interval more."""
    rise = np.diff(iterations)
    interval = float(np.median(rise[rise > 0])) if (rise > 0).any() else 1.0
    return float(np.max(iterations, initial=1.0)) + (interval if np.min(iterations, initial=1.0) == 0 else 0.0)


def _first_again(epoch: Column, logged: Columns) -> IntArray:
    """Where the first epoch, and no other, is told a second time: a launch of one epoch was followed by another."""
    again = np.flatnonzero(np.diff(epoch.values) == 0)
    if len(epoch.values) < 3 or again.tolist() != [0]:
        return np.zeros(0, np.int64)
    twice = epoch.places[:2]
    beside = len(epoch.values) > 3 and any(np.isin(twice, column.places).all() for column in logged.values())
    behind = any(_stands_in_each(column.places, epoch.places[:3]) for column in logged.values())
    return twice[1:] if beside or behind else twice[:0]


def _stands_in_each(places: IntArray, edges: IntArray) -> bool:
    """Whether some of the places lie between each two edges, and none at one."""
    inside = np.diff(np.searchsorted(places, edges))
    return bool((inside > 0).all()) and not np.isin(edges, places).any()


def trained_at(logged: Columns) -> IntArray:
    """The places where a training loss stands, in order."""
    readings = {tag: read_tag(tag) for tag in logged}
    places = [logged[tag].places for tag, told in readings.items() if told.lossy and told.split not in HELD_OUT]
    return np.unique(np.concatenate(places)) if places else np.zeros(0, np.int64)


def _launches(clock: Column, marks: IntArray, ends: IntArray, epoch: Column | None) -> list[Launch]:
    """The launches in a log, split where the clock goes back to its start or leaps to another run's checkpoint.

    `marks`: places where a launch begins unless the clock goes on there. `ends`: places after which it is another.
    """
    places, values = clock.places, clock.values
    number = values if epoch is None or epoch is clock else epoch.at(places)
    marked, ended = (np.diff(np.searchsorted(np.sort(them), places, side="right")) > 0 for them in (marks, ends))
    ended &= np.diff(values) < 0
    breaks = np.flatnonzero(_breaks(values, number) | (marked & (np.diff(values) <= 0)) | ended) + 1
    another = {int(start) for start in np.flatnonzero(ended) + 1}
    if len(breaks) > INTERLEAVED * len(values) and len(breaks) > 3:
        breaks = breaks[:0]
    edges = [0, *breaks.tolist(), len(values)]
    launches: list[Launch] = []
    for start, stop in pairwise(edges):
        segment = values[start:stop]
        place = int(places[start]) if start else 0
        end = int(places[stop]) if stop < len(places) else np.iinfo(np.int64).max
        previous = launches[-1] if launches else None
        if previous is not None and start not in another and _continues(previous, segment, values[:start]):
            launches[-1] = _rewound(previous, place, end, segment)
        else:
            launches.append(Launch((place,), (np.inf,), int(end), float(segment[0]), float(segment[-1])))
    return launches


def _breaks(values: FloatArray, epochs: FloatArray) -> npt.NDArray[np.bool_]:
    """Where the clock goes back, or leaps by far more than it had gone and than it goes elsewhere.

    `epochs`: shape (n,), the epoch at each value. Where it leaps along, lines were left out of the log.
    """
    gone, rise = np.maximum.accumulate(values) - values[0], np.diff(values)
    usual = float(np.median(rise[rise > 0])) if (rise > 0).any() else 0.0
    leap = rise > LEAP * np.maximum(gone[:-1], max(abs(float(values[0])), 50.0, usual))
    if leap.any() and epochs is not values:
        passed = epochs[:-1] - epochs[0]
        pace = gone[:-1] / np.where(passed > 0, passed, np.nan) * np.diff(epochs)
        leap &= ~((rise < SAME_PACE * pace) & (pace < SAME_PACE * rise))
    return np.asarray((rise < 0) | leap)


def _continues(previous: Launch, segment: FloatArray, before: FloatArray) -> bool:
    """Whether the segment resumes the previous launch from a checkpoint, rather than starting anew."""
    steps = np.diff(before)
    spacing = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0
    start = float(segment[0])
    near = max(START_SPACINGS * spacing, START_SHARE * (previous.last - previous.first))
    return previous.first + near < start <= previous.last


def _rewound(launch: Launch, place: int, end: int, segment: FloatArray) -> Launch:
    limits = tuple(min(limit, float(segment[0])) for limit in launch.limits)
    return Launch((*launch.bounds, place), (*limits, np.inf), end, launch.first, float(segment[-1]))


def _last_with_points(launches: list[Launch], logged: Columns, main: Column | None) -> tuple[Launch, list[int]]:
    """The last launch with a course (two points or more), and how many points the longest column has in each."""
    counts = [0] * len(launches)
    for column in logged.values():
        clock = main.at(column.places) if main else np.full(len(column.places), np.nan)
        for number, launch in enumerate(launches):
            counts[number] = max(counts[number], int(launch.keeps(column.places, clock).sum()))
    courses = [number for number, count in enumerate(counts) if count > 1] or list(range(len(launches)))
    return launches[courses[-1]], counts


def _launch_notes(launches: list[Launch], judged: Launch, counts: list[int], unit: str) -> tuple[str, ...]:
    notes = []
    if len(launches) > 1:
        told = [
            f"{unit} {launch.first:g} to {launch.last:g} ({count} points)"
            for launch, count in zip(launches, counts, strict=True)
            if launch is not judged
        ]
        more = f" and {len(told) - 5} more" if len(told) > 5 else ""
        notes.append(
            f"{len(launches)} launches in one log: the last is judged; the others went from "
            + ", ".join(told[-5:])
            + more
        )
    if len(judged.bounds) > 1:
        times = "once" if len(judged.bounds) == 2 else f"{len(judged.bounds) - 1} times"
        notes.append(f"resumed from an earlier checkpoint {times}: what was trained again replaces what was before")
    return tuple(notes)


@dataclass(frozen=True, eq=False)
class _Frame:
    """The clocks against which the columns of one launch are laid."""

    step: Column | None
    epoch: Column | None
    wall_time: Column | None
    main: Column | None
    launch: Launch
    keep_last: bool
    trained: IntArray
    """The places where a training loss stands: between two of them lies one evaluation."""

    def curve(self, tag: str, column: Column, role: Role | None) -> Curve:
        """The points of `column` that belong to the launch, in steps or epochs."""
        clock = self.main.at(column.places) if self.main else np.full(len(column.places), np.nan)
        keep = self.launch.keeps(column.places, clock)
        if not keep.all():
            column = replace(column, places=column.places[keep], values=column.values[keep])
        places, values = column.places, column.values
        epochs = self.epoch.at(places) if self.epoch is not None else None
        axis = column.axis or self._axis(tag, column, epochs)
        steps = self._steps(axis, column, epochs)
        if read_tag(tag).split in HELD_OUT:
            order, single = _last_of_each(steps, self._evaluations(places))
        else:
            order, single = _unrepeated(steps, values, keep_last=self.keep_last)
        walls = self.wall_time.at(places)[order][single] if self.wall_time is not None else None
        return Curve(
            tag,
            np.clip(steps[order][single], -FARTHEST, FARTHEST).astype(np.int64),
            values[order][single],
            walls,
            epochs[order][single] if epochs is not None else None,
            role,
            axis,
        )

    def _axis(self, tag: str, column: Column, epochs: FloatArray | None) -> Axis:
        """Steps where they stand beside the values, epochs where there is one value a whole epoch."""
        places = column.places
        if not len(places) or self._beside(self.step, places) or epochs is None or np.any(np.nan_to_num(epochs) % 1):
            return Axis.STEP
        if self.keep_last and self._beside(self.epoch, places):
            return Axis.EPOCH
        if read_tag(tag).split in HELD_OUT:
            own = _last_of_each(epochs, self._evaluations(places))[1].sum()
        else:
            own = (changes(epochs) | changes(column.values)).sum()
        return Axis.EPOCH if len(np.unique(epochs)) >= ONE_PER_EPOCH * own else Axis.STEP

    def _evaluations(self, places: IntArray) -> IntArray:
        """The number of the evaluation at each place: an evaluation ends where training goes on."""
        return np.searchsorted(self.trained, places)

    @staticmethod
    def _beside(clock: Column | None, places: IntArray) -> bool:
        if clock is None or places is clock.places:
            return clock is not None
        return float(np.isin(places, clock.places).mean()) > 0.5

    def _steps(self, axis: Axis, column: Column, epochs: FloatArray | None) -> FloatArray:
        """Shape (n,), whole numbers; the order of the log where no counter tells the values apart."""
        count = np.arange(len(column.places), dtype=np.float64)
        if axis is Axis.EPOCH:
            return count if epochs is None else np.nan_to_num(epochs)
        if self.step is None:
            return count
        steps = np.nan_to_num(self.step.at(column.places))
        alike = ~changes(steps) & changes(column.values)
        crowded = alike.sum() > REPEATED * len(alike) and not self._beside(self.step, column.places)
        return count if crowded else steps


def changes(values: FloatArray) -> npt.NDArray[np.bool_]:
    """Where a value differs from the one before it, shape (n,); the first does. NaN equals NaN here."""
    if not len(values):
        return np.zeros(0, np.bool_)
    same = (values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))
    return np.concatenate([[True], ~same])


def _last_of_each(steps: FloatArray, evaluations: IntArray) -> tuple[IntArray, npt.NDArray[np.bool_]]:
    """The order by step, and in it the last point of each evaluation: a running mean, by then over all of it."""
    order = np.argsort(steps, kind="stable")
    later = (np.diff(steps[order]) > 0) | (np.diff(evaluations[order]) > 0)
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
