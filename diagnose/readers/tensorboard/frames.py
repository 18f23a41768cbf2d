"""Where the records of an event file start.

A record is framed as: length (8 bytes), checksum of the length (4), payload, checksum of the payload (4).
Records of ordinary size are found by what cannot be chance: a length whose upper bytes are zero, followed by
its right checksum. All of a window are found at once; that each ends where the next one starts proves the
chain. The same search finds the next good record after damage.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import google_crc32c
import numpy as np

from diagnose.readers.tensorboard.crc import Bytes, contributions, unmasked
from diagnose.run import IntArray

HEADER = 12
FRAME = 16
"""Bytes of a record beside its payload: length, its checksum, checksum of the payload."""
PAD = 8
"""Bytes that follow the last record of a window, so that records can be gathered in whole words."""
HEAVY = 1 << 16
"""Payloads from this size on (audio, images, graphs) are not read with the others."""
_ZEROS_CRC = np.uint32(google_crc32c.value(bytes(8)))


def headers(data: Bytes, *, wide: bool = False) -> tuple[IntArray, IntArray]:
    """Offsets, in order, at which a header with the right checksum is, and the lengths that they state.

    Lengths up to 64 KiB are found, or with `wide` (slower, for the search after damage) up to 4 GiB.
    """
    low = 4 if wide else 2  # bytes of the length that may differ from zero
    run = data == 0
    run[:-1] &= run[1:]
    run[:-2] &= run[2:]  # four zeros from here on
    if not wide:
        run[:-2] &= run[2:]  # six zeros
    at = np.flatnonzero(run[low : max(low, len(data) - HEADER + low + 1)])
    crc = np.full(len(at), _ZEROS_CRC)
    lengths = np.zeros(len(at), np.int64)
    for place in range(low):
        byte = data[at + place]
        crc ^= contributions()[7 - place].take(byte)
        lengths |= byte.astype(np.int64) << (8 * place)
    right = crc == unmasked(gather(data, at + 8, 4).view("<u4")[:, 0])
    return at[right], lengths[right]


def gather(data: Bytes, at: IntArray, width: int) -> Bytes:
    """Shape (n, width): the bytes that start at each offset; the last must end inside `data`."""
    windows: Bytes = np.ndarray((len(data) - width + 1,), f"V{width}", buffer=data, strides=(1,))
    return windows[at].view(np.uint8).reshape(len(at), width)


class Chain:
    """The records of one window that follow one another without a gap."""

    def __init__(self, data: Bytes) -> None:
        self.at, self.lengths = headers(data)
        self._ends = self.at + self.lengths + FRAME
        self._stops = np.append(np.flatnonzero(self._ends[:-1] != self.at[1:]), len(self.at) - 1)
        self._size = len(data) - PAD

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
