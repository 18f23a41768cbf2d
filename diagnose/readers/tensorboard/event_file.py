"""One event file: its records in order, whatever happened to it."""

from __future__ import annotations

import struct
from typing import BinaryIO

import google_crc32c
import numpy as np

from diagnose.readers.sources.protobuf import UnsupportedRecordError
from diagnose.readers.tensorboard.crc import Bytes, masked, rotated
from diagnose.readers.tensorboard.decode import LEAST, Cycle, Decoder
from diagnose.readers.tensorboard.frames import FRAME, HEADER, HEAVY, PAD, Chain, Stretch, headers, joined
from diagnose.readers.tensorboard.parse import Blob, Found, parse

WINDOW = 5 << 18
"""Bytes read at once. Source: sets e and f of benchmarks/reading: fewer take longer, more take more memory than 40 MB
and 24 bytes a point."""
FIRST_WINDOW = 1 << 17
"""Bytes read at first, and decoded record by record before looking for a cycle; then four times and twice as many
each time. Source: set b of benchmarks/reading: its files are short."""
WINDOW_AFTER_HEAVY = 1 << 13
"""Bytes read after a heavy record, in case another one follows soon."""
np.empty(4 * WINDOW, np.uint8)  # Having freed so much once, glibc keeps what a window takes for the next one.
SEARCH_WINDOW = 1 << 18
"""Bytes searched at once after damage, where every zero may be part of a header and costs memory."""
ENOUGH = 1 << 17
"""Bytes of ordinary records, taken from between heavy ones, that are decoded together. Source: set c of
benchmarks/reading: more gain little."""


class EventFile:
    """Reads one event file as far as it is written; `poll` again when it has grown.

    After damage it goes on at the next intact record. Payloads from 64 KiB on are passed over: only their
    headers are verified, and that their messages end where the record does.
    """

    def __init__(self) -> None:
        self.decoder = Decoder(self._parse)
        self.blobs: list[Blob] = []
        """Sounds and texts; spans are places in the file."""
        self.hparams: list[bytes] = []
        self.records = 0
        self.bad_records = 0
        self.position = 0
        """Everything before it is processed."""
        self.size = 0
        self._good = 0  # bytes in intact records
        self._window = FIRST_WINDOW
        self._span = FIRST_WINDOW
        self._base = 0  # place in the file of the bytes that are being looked at
        self._waiting: list[Stretch] = []
        self._places = np.zeros(0, np.int64)  # in the file, of the records that are being decoded
        self._cycle: Cycle | None = None
        self._doubt: int | None = None  # where a record starts whose length may be wrong
        self._heavy_from = -1  # where the last heavy record starts
        self._counted = False  # whether the damage at `position` is counted already

    @property
    def cut_off(self) -> int:
        """Bytes at the end that are the beginning of a record: still being written, or cut off."""
        return 0 if self._counted else self.size - self.position

    @property
    def bytes_skipped(self) -> int:
        """Bytes in no intact record, the pending ones included."""
        return self.size - self._good

    def poll(self, file: BinaryIO) -> None:
        """Read what is new. Raises OSError where the file cannot be read."""
        self.size = file.seek(0, 2)
        buffer = np.empty(min(WINDOW, self.size - self.position) + PAD, np.uint8)
        going = True
        while going and self.position < self.size:
            self.decoder.growth = min(64.0, max(1.02, 1.02 * self.size / (self.position + self._window)))
            data = _read(file, self.position, min(self._window, self.size - self.position), buffer)
            used = self._records(data)
            self.position += used
            self._window = min(4 * self._window, WINDOW)
            rest = data[used:]
            ordinary = len(rest) - PAD < HEADER or _length(rest) < HEAVY
            going = (ordinary and used > 0) or self._overcome(file, rest)
        self._decode_waiting()

    def _records(self, data: Bytes) -> int:
        """Decode the whole records that `data` starts with; returns how many bytes they took."""
        used = 0
        while (need := _length(data[used:]) + FRAME) <= len(data) - PAD - used:
            self._base = self.position + used
            rounds = self._rounds(data[used:])
            took = rounds or self._chain(data[used:], need)
            used += took
            if not took or (rounds and self._cycle and len(data) - PAD - used < self._cycle.size):
                break  # the round that has begun is left to the next window, where the cycle goes on
        return used

    def _rounds(self, data: Bytes) -> int:
        """Decode whole rounds of the known cycle; returns how many bytes they took."""
        if len(data) < LEAST:
            return 0
        self._decode_waiting()
        cycle = self._cycle
        rounds = self.decoder.decode_cycle(cycle, data) if cycle else 0
        if not cycle or not rounds:
            return 0
        self._accept(rounds * len(cycle.templates), rounds * cycle.size)
        self._doubt, self._counted = None, False
        self._span = FIRST_WINDOW
        return rounds * cycle.size

    def _accept(self, records: int, size: int) -> None:
        self.records += records
        self._good += size

    def _chain(self, data: Bytes, need: int) -> int:
        """Decode records that follow one another, the first of `need` bytes; returns how many bytes they took.

        Those before a heavy record wait for the ones behind it: where to go on does not depend on what they hold.
        """
        data = data[: max(self._span, need) + PAD]
        self._span = min(2 * self._span, WINDOW)
        chain = Chain(data)
        position = 0
        while (span := chain.whole(position)).stop > span.start:
            at, lengths = chain.at[span], chain.lengths[span]
            start, position = position, int(at[-1] + lengths[-1]) + FRAME
            stretch = Stretch(self._base + start, data[start : position + PAD], at - start, lengths)
            inside = chain.inside(span.stop - 1)
            if inside is None and _starts_heavy(data[position:]) and self._few_wait():
                self._waiting.append(stretch.copied())
                return position
            self._waiting.append(stretch)
            intact = self._decode_waiting()
            self._doubt, self._counted = (None, False) if intact else (self._base + int(at[-1]), True)
            position = position if intact or inside is None else inside
        return position

    def _few_wait(self) -> bool:
        """Whether so few bytes wait to be decoded that it is worth while to wait for more."""
        return sum(len(stretch.data) for stretch in self._waiting) < ENOUGH

    def _decode_waiting(self) -> bool:
        """Decode what was found so far; whether the last record of it is intact."""
        if not self._waiting:
            return True
        data, at, lengths, self._places = joined(self._waiting)
        self._waiting.clear()
        numbers, damaged = self.decoder.decode(data, at, lengths)
        self._cycle = self.decoder.cycle(numbers)
        sizes = lengths + FRAME
        self._accept(len(at) - len(damaged), int(sizes.sum() - sizes[damaged].sum()))
        self.bad_records += len(damaged)
        return not len(damaged) or int(damaged[-1]) < len(at) - 1

    def _overcome(self, file: BinaryIO, data: Bytes) -> bool:
        """Get past what is no whole ordinary record at `position`; False where only a longer file can help."""
        if len(data) - PAD < HEADER:
            return False
        if not _right_header(data):
            return self._recover(file, self.position if self._doubt is None else self._doubt, whole=False)
        self._doubt, self._counted = None, False  # a right header: what came before it is processed
        length = _length(data)
        end = self.position + length + FRAME
        if end > self.size:  # cut off, or its length is forged: then intact records are where its payload should be
            return self._recover(file, self.position, whole=True)
        if length < HEAVY:
            self._window = max(self._window, length + FRAME)
            return True
        return self._heavy(file, data, end)

    def _heavy(self, file: BinaryIO, data: Bytes, end: int) -> bool:
        """Pass over a heavy record, reading only the fields around its large content."""
        start = self.position
        view = _View(file, start, data[: WINDOW_AFTER_HEAVY - PAD].tobytes())
        try:
            found = parse(view, start + HEADER, end - 4)
        except (UnsupportedRecordError, struct.error):
            if not _intact(file, start, end):
                return self._recover(file, start, whole=False)
            found = Found()
        if found.points:
            self._decode_waiting()
            self.decoder.add(found.points)
        self._keep(found, 0)
        self._accept(1, end - start)
        self._doubt = self._heavy_from = start
        self.position = end
        self._window = WINDOW_AFTER_HEAVY
        return True

    def _recover(self, file: BinaryIO, damage: int, *, whole: bool) -> bool:
        """Go to the next intact record after `damage`; with `whole` only one that is all there will do."""
        found = _search(file, damage + 1, self.size, whole=whole)
        if found is None and whole:
            return False
        if not self._counted:
            self.bad_records += 1
            self._counted = True
        if found is None:
            self._doubt = max(damage, self.size - HEADER)
            return False
        if found < self.position:
            self._disown(damage)
        self._doubt = None
        self.position = found
        self._window = FIRST_WINDOW
        return True

    def _disown(self, start: int) -> None:
        """Take back a heavy record from `start` that was read as intact: others are inside it."""
        if start == self._heavy_from:
            self.records -= 1
            self._good -= self.position - start
            self.blobs = [blob for blob in self.blobs if blob.span[0] < start]

    def _parse(self, record: bytes, number: int) -> Found:
        return self._keep(parse(record, HEADER, len(record) - 4), int(self._places[number]))

    def _keep(self, found: Found, base: int) -> Found:
        """Remember where the sounds and texts of a record are that starts at `base`."""
        self.hparams += found.hparams
        self.blobs += [blob.moved(base) for blob in found.blobs]
        return found


def _starts_heavy(data: Bytes) -> bool:
    """Whether the intact header of a heavy record is at the start of `data`."""
    return len(data) - PAD >= HEADER and _length(data) >= HEAVY and _right_header(data)


def _right_header(data: Bytes) -> bool:
    """Whether a length with its right checksum is at the start of `data`."""
    return masked(data[:8].tobytes()) == int.from_bytes(data[8:HEADER].tobytes(), "little")


def _length(data: Bytes) -> int:
    """The length that a record states at the start of `data`."""
    return int.from_bytes(data[:8].tobytes(), "little")


class _View:
    """The file as bytes to slice, of which the first are at hand."""

    def __init__(self, file: BinaryIO, start: int, head: bytes) -> None:
        self._file, self._start, self._head = file, start, head

    def __getitem__(self, span: slice, /) -> bytes:
        first, last = span.start - self._start, span.stop - self._start
        if last <= len(self._head):
            return self._head[first:last]
        if last - first > HEAVY:
            raise UnsupportedRecordError  # no name or setting is that long
        return _read(self._file, span.start, last - first)[:-PAD].tobytes()


def _read(file: BinaryIO, start: int, size: int, buffer: Bytes | None = None) -> Bytes:
    """Up to `size` bytes from `start`, fewer only at the end of the file, and PAD zeros."""
    file.seek(start)
    buffer = np.empty(size + PAD, np.uint8) if buffer is None else buffer
    view = memoryview(buffer.data)
    filled = 0
    while filled < size and (count := file.readinto(view[filled:size])):  # type: ignore[attr-defined]  # raw
        filled += count
    buffer[filled : filled + PAD] = 0
    return buffer[: filled + PAD]


def _search(file: BinaryIO, start: int, size: int, *, whole: bool) -> int | None:
    """Where the next intact record starts; unless `whole` one that is not all there yet will do."""
    while start + HEADER <= size:
        data = _read(file, start, min(SEARCH_WINDOW, size - start))[:-PAD]
        places, lengths = headers(data, 4)
        for first, length in zip((places + start).tolist(), lengths.tolist(), strict=True):
            end = first + length + FRAME
            if _intact(file, first, end) if end <= size else not whole:
                return int(first)
        start += max(len(data) - HEADER + 1, 1)
    return None


def _intact(file: BinaryIO, start: int, end: int) -> bool:
    """Whether the payload of the record at these places has the right checksum, however long it is."""
    crc: int = 0
    for place in range(start + HEADER, end - 4, WINDOW):
        crc = google_crc32c.extend(crc, _read(file, place, min(WINDOW, end - 4 - place))[:-PAD].tobytes())
    return rotated(crc) == int.from_bytes(_read(file, end - 4, 4)[:-PAD].tobytes(), "little")
