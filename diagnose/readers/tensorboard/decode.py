"""From the framed records of a window to the columns of each tag."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from diagnose.readers.sources.protobuf import UnsupportedRecordError
from diagnose.readers.tensorboard.crc import Bytes, masked
from diagnose.readers.tensorboard.frames import FRAME, HEADER, PAD, gather
from diagnose.readers.tensorboard.layout import LONGEST, Columns, Template
from diagnose.readers.tensorboard.parse import Found, Point
from diagnose.readers.tensorboard.restarts import Points
from diagnose.readers.tensorboard.templates import Group, Numbers, known_templates
from diagnose.run import FloatArray, IntArray

FEW = 8
"""Fewer records of one length than this are decoded one by one: numpy's fixed cost per call would exceed theirs."""
LOOK = 4
"""Records that match no template from which to learn at once, then twice as many."""
LEAST = 1 << 15
"""Bytes; a cycle that fits no longer than this is left to the general path, for the same reason."""

BLOCK = 1 << 17
"""Bytes compared at once with a cycle: the comparison and its result stay in the cache of a core."""

Piece = tuple[FloatArray, IntArray, npt.NDArray[np.generic]]
"""Wall times, steps and values of one tag, each of shape (n,)."""
_Columns = tuple[FloatArray, IntArray, FloatArray]


@dataclass
class Series:
    """The growing columns of one tag: 24 bytes a point."""

    size: int = 0
    columns: _Columns = field(default_factory=lambda: (np.empty(0), np.empty(0, np.int64), np.empty(0)))
    launches: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0)])
    """(index, count): the points from `index` on come after so many restarts. Only where the count changes."""

    def launched(self, counts: IntArray) -> None:
        """Note how many restarts come before each of the points that are about to be added, shape (n,), ascending."""
        changed = np.flatnonzero(np.diff(counts, prepend=self.launches[-1][1]))
        self.launches += zip((self.size + changed).tolist(), counts[changed].tolist(), strict=True)

    def append(self, columns: Piece, growth: float) -> None:
        """Add points. `growth`: how many times more are expected in all (memory that is not used costs nothing)."""
        size = self.size + len(columns[0])
        if size > len(self.columns[0]):
            self.columns = tuple(_grown(old, self.size, int(size * growth) + 16) for old in self.columns)  # type: ignore[assignment]  # as many
        for column, new in zip(self.columns, columns, strict=True):
            column[self.size : size] = new
        self.size = size

    @property
    def points(self) -> Points:
        """The columns, cut to size."""
        walls, steps, values = self.columns
        return Points(walls[: self.size], steps[: self.size], values[: self.size])


def _grown(old: npt.NDArray[np.generic], used: int, size: int) -> npt.NDArray[np.generic]:
    new = np.empty(size, old.dtype)
    new[:used] = old[:used]
    return new


class Decoder:
    """Decodes the records of one file, learning their layouts as it meets them.

    `parse(record, number)` is asked about each record that is not decoded with others like it; `number` counts
    those that are decoded at one time. It raises UnsupportedRecordError for what is no event.
    """

    def __init__(self, parse: Callable[[bytes, int], Found]) -> None:
        self.series: dict[str, Series] = defaultdict(Series)
        self.restarts: list[int] = []
        """Step of each restart, in the order of the file; `Series.launches` says where they are among the points."""
        self.growth = 2.0
        self._parse = parse
        self._templates = known_templates()
        self._pieces: dict[str, list[tuple[IntArray, Piece]]] = defaultdict(list)
        self._restarts: list[tuple[int, int]] = []

    def decode(self, data: Bytes, at: IntArray, lengths: IntArray) -> tuple[IntArray, IntArray]:
        """Add the records at these offsets of the window.

        Returns the number of the template of each, shape (n,), -1 for the others, and which are damaged.
        """
        numbers = np.full(len(at), -1)
        rest = []
        order = np.argsort(lengths.astype(np.uint16), kind="stable")
        for members in np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1):
            length = int(lengths[members[0]])
            together = length <= LONGEST and (len(members) >= FEW or length in self._templates.groups)
            rest.append(self._columns(data, at, members, length, numbers) if together else members)
        singles = np.sort(np.concatenate(rest)).tolist()
        damaged = [one for one in singles if not self._single(data[at[one] :][: lengths[one] + FRAME].tobytes(), one)]
        self._flush()
        return numbers, np.array(damaged, np.int64)

    def cycle(self, numbers: IntArray) -> Cycle | None:
        """The sequence of records that these end with at least twice, so that more of it is to be expected."""
        back = np.flatnonzero(numbers[:-1] == numbers[-1])[::-1]
        for period in (len(numbers) - 1 - back[: Cycle.TRIES]).tolist():
            tail = numbers[len(numbers) - period :]
            if period <= Cycle.LONGEST and np.array_equal(numbers[-2 * period : -period], tail) and tail.min() >= 0:
                return Cycle([self._templates.all[number] for number in tail])
        return None

    def decode_cycle(self, cycle: Cycle, data: Bytes) -> int:
        """Add the rounds of a cycle that the window starts with. Returns how many there were, all intact."""
        rounds = cycle.fits(data)
        if rounds * cycle.size < LEAST:
            return 0
        parts, rounds = cycle.columns(data, rounds)
        order = np.arange(rounds) * len(cycle.templates)
        for place, columns, span in parts:
            walls, steps = columns.walls[span][:rounds], columns.steps[span][:rounds]
            for tag, column in zip(cycle.templates[place].tags, columns.values, strict=True):
                self._pieces[tag].append((order + place, (walls, steps, column[span][:rounds])))
        self._flush()
        return rounds

    def _columns(self, data: Bytes, at: IntArray, members: IntArray, length: int, numbers: IntArray) -> IntArray:
        """Decode records of one length together; returns those that are to be looked at one by one."""
        groups = self._templates.groups[length]
        strangers: list[IntArray] = []
        look = LOOK
        while True:
            for group in groups[::-1]:
                if not len(members):
                    break
                rows = gather(data, at[members], length + FRAME)
                columns = group.layout.columns(rows.view(group.layout.fields)[:, 0])
                which = group.match(rows, columns)
                hit = which >= 0
                if hit.any():
                    groups.append(groups.pop(groups.index(group)))  # the last one in use is asked first
                    self._emit(group, columns, which, members, numbers)
                    members = members[~hit]
            if len(members) < FEW:
                return np.concatenate([*strangers, members])
            end = look if len(members) >= look + FEW else len(members)  # the rest would be too few to learn from
            learned = [self._learn(data[start:][: length + FRAME].tobytes()) for start in at[members[:end]]]
            if not any(learned):
                strangers.append(members[:end])
                members = members[end:]
            look *= 2

    def _emit(self, group: Group, columns: Columns, which: Numbers, members: IntArray, numbers: IntArray) -> None:
        """Hand on the records that match a template, tag by tag."""
        order = np.argsort(which, kind="stable") if np.ptp(which) else slice(None)
        edges = np.searchsorted(which[order], np.arange(len(group.templates) + 1)).tolist()
        members, walls, steps = members[order], columns.walls[order], columns.steps[order]
        values = [column[order] for column in columns.values]
        for template, number, start, end in zip(group.templates, group.numbers, edges, edges[1:], strict=False):
            if start == end:
                continue
            span = slice(start, end)
            numbers[members[span]] = number
            for tag, column in zip(template.tags, values, strict=True):
                self._pieces[tag].append((members[span], (walls[span], steps[span], column[span])))

    def _learn(self, record: bytes) -> bool:
        """Whether a record gave a new template: it is intact, plain and of no kind that is known."""
        if not _intact(record):
            return False
        try:
            return self._templates.learn(record)
        except UnsupportedRecordError:
            return False

    def _single(self, record: bytes, member: int) -> bool:
        """Decode one record; whether it was intact."""
        if not _intact(record):
            return False
        try:
            found = self._parse(record, member)
        except UnsupportedRecordError:
            return False
        if found.restart is not None:
            self._restarts.append((member, found.restart))
        self._put(found.points, member)
        return True

    def add(self, points: tuple[Point, ...]) -> None:
        """Add single points that come after all that were decoded."""
        self._put(points, 0)
        self._flush()

    def _put(self, points: tuple[Point, ...], member: int) -> None:
        for point in points:
            columns = np.array([point.wall]), np.array([point.step]), np.array([point.value], np.float64)
            self._pieces[point.tag].append((np.array([member]), columns))

    def _flush(self) -> None:
        """Append what was decoded to the series, in the order of the file."""
        pieces = {tag: _in_order(pieces) for tag, pieces in self._pieces.items()}
        restarts, before = sorted(self._restarts), len(self.restarts)
        self.restarts += [step for _, step in restarts]
        members = np.array([member for member, _ in restarts], np.int64)
        for tag, (order, columns) in sorted(pieces.items(), key=lambda item: int(item[1][0][0])):
            series = self.series[tag]
            if self.restarts:
                series.launched(before + np.searchsorted(members, order, side="right"))
            series.append(columns, self.growth)
        self._pieces.clear()
        self._restarts.clear()


def _in_order(pieces: list[tuple[IntArray, Piece]]) -> tuple[IntArray, Piece]:
    """Pieces of one tag as one, by their order in the file."""
    if len(pieces) == 1:
        return pieces[0]
    member = np.concatenate([member for member, _ in pieces])
    order = np.argsort(member, kind="stable")
    columns = zip(*(columns for _, columns in pieces), strict=True)
    walls, steps, values = (np.concatenate(column)[order] for column in columns)
    return member[order], (walls, steps, values)


def _intact(record: bytes) -> bool:
    return masked(record[HEADER:-4]) == int.from_bytes(record[-4:], "little")


class Cycle:
    """A fixed sequence of records: most training loops write one per step.

    Many rounds of it are compared with the template at once, without looking for where each record starts.
    """

    LONGEST = 2048
    """Records in a cycle."""
    TRIES = 16
    """Places at which the last record may have occurred before, within one round."""

    def __init__(self, templates: list[Template]) -> None:
        self.templates = templates
        self._places = np.cumsum([0, *(template.layout.width for template in templates)])
        self.size = int(self._places[-1])
        self._constant = np.concatenate([template.constant for template in templates])
        self._mask = np.concatenate([template.layout.mask for template in templates])

    def fits(self, data: Bytes) -> int:
        """How many rounds the window starts with, by all the bytes that do not change."""
        rounds = (len(data) - PAD) // self.size
        step = max(1, BLOCK // self.size)
        for start in range(0, rounds, step):
            block = data[start * self.size : min(start + step, rounds) * self.size].reshape(-1, self.size)
            differ: Bytes = block ^ self._constant
            differ &= self._mask
            if differ.any():
                return int(start + np.argmax(differ.any(axis=1)))
        return rounds

    def columns(self, data: Bytes, rounds: int) -> tuple[list[tuple[int, Columns, slice]], int]:
        """For each record of the cycle its place, columns and its share of them; and how many rounds are intact."""
        parts = []
        for layout in dict.fromkeys(template.layout for template in self.templates):
            members = [place for place, template in enumerate(self.templates) if template.layout == layout]
            places = (int(self._places[member]) for member in members)
            columns = layout.columns(*(np.ndarray(rounds, layout.fields, data, place, self.size) for place in places))
            expected = np.array([self.templates[member].residue for member in members], np.uint32)
            wrong = (columns.residues().reshape(len(members), -1) != expected[:, None]).any(axis=0)
            if wrong.any():
                rounds = int(np.argmax(wrong))
                return self.columns(data, rounds) if rounds else ([], 0)
            parts += [(member, columns, slice(n * rounds, (n + 1) * rounds)) for n, member in enumerate(members)]
        return parts, rounds
