"""Text logs: what a trainer printed, with progress bars, colours and noise around the numbers."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from diagnose.errors import LogError
from diagnose.readers.columns import COUNTERS, EPOCH, ITERATION, STEP, Column, changes, curves_of, trained_at
from diagnose.readers.roles import read_tag, some_of
from diagnose.readers.sources import Source
from diagnose.readers.sources.paired_log import with_paired_log
from diagnose.readers.text.formats import GUESS, Format, format_of
from diagnose.readers.text.guess import ANNOUNCED, BAR, BAR_TOTAL, PAIRED, RECAP, worth_a_look
from diagnose.readers.text.lines import LineColumns
from diagnose.readers.text.table_rows import with_headers
from diagnose.run import InputHealth, Run

_BLOCK = 1 << 21
# Bytes in which a log must show its format. Imports and warnings of the largest clusters take some hundred kilobytes.
_UNDECIDED = 1 << 20
# A name is a series from this many values on, where the format is not known.
_FEWEST = 2
# A column of which no more than this share is new is an echo of the last value.
_ECHOED = 0.2
# Numbers of which more than this share rise count something; a new launch begins them again.
_COUNTS = 0.5
# Steps that are announced on lines without metrics count from so many to one value on: fewer are words in prose.
_ANNOUNCED_SHARE = 0.05
_METRIC = re.compile(rb"loss|cost|perplexity|ppl|epoch", re.IGNORECASE)


def sniff(source: Source) -> int:
    """Text that shows a known format, or in which a loss has a number."""
    head = source.head()
    if not _is_text(head):
        return 0
    if format_of(head) is not GUESS:
        return 80
    log = LineColumns(GUESS.parse, worth_a_look)
    log.feed(head)
    log.finish()
    losses = [name for name in _series(log.columns(), GUESS) if read_tag(name).lossy]
    # What was asked for by name is read to its end before it is refused.
    return 60 if losses else 10 if _METRIC.search(head) else int(source.asked)


def read(source: Source) -> Run:
    """Every series of the log as a curve, with those of a validation log beside it. Raises LogError without any."""
    return with_paired_log(source, _read)


def _read(source: Source) -> Run:
    if not _is_text(source.head()):
        raise LogError(f"{source.name}: binary data, not a text log; give an event file, a CSV or a text log")
    log = _fed(source, TextLog())
    if not log.told:  # its lines look like a format that it is not
        log = _fed(source, TextLog(None, GUESS, LineColumns(GUESS.parse, worth_a_look)))
    return log.run(source)


def _fed(source: Source, log: TextLog) -> TextLog:
    with source.open() as file:
        while block := file.read(_BLOCK):
            log.feed(block)
    log.finish()
    return log


@dataclass
class TextLog:
    """A text log as it grows: fed with bytes in any chunks, it gives the same run as one read at once."""

    _undecided: bytes | None = b""
    _format: Format = GUESS
    _log: LineColumns | None = None

    def feed(self, data: bytes) -> None:
        """Take more bytes."""
        if self._log is not None:
            self._log.feed(data)
            return
        assert self._undecided is not None
        self._undecided += data
        first = self._undecided[:_UNDECIDED]
        self._decide(first[: first.rfind(b"\n") + 1], final=len(first) == _UNDECIDED)

    def finish(self) -> None:
        """Take the last line, which ends without a line feed."""
        if self._log is None:
            self._decide((self._undecided or b"")[:_UNDECIDED], final=True)
        assert self._log is not None
        self._log.finish()

    @property
    def told(self) -> bool:
        """Whether a number was found in a log that is finished, or nothing more is to be hoped for."""
        return self._format is GUESS or (self._log is not None and not self._log.columns().keys() <= COUNTERS)

    def run(self, source: Source) -> Run:
        """The run as far as it is known. Raises LogError where no metric was found."""
        if self._log is None:
            return self._so_far().run(source)
        columns = _series(self._log.columns(), self._format)
        story = curves_of(columns, keep_last=self._format.keep_last)
        lossy = any(read_tag(tag).lossy or tag in self._format.losses for tag in story.curves)
        if not lossy and not (source.tag_named and story.curves):
            raise LogError(f"{source.name}: {self._what_was_seen(list(story.curves))}")
        health = InputHealth(files=1, records=self._log.lines, bytes_skipped=self._log.bytes_skipped)
        curves = self._format.with_roles(story.curves)
        return Run(
            source.label,
            source.name,
            self._format.name,
            curves,
            family=self._format.family,
            sources=(source.name,),
            health=health,
            notes=(*self._format.notes, *story.notes),
        )

    def _what_was_seen(self, tags: list[str]) -> str:
        """Why the log is refused, and what to do."""
        skipped = self._log.bytes_skipped if self._log is not None else 0
        long = f" ({skipped:,} bytes are lines too long to read)" if skipped else ""
        if not tags:
            return f"no training metrics found{long}: a text log has lines like `step 10 loss 2.3`"
        seen = some_of([f"`{tag}`" for tag in tags])
        return f"no training metrics found{long}: numbers are named {seen}; if one is the loss, say so by --train-tag"

    def _so_far(self) -> TextLog:
        """A log of the bytes that came before the format was clear, its last line left out if unfinished."""
        whole = self._undecided or b""
        known = TextLog(whole[: whole.rfind(b"\n") + 1])
        known.finish()
        return known

    def _decide(self, whole: bytes, *, final: bool) -> None:
        self._format = format_of(whole)
        if self._format is GUESS and not final:
            return
        self._log = LineColumns(self._format.parse, worth_a_look if self._format.guess else None)
        self._log.feed(self._undecided or b"")
        self._undecided = None


def _series(columns: Mapping[str, Column], form: Format) -> dict[str, Column]:
    """The columns that repeat, with the names that sections and table headers give them."""
    tabled = with_headers(columns)
    named = _with_bar(_with_pairs(form.with_sections(tabled)))
    announced = named.pop(ANNOUNCED, None)
    if announced is not None and len(announced.values) >= _ANNOUNCED_SHARE * max(
        map(_length, named.values()), default=1
    ):
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
    """Whether a name is a series: it comes again, or it is a loss that is rightly told once."""
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
    told, often = np.unique(totals.at(trained), return_counts=True)
    keep = totals.at(bar.places) == told[np.argmax(often)]
    return named | ({ITERATION: Column(bar.places[keep], bar.values[keep])} if keep.any() else {})


def _with_epoch_means(columns: Mapping[str, Column]) -> dict[str, Column]:
    """The columns, with a name's values on lines that tell an epoch but no step of it in a column of their own."""
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


def _is_text(head: bytes) -> bool:
    """Whether this can be a log: next to no control characters but those that terminals know."""
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return True
    strange = head.translate(None, bytes(range(32, 256)) + b"\t\n\r\x1b\x08\x0c\x07")
    return bool(head.strip()) and len(strange) <= 0.01 * len(head)
