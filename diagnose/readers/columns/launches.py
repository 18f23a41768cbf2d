"""Launches in one log: where the count of steps goes back to its start, resumes earlier, or leaps to another run's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from diagnose.readers.columns.clocks import Clocks, lifted
from diagnose.readers.columns.column import END, FOLD, LAUNCH, OMITTED, Column, Columns, changes
from diagnose.readers.roles.tags import read_tag
from diagnose.readers.sources.launched import fewest_points
from diagnose.run import FloatArray, IntArray

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
# Points around a return to the start whose medians decide whether training went on from there or began anew, how much
# nearer they must be, and by how many times their scatter the loss must have moved till then.
LEVEL_POINTS, NEARER, MOVED = 5, 0.25, 4.0
# Points from which the spacing of a clock is measured.
RECENT = 200
_END_OF_LOG = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class Launch:
    """The part of a log that one launch of the trainer wrote, as far as later rewinds have not replaced it."""

    bounds: tuple[int, ...]
    """First place of each segment; a segment begins where the clock went back."""
    starts: tuple[float, ...]
    """The clock at which each segment begins."""
    end: int
    """The place behind the last one."""
    first: float
    last: float

    def keeps(self, places: IntArray, clock: FloatArray) -> npt.NDArray[np.bool_]:
        """Which points, at `places` and `clock` (shape (n,) each), belong to this launch."""
        if len(self.bounds) == 1:
            return (places >= self.bounds[0]) & (places < self.end)
        segment = np.searchsorted(self.bounds, places, side="right") - 1
        # A segment replaces what it logged again: an evaluation behind a rewind replaces no training loss.
        own = np.isin(np.arange(len(self.starts)), segment)
        starts = np.where(own, self.starts, np.inf)[1:]
        limits = np.append(np.minimum.accumulate(starts[::-1])[::-1], np.inf)
        early = np.isnan(clock) | (clock < limits[np.maximum(segment, 0)])
        return (segment >= 0) & (places < self.end) & early

    def way(self, unit: str) -> str:
        """Where it went, as in `epoch 0 to 117`."""
        return f"{unit} {self.first:g} to {self.last:g}"

    def resumed(self, new: Launch) -> Launch:
        """The launch with a new segment, which resumes it from an earlier step."""
        bounds, starts = (*self.bounds, *new.bounds), (*self.starts, *new.starts)
        return replace(self, bounds=bounds, starts=starts, end=new.end, last=new.last)


WHOLE_LOG = Launch((0,), (0,), _END_OF_LOG, 0, 0)


def without_looks_back(logged: dict[str, Column], clocks: Clocks, columns: Columns) -> tuple[dict[str, Column], Clocks]:
    """Both without the lines that look back: `Reverting to epoch 12 (val loss 4.1)`, after which nothing goes on.

    The count goes back to a single value there, and behind it the log ends or another launch begins.
    """
    clock = clocks.main
    if clock is None:
        return logged, clocks
    values, places = clock.values, np.append(clock.places, _END_OF_LOG)
    back = np.flatnonzero((np.diff(values) < 0) & (values[1:] > values[0])) + 1
    back = back[np.append(values, values[0])[back + 1] <= values[0]]
    marks = np.sort(np.concatenate(_marks(columns)[:2]))
    back = back[np.searchsorted(marks, places[back], side="right") == np.searchsorted(marks, places[back - 1])]
    returns = int((np.diff(values) < 0).sum())
    if not len(back) or returns > max(2 * len(back), INTERLEAVED * len(values)):
        return logged, clocks

    def without(column: Column) -> Column:
        run = np.searchsorted(places, column.places, side="right") - 1
        left = column.where(~np.isin(run, back))
        return left if len(left.values) else column

    left = without(clock)
    clocks = replace(clocks, step=left) if clock is clocks.step else replace(clocks, epoch=left)
    return {tag: without(column) for tag, column in logged.items()}, clocks


def launches_in(columns: Columns, logged: Columns, clocks: Clocks) -> list[Launch]:
    """The launches in a log, split where the clock goes back to its start or leaps to another run's checkpoint."""
    clock = clocks.main
    if clock is None:
        return _by_records(logged)
    if each_counts_by_itself(clock, logged):
        return [WHOLE_LOG]
    return _split(clock, *_marks(columns), clocks.epoch)


def _marks(columns: Columns) -> tuple[IntArray, IntArray, IntArray]:
    """Where a launch may begin, the first line of each fold among them, where one ends, and where lines are missing."""
    none = np.zeros(0, np.int64)
    begins, ends, gaps = (columns[name].places if name in columns else none for name in (LAUNCH, END, OMITTED))
    fold = columns.get(FOLD)
    first = fold.places[changes(fold.values)] if fold is not None else begins[:0]
    return np.sort(np.concatenate([begins, first])), ends, gaps


def _by_records(logged: Columns) -> list[Launch]:
    """The launches in a log that counts nothing: where the best loss so far is worse again, another one began."""
    starts = {0}
    for tag, column in logged.items():
        worse = np.append(False, column.values[1:] > column.values[:-1])[: len(column.values)]
        reading = read_tag(tag)
        if reading.lossy and "best" in reading.words and worse.sum() <= INTERLEAVED * len(worse):
            starts.update(column.places[worse].tolist())
    edges = [*sorted(starts), _END_OF_LOG]
    return [Launch((start,), (start,), stop, start, stop) for start, stop in pairwise(edges)]


def each_counts_by_itself(clock: Column, logged: Columns) -> bool:
    """Whether the clock goes back between the columns but in none: each has a counter of its own on its rows."""
    if not (np.diff(clock.values) < 0).any():
        return False
    counted = [(column, np.isin(column.places, clock.places)) for column in logged.values() if len(column.values) > 1]
    beside = [(column, here) for column, here in counted if here.any()]
    if len(beside) < 2 or not all(here.all() for _, here in beside):
        return False
    return all((np.diff(clock.at(column.places)) >= 0).all() for column, _ in beside)


def _split(clock: Column, marks: IntArray, ends: IntArray, gaps: IntArray, epoch: Column | None) -> list[Launch]:
    """`marks`: places where a launch begins unless the clock goes on there. `ends`: places behind which one begins.

    `gaps`: places where lines were left out, over which the clock may leap.
    """
    places, values = clock.places, clock.values
    number = values if epoch is None or epoch is clock else epoch.at(places)
    marked, ended, omitted = (
        np.diff(np.searchsorted(np.sort(them), places, side="right")) > 0 for them in (marks, ends, gaps)
    )
    omitted &= np.diff(values) > 0
    ended &= np.diff(values) < 0
    marked &= np.diff(values) <= 0
    breaks = np.flatnonzero((_breaks(values, number) & ~omitted) | marked | ended) + 1
    another = {int(start) for start in np.flatnonzero(ended | marked) + 1}
    if len(breaks) > INTERLEAVED * len(values) and len(breaks) > 3 and len(another) < len(breaks) / 2:
        breaks = breaks[:0]
    edges = [0, *breaks.tolist(), len(values)]
    launches: list[Launch] = []
    for start, stop in pairwise(edges):
        segment = values[start:stop]
        place = int(places[start]) if start else 0
        end = int(places[stop]) if stop < len(places) else _END_OF_LOG
        new = Launch((place,), (float(segment[0]),), end, float(segment[0]), float(segment[-1]))
        before = values[max(0, start - RECENT) : start]
        if launches and start not in another and _continues(launches[-1], segment, before):
            launches[-1] = launches[-1].resumed(new)
        else:
            launches.append(new)
    return launches


def _breaks(values: FloatArray, epochs: FloatArray) -> npt.NDArray[np.bool_]:
    """Where the clock goes back, or leaps by far more than it had gone and than it goes elsewhere.

    `epochs`: shape (n,), the epoch at each value. Where it leaps along, lines were left out of the log.
    """
    gone, rise = np.maximum.accumulate(values) - values[0], np.diff(values)
    usual = float(np.median(rise[rise > 0])) if (rise > 0).any() else 0.0
    leap = rise > LEAP * np.maximum(gone[:-1], max(abs(float(values[0])), 50.0, usual))
    if leap.any() and epochs is not values:
        passed, rises = epochs[:-1] - epochs[0], np.diff(epochs)
        pace = gone[:-1] / np.where(passed > 0, passed, np.nan) * rises
        leap &= ~((rise < SAME_PACE * pace) & (pace < SAME_PACE * rise)) & ~((passed == 0) & (rises == 1))
    return np.asarray((rise < 0) | leap)


def _continues(previous: Launch, segment: FloatArray, before: FloatArray) -> bool:
    """Whether the segment resumes the previous launch from a checkpoint, rather than starting anew."""
    steps = np.diff(before)
    spacing = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0
    start = float(segment[0])
    near = max(START_SPACINGS * spacing, START_SHARE * (previous.last - previous.first))
    return previous.first + near < start <= previous.last


def points_in(launches: Sequence[Launch], logged: Columns, main: Column | None) -> list[int]:
    """How many points the longest column has in each launch."""
    counts = [0] * len(launches)
    for column in logged.values():
        clock = main.at(column.places) if main else np.full(len(column.places), np.nan)
        edges = np.searchsorted(column.places, [(launch.bounds[0], launch.end) for launch in launches])
        for number, (launch, (start, stop)) in enumerate(zip(launches, edges.tolist(), strict=True)):
            kept = launch.keeps(column.places[start:stop], clock[start:stop])
            counts[number] = max(counts[number], int(kept.sum()))
    return counts


def trainings_of(launches: Sequence[Launch], counts: Sequence[int]) -> list[Launch]:
    """The launches that hold a training: with a course, and not short beside the longest. The last is judged."""
    enough = fewest_points(max(counts))
    courses = [launch for launch, count in zip(launches, counts, strict=True) if count >= enough]
    return courses or [launches[-1]]


def launch_notes(
    launches: Sequence[Launch], judged: Launch, counts: Sequence[int], unit: str, loss: Column | None
) -> tuple[str, ...]:
    """Notes on what else is in the log."""
    notes = []
    if len(launches) > 1:
        others = [
            f"{launch.way(unit)} ({count} points{_broken(launch, loss)})"
            for launch, count in zip(launches, counts, strict=True)
            if launch is not judged and count
        ]
        more = f" and {len(others) - 5} more" if len(others) > 5 else ""
        which = "the last" if judged is launches[-1] else f"number {list(launches).index(judged) + 1}, which is longer,"
        went = f"; the others went from {', '.join(others[-5:])}{more}" if others else ""
        notes.append(f"{len(launches)} launches in one log: {which} is judged{went}")
    if len(judged.bounds) > 1:
        times = "once" if len(judged.bounds) == 2 else f"{len(judged.bounds) - 1} times"
        notes.append(f"resumed from an earlier checkpoint {times}: what was trained again replaces what was before")
    return tuple(notes)


def _broken(launch: Launch, loss: Column | None) -> str:
    """What is said of a launch whose training loss was not finite at its end."""
    last = loss.at(np.array([launch.end - 1])) if loss is not None else np.zeros(1)
    return "" if np.isfinite(last[0]) else ", the loss not finite at the end"


def counted_on(clocks: Clocks, launches: Sequence[Launch], loss: Column | None) -> Clocks:
    """The clocks without the returns to the start after which the training loss goes on from where it was.

    So a second `model.fit` on the same model is found, whose epochs begin at 0 again.
    """
    if loss is None or clocks.ends:
        return clocks
    starts = np.searchsorted(loss.places, [launch.bounds[0] for launch in launches])
    bounds = zip(starts, pairwise([*starts[1:].tolist(), len(loss.values)]), strict=False)
    return lifted(
        clocks,
        [
            int(loss.places[start])
            for before, (start, stop) in bounds
            if _goes_on(loss.values[before:start], loss.values[start:stop])
        ],
    )


def _goes_on(before: FloatArray, after: FloatArray) -> bool:
    """Whether a loss goes on from where it had got to, and is not again what it was at first."""
    if min(len(before), len(after)) < LEVEL_POINTS:
        return False
    parts = before[:LEVEL_POINTS], before[-LEVEL_POINTS:], after[:LEVEL_POINTS]
    first, last, again = (float(np.median(part)) for part in parts)
    with np.errstate(invalid="ignore"):  # infinite losses
        scatter = max(float(np.median(np.abs(np.diff(part)))) for part in parts[1:])
    moved = abs(first - last) > MOVED * scatter
    return moved and abs(again - last) < NEARER * abs(again - first)
