"""Text logs: what a trainer printed, with progress bars, colours and noise around the numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from diagnose.errors import LogError
from diagnose.readers.columns import curves_of
from diagnose.readers.roles import losses_in, read_tag, rises, some_of
from diagnose.readers.sources import Source
from diagnose.readers.sources.paired_log import with_paired_log
from diagnose.readers.text.cleaning import unwrapped
from diagnose.readers.text.ending import ending_in, resumed_in
from diagnose.readers.text.formats import GUESS, Format, format_of
from diagnose.readers.text.guess import RECAP, numbers_in
from diagnose.readers.text.hint import worth_a_look
from diagnose.readers.text.lines import LineColumns, in_utf8, is_utf16
from diagnose.readers.text.series import series_of
from diagnose.readers.text.table_rows import CELL
from diagnose.regex import regex
from diagnose.run import Curve, InputHealth, Role, Run

# A known format that leaves more than this share of the losses is not that of the log. Source: our choice: the lines
# that a format leaves on purpose are few.
FOREIGN = 0.3
TRAINED = 2
_FEWEST_SCORES = 3
MUCH_UNREAD = 0.05
"""From this share of lost lines on the verdict says so. Source: the promise of `input_health`."""
_BLOCK = 1 << 21
# Bytes in which a log must show its format. Imports and warnings of the largest clusters take some hundred kilobytes.
_UNDECIDED = 1 << 20
# What is left of a file that was emptied while its writer went on.
_HOLE = regex(rb"\0{16,}")
_METRIC = regex(rb"loss|cost|perplexity|ppl|epoch", re.IGNORECASE)


def sniff(source: Source) -> int:
    """Text that shows a known format, or in which a loss has a number."""
    head = source.head()
    if not _is_text(head):
        return 0
    head = in_utf8(head)
    wrapped = unwrapped(head) != head
    if format_of(head) is not GUESS:
        return 90 if wrapped else 80
    log = LineColumns(GUESS.parse, worth_a_look)
    log.feed(head)
    log.finish()
    losses = losses_in(series_of(log.columns(), GUESS))
    # What was asked for by name is read to its end before it is refused.
    return 90 if losses and wrapped else 60 if losses else 10 if _METRIC.search(head) else int(source.asked)


def read(source: Source) -> Run:
    """Every series of the log as a curve, with those of a validation log beside it. Raises LogError without any."""
    return with_paired_log(source, _read)


def _read(source: Source) -> Run:
    if not _is_text(source.head()):
        raise LogError(f"{source.name}: binary data, not a text log; give an event file, a CSV or a text log")
    log = _fed(source, TextLog())
    if log.known and (log.understood < TRAINED or log.unread_share > FOREIGN):  # it may only look like its format
        guessed = _fed(source, TextLog(None, GUESS, LineColumns(GUESS.parse, worth_a_look)))
        order = (log, guessed) if log.understood else (guessed, log)
        if not log.understood & ~guessed.understood:  # else evaluations would be taken for a training
            log = max(order, key=lambda log: (log.understood, -log.unread_share))
    if not log.known and not log.named:  # `fitness 0.31`: for the user to say which of them is the loss
        plain = _fed(source, TextLog(None, GUESS, LineColumns(numbers_in)))
        log = plain if plain.named else log
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
    _log: LineColumns = field(default_factory=lambda: LineColumns(GUESS.parse))
    """Its lines, from where the format is decided and nothing is undecided."""

    def feed(self, data: bytes) -> None:
        """Take more bytes."""
        if self._undecided is None:
            self._log.feed(data)
            return
        self._undecided += data
        first = self._undecided[:_UNDECIDED]
        self._decide(first[: first.rfind(b"\n") + 1], final=len(first) == _UNDECIDED)

    def finish(self) -> None:
        """Take the last line, which ends without a line feed."""
        if self._undecided is not None:
            self._decide(self._undecided[:_UNDECIDED], final=True)
        self._log.finish()

    @property
    def known(self) -> bool:
        """Whether its format is one of those that are known."""
        return self._format is not GUESS

    @property
    def named(self) -> bool:
        """Whether a number with a name was found in it."""
        return any(name[0] != "@" or name.startswith(CELL) for name in self._log.columns())

    @property
    def understood(self) -> int:
        """What was found in a log that is finished: a training loss (2), a held-out one (1), both (3), none (0)."""
        there = {*self._log.columns(), *self._format.titles}
        trained = self._format.roles.get(Role.TRAIN_LOSS, ())
        found = [name in trained or not read_tag(name).held_out for name in there & self._format.losses]
        found += [not read_tag(name).held_out for name in there if read_tag(name).lossy]
        return TRAINED * any(found) + (not all(found))

    @property
    def unread_share(self) -> float:
        """The share of the lines that report a loss of which nothing was taken."""
        return self._health().unread_share

    def run(self, source: Source) -> Run:
        """The run as far as it is known. Raises LogError where no metric was found."""
        if self._undecided is not None:
            return self._so_far().run(source)
        columns = series_of(self._log.columns(), self._format, source.columns)
        story = curves_of(columns, keep_last=self._format.keep_last)
        lossy = losses_in(story.curves) or any(tag in self._format.losses for tag in story.curves)
        scored = source.asked and any(_is_scored(curve) for curve in story.curves.values())
        if not lossy and not scored and not (source.tag_named and story.curves):
            raise LogError(f"{source.name}: {self._what_was_seen(list(story.curves))}")
        losses = (column for tag, column in columns.items() if read_tag(tag).lossy and not tag.startswith(RECAP))
        last = max((column.places[-1] for column in losses), default=0)
        resumed = resumed_in(_decoded(self._log.first_lines))
        beginning = story.beginning and replace(story.beginning, line=resumed)
        story = replace(story.with_roles(self._format.with_roles), notes=(*self._format.notes, *story.notes))
        return story.run(
            source,
            self._format.name,
            self._health(),
            self._unread(),
            empty="no numbers",
            family=self._format.family,
            beginning=beginning,
            ending=ending_in(self._behind(int(last)), _last_step(story.curves)),
        )

    def _health(self) -> InputHealth:
        log = self._log
        return InputHealth(
            files=1,
            records=log.lines,
            bytes_skipped=log.bytes_skipped,
            metric_lines=log.metric_lines,
            unread_lines=log.unread_lines,
            unread_example=log.unread_example,
        )

    def _unread(self) -> Iterator[str]:
        """A note on the lines that report a loss and were not understood."""
        health = self._health()
        if health.unread_lines:
            lost = f"{health.unread_lines:,} of {health.metric_lines:,} lines that report a loss were not understood"
            much = ", so that the verdict rests on a part of the log" if health.unread_share > MUCH_UNREAD else ""
            yield f"{lost}, as `{health.unread_example}`{much}"

    def _behind(self, place: int) -> list[str]:
        """The last lines of the log, those behind a place."""
        start = self._log.lines - len(self._log.last_lines)
        return _decoded(self._log.last_lines[max(place + 1 - start, 0) :])

    def _what_was_seen(self, tags: list[str]) -> str:
        """Why the log is refused, and what to do."""
        skipped = self._log.bytes_skipped
        long = f" ({skipped:,} bytes are lines too long to read)" if skipped else ""
        rows = {name.rpartition("/")[2] for name in self._log.columns() if name.startswith(CELL)}
        if rows and not tags:
            return f"rows of {max(rows)} numbers without a header: name them, as in --columns step,loss,val_loss"
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
        self._format = format_of(in_utf8(whole))
        if self._format is GUESS and not final:
            return
        self._log = LineColumns(self._format.parse, worth_a_look if self._format.guess else None)
        self._log.feed(self._undecided or b"")
        self._undecided = None


def _decoded(lines: Sequence[bytes]) -> list[str]:
    return [line.decode("utf-8", "replace") for line in lines]


def _is_scored(curve: Curve) -> bool:
    """Whether it is the course of an accuracy or an error rate, as of a log that has no loss."""
    return curve.counted and len(curve) >= _FEWEST_SCORES and rises(read_tag(curve.tag)) is not None


def _last_step(curves: Mapping[str, Curve]) -> int | None:
    """The last step (or epoch) of the longest curve, where the log counts them."""
    longest = max(curves.values(), key=len, default=None)
    return int(longest.steps[-1]) if longest is not None and longest.counted else None


def _is_text(head: bytes) -> bool:
    """Whether this can be a log: next to no control characters but those that terminals know."""
    if is_utf16(head):
        return True
    head = _HOLE.sub(b"", head)
    strange = head.translate(None, bytes(range(32, 256)) + b"\t\n\r\x1b\x08\x0c\x07")
    return bool(head.strip()) and len(strange) <= 0.01 * len(head)
