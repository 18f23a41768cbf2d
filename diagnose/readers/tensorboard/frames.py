"""Where the records of an event file start.

A record is framed as: length (8 bytes), checksum of the length (4), payload, checksum of the payload (4).
Records of ordinary size are found by what cannot be chance: a length whose upper bytes are zero, followed by
its right checksum. All of a window are found at once; that each ends where the next one starts proves the
chain. The same search finds the next good record after damage.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import google_crc32c
import numpy as np

from diagnose.readers.tensorboard.crc import Bytes, Words, contributions, unmasked
from diagnose.run import IntArray

HEADER = 12
FRAME = 16
"""Bytes of a record beside its payload: length, its checksum, checksum of the payload."""
PAD = 8
"""Bytes that follow the last record of a window, so that records can be gathered in whole words."""
HEAVY = 1 << 16
"""Payloads from this size on (audio, images, graphs) are not read with the others."""
SHORT_FIRST = 1 << 16
"""Bytes from which on records below 256 bytes, as scalars are, are looked for alone at first. Source: set c of
benchmarks/reading: between heavy records, a second search costs more than the first one saves."""
_FIELDS = np.dtype(
    {
        "names": ["length", "lower", "upper", "crc"],
        "offsets": [0, 0, 2, 8],
        "formats": ["<u4", "<u2", "<u2", "<u4"],
        "itemsize": HEADER,
    }
)
_ZEROS_CRC = np.uint32(google_crc32c.value(bytes(8)))


def headers(data: Bytes, low: int) -> tuple[IntArray, IntArray]:
    """Offsets, in order, at which a header with the right checksum is, and the lengths that they state.

    `low`: the bytes of a length, at most 4, that may differ from zero. The fewer, the faster.
    """
    run = data == 0
    run[:-1] &= run[1:]
    run[:-2] &= run[2:]  # four zeros from here on
    if low < 4:
        run[: low - 4] &= run[4 - low :]
    at = np.flatnonzero(run[low : max(low, len(data) - HEADER + low + 1)])
    found = gather(data, at, HEADER).view(_FIELDS)[:, 0]
    crc = _pair_checksums(6).take(found["lower"])
    if low > 2:
        crc ^= _pair_checksums(4).take(found["upper"])
    right = np.flatnonzero(crc ^ _ZEROS_CRC == unmasked(found["crc"]))
    return at[right], found["length"][right].astype(np.int64)


@cache
def _pair_checksums(after: int) -> Words:
    """What two bytes of a message add (by xor) to its CRC when so many follow them."""
    rows = contributions(8)
    added: Words = rows[after][:, None] ^ rows[after + 1]
    return added.ravel()


def gather(data: Bytes, at: IntArray, width: int) -> Bytes:
    """Shape (n, width): the bytes that start at each offset; the last must end inside `data`."""
    windows: Bytes = np.ndarray((len(data) - width + 1,), f"V{width}", buffer=data, strides=(1,))
    return windows[at].view(np.uint8).reshape(len(at), width)


class Chain:
    """The records of one window that follow one another without a gap."""

    def __init__(self, data: Bytes) -> None:
        self._size = len(data) - PAD
        short = len(data) >= SHORT_FIRST
        self._link(*headers(data, 1 if short else 2))
        if short and not self._gapless():
            self._link(*headers(data, 2))

    def _link(self, at: IntArray, lengths: IntArray) -> None:
        self.at, self.lengths = at, lengths
        self._ends = at + lengths + FRAME
        self._stops = np.append(np.flatnonzero(self._ends[:-1] != at[1:]), len(at) - 1)

    def _gapless(self) -> bool:
        """Whether there is no room for another header from the start to the end of the window."""
        return self.at[:1].tolist() == [0] and len(self._stops) == 1 and bool(self._ends[-1] + HEADER > self._size)

    def whole(self, position: int) -> slice:
        """Which entries of `at` and `lengths` are the linked records, all of them in the window, from `position` on."""
        first = int(np.searchsorted(self.at, position))
        if first == len(self.at) or self.at[first] != position:
            return slice(first, first)
        last = int(self._stops[np.searchsorted(self._stops, first)])
        return slice(first, last + 1 if self._ends[last] <= self._size else last)

    def inside(self, index: int) -> int | None:
        """The first header between the start and the end of record `index`, if there is one."""
        follower = int(self.at[index + 1]) if index + 1 < len(self.at) else None
        return follower if follower is not None and follower < self._ends[index] else None


@dataclass(frozen=True, eq=False)
class Stretch:
    """Records that follow one another, and the bytes that hold them."""

    place: int
    """Of the first byte in the file."""
    data: Bytes
    """The records and PAD bytes more."""
    at: IntArray
    lengths: IntArray

    def copied(self) -> Stretch:
        """The same in memory of its own, for the time when the window is used again."""
        return replace(self, data=self.data.copy())


def joined(stretches: list[Stretch]) -> tuple[Bytes, IntArray, IntArray, IntArray]:
    """The bytes of several stretches behind one another; offsets in them, lengths and places in the file."""
    if len(stretches) == 1:  # nearly always, and then it may be long
        (one,) = stretches
        return one.data, one.at, one.lengths, one.place + one.at
    before = np.cumsum([0, *(len(stretch.data) for stretch in stretches[:-1])]).tolist()
    at = np.concatenate([start + stretch.at for start, stretch in zip(before, stretches, strict=True)])
    places = np.concatenate([stretch.place + stretch.at for stretch in stretches])
    lengths = np.concatenate([stretch.lengths for stretch in stretches])
    return np.concatenate([stretch.data for stretch in stretches]), at, lengths, places
