"""The run that several event files form together: sub-folders, ranks, restarts, and what is damaged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import pairwise
from pathlib import PurePath

import numpy as np

from diagnose.errors import LogError
from diagnose.readers.sources import Part, Source
from diagnose.readers.sources.launched import MOST_EARLIER, SHORT, earlier_launch, fewest_points
from diagnose.readers.tensorboard.event_file import EventFile
from diagnose.readers.tensorboard.parse import hyperparameters
from diagnose.readers.tensorboard.restarts import START_OVER, Points, counts_within_epochs, settle, unrolled
from diagnose.regex import regex
from diagnose.run import Attachment, Curve, FloatArray, InputHealth, IntArray, Run

# Two files that were written at the same time for more than this share of it are ranks of one training, not a
# training and its resumption.
TOGETHER = 0.5
# `events.out.tfevents.1700000000.host`: the second at which it was begun.
_NAMED = regex(r"tfevents\.(\d+)")


@dataclass(frozen=True, eq=False)
class Written:
    """One event file of a run, as far as it is written."""

    part: Part
    file: EventFile
    unwanted: frozenset[str] = frozenset()
    """Tags that another file logs, too."""

    @cached_property
    def tags(self) -> Mapping[str, Points]:
        """The points of each tag, in the order of the file."""
        series = self.file.decoder.series
        tags = {tag: series[tag].points for tag in series if tag not in self.unwanted}
        if self.file.decoder.restarts or not counts_within_epochs(tags):
            return tags
        return {tag: unrolled(points) for tag, points in tags.items()}

    @cached_property
    def begun(self) -> float:
        """When it was begun, by its first point, else by the time in its name."""
        named = _NAMED.search(PurePath(self.part.name).name)
        return self.span[0] if self.tags or named is None else float(named[1])

    def marks(self, tag: str) -> Iterator[tuple[int, int]]:
        """(index, step): what comes from this point of the tag on replaces what is before it from `step` on."""
        if tag in self.unwanted or not self._rewinds:
            return
        series = self.file.decoder.series.get(tag)
        launches, size = (series.launches, series.size) if series else ([(0, 0)], 0)
        for (_, count), (index, _) in pairwise([*launches, (size, 0)]):
            if count < len(self._rewinds):
                yield index, self._rewinds[count]

    @cached_property
    def _rewinds(self) -> list[int]:
        """For each restart the lowest step that it or a later one goes back to."""
        steps = np.array(self.file.decoder.restarts, np.int64)
        return np.minimum.accumulate(steps[::-1])[::-1].tolist()  # type: ignore[no-any-return]  # of ints

    @cached_property
    def span(self) -> tuple[float, float]:
        """Wall time of the first and the last point, seconds since 1970; (inf, inf) without points."""
        walls = [points.walls for points in self.tags.values()]
        if not walls:
            return float("inf"), float("inf")
        return min(wall[0] for wall in walls), max(wall[-1] for wall in walls)


def _without_short(files: list[Written]) -> tuple[list[Written], list[str]]:
    """The files without launches that began anew and ended after a few points: they replace no training."""
    kept: list[Written] = []
    notes = []
    before: dict[str, list[tuple[IntArray, int]]] = defaultdict(list)  # of the kept files: steps, highest so far
    for file in files:
        tag = max(file.tags, key=lambda tag: len(file.tags[tag]), default="")
        own, first = (len(file.tags[tag]), int(file.tags[tag].steps[0])) if tag else (0, 0)
        if own and not file.file.decoder.restarts and _replaces_more(before[tag], first, own / SHORT):
            notes.append(f"{file.part.name}: {own} points of a launch that is short beside those before it, left out")
            continue
        kept.append(file)
        for name, points in file.tags.items():
            reached = before[name][-1][1] if before[name] else -1
            before[name].append((points.steps, max(reached, int(points.steps.max()))))
    return kept, notes


def _replaces_more(before: Sequence[tuple[IntArray, int]], first: int, points: float) -> bool:
    """Whether there are more than so many points from a step on. Latest first, until no file got so far."""
    found = 0
    for steps, reached in reversed(before):
        if reached < first or found > points:
            break
        found += int((steps >= first).sum())
    return found > points


def run_of(source: Source, written: Sequence[Written]) -> Run:
    """What these event files, as far as they are written, say together. Raises LogError if no record is intact."""
    if not any(one.file.records for one in written):
        raise LogError(f"{source.name}: no intact record in it; not an event file, or damaged all over")
    curves: dict[str, Curve] = {}
    replaced: list[Curve] = []
    earlier: dict[int, dict[str, Curve]] = defaultdict(dict)
    notes: list[str] = []
    measured = [one for one in written if not one.part.settings_only]
    for affixes in dict.fromkeys((one.part.prefix, one.part.suffix) for one in measured):
        files = [one for one in measured if (one.part.prefix, one.part.suffix) == affixes]
        if len(files) > 1:
            files, note = _without_ranks(files)
            files, short = _without_short(files)
            notes += [*note, *short]
        for tag in dict.fromkeys(tag for file in files for tag in file.tags):
            name = tag.join(affixes)
            points, old = settle(*_in_order(tag, files))
            if len(points):
                curves[name] = _curve(name, points)
            if old is not None:
                replaced.append(_curve(name, old))
        for number, launch in enumerate(_launches(files)[:-1], 1):
            for tag in dict.fromkeys(tag for file in launch for tag in file.tags):
                name = tag.join(affixes)
                earlier[number][name] = _curve(name, settle(*_in_order(tag, launch))[0])
    run = Run(
        source.label,
        source.name,
        "tensorboard",
        curves,
        sources=tuple(one.part.name for one in written),
        health=_health(written),
        notes=(*notes, *_restarts(replaced), *_damage(written)),
        hparams=_hparams(written),
        attachments=tuple(_attachments(source, written)),
    )
    return replace(run, earlier=tuple(_trainings(run, earlier)[-MOST_EARLIER:])) if earlier else run


def _launches(files: Sequence[Written]) -> list[list[Written]]:
    """The files, split where one begins anew: the last replaces all that was written before it."""
    launches: list[list[Written]] = []
    first = reached = 0
    for file in (file for file in files if file.tags):
        steps = max(file.tags.values(), key=len).steps
        if not launches or steps[0] <= first + START_OVER * (reached - first):
            launches.append([])
            first = int(steps[0])
        launches[-1].append(file)
        reached = int(steps.max())
    return launches


def _trainings(run: Run, earlier: Mapping[int, Mapping[str, Curve]]) -> list[Run]:
    """Those launches that hold a training, each as a run of its own."""
    longest = {number: max(curves.values(), key=len) for number, curves in earlier.items()}
    enough = fewest_points(max(map(len, (*longest.values(), *run.curves.values()))))
    return [
        earlier_launch(run, f"number {number}, step {one.steps[0]} to {one.steps[-1]}", earlier[number])
        for number, one in longest.items()
        if len(one) >= enough
    ]


def _without_ranks(files: list[Written]) -> tuple[list[Written], list[str]]:
    """The files in the order in which they were begun, each tag taken from one at a time; a note on what was left out.

    Several processes of one training may each write the same curves; the one that wrote most is taken.
    """
    kept: list[Written] = []
    left_out: set[str] = set()
    spans = np.empty((len(files), 2))
    for number, file in enumerate(sorted(files, key=lambda one: -one.file.records)):
        spans[number] = file.span
        shared = frozenset(tag for other in _together(spans, number) for tag in file.tags if tag in kept[other].tags)
        left_out |= {file.part.name} if shared else set()
        kept.append(replace(file, unwanted=shared) if shared else file)
    kept.sort(key=lambda one: (one.begun, one.part.name))
    names = ", ".join(sorted(left_out))
    return kept, [f"written at the same time with the same curves (other ranks?), left out: {names}"] if names else []


def _together(spans: FloatArray, number: int) -> list[int]:
    """Which of the first `number` files, by their first and last wall times, were written while the next one was."""
    before, own = spans[:number], spans[number]
    if not np.isfinite(own).all():
        return []
    both = np.minimum(before[:, 1], own[1]) - np.maximum(before[:, 0], own[0])
    either = np.maximum(before[:, 1], own[1]) - np.minimum(before[:, 0], own[0])
    return [int(place) for place in np.flatnonzero((both > TOGETHER * either) & (either > 0))]


def _in_order(tag: str, files: Sequence[Written]) -> tuple[Points, list[tuple[int, int]]]:
    """All points of a tag in the order of the files, and from which of them on which steps are replaced."""
    parts: list[Points] = []
    marks: list[tuple[int, int]] = []
    before = 0
    for file in files:
        points = file.tags.get(tag)
        if points is not None and before:
            marks.append((before, int(points.steps[0])))
        marks += [(before + index, step) for index, step in file.marks(tag)]
        if points is not None:
            parts.append(points)
            before += len(points)
    return Points.joined(parts), marks


def _curve(tag: str, points: Points) -> Curve:
    return Curve(tag, points.steps, points.values, points.walls)


def _health(written: Sequence[Written]) -> InputHealth:
    files = [one.file for one in written]
    records, bad = sum(file.records for file in files), sum(file.bad_records for file in files)
    return InputHealth(len(files), records, bad, sum(file.bytes_skipped for file in files))


def _restarts(replaced: Sequence[Curve]) -> Iterator[str]:
    if replaced:
        old = max(replaced, key=len)
        first, last, count = int(old.steps[0]), int(old.steps[-1]), sum(map(len, replaced))
        yield (
            f"training went back: {count:,} points of an earlier launch (steps {first:,} to {last:,}) "
            "are replaced by what was logged later"
        )


def _damage(written: Sequence[Written]) -> Iterator[str]:
    for one in written:
        file = one.file
        if file.bad_records:
            lost = file.bytes_skipped - file.cut_off
            yield f"{one.part.name}: {file.bad_records:,} damaged records ({lost:,} bytes) left out, the others read"
        if file.cut_off:
            yield f"{one.part.name}: ends within a record ({file.cut_off:,} bytes): still being written, or cut off"


def _hparams(written: Sequence[Written]) -> dict[str, str | float | bool]:
    messages = [message for one in written for message in one.file.hparams]
    return hyperparameters(messages) if messages else {}


def _attachments(source: Source, written: Sequence[Written]) -> Iterator[Attachment]:
    for one in written:
        for blob in sorted(one.file.blobs, key=lambda blob: blob.span):
            load = partial(_load, source, one.part, blob.span)
            yield Attachment(blob.kind, one.part.prefix + blob.tag, blob.step, blob.wall, load)


def _load(source: Source, part: Part, span: tuple[int, int]) -> bytes:
    with source.open(part) as file:
        file.seek(span[0])
        return file.read(span[1] - span[0])
