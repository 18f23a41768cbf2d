"""CRC-32C as event files store it, and what its linearity gives: checksums of a whole column at once."""

from __future__ import annotations

from functools import cache

import google_crc32c
import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint32]

_POLYNOMIAL = 0x82F63B78  # CRC-32C (Castagnoli), reflected; RFC 3720, appendix B.4
_DELTA = 0xA282EAD8  # TensorFlow, tensorflow/tsl/lib/hash/crc32c.h: Mask()


def masked(data: bytes) -> int:
    """The checksum of `data` as an event file stores it."""
    return rotated(int(google_crc32c.value(data)))


def rotated(crc: int) -> int:
    """A CRC-32C as an event file stores it: rotated by 15 bits, plus a constant."""
    return ((crc >> 15 | crc << 17) + _DELTA) & 0xFFFFFFFF


def unmasked(stored: Words) -> Words:
    """The plain CRC-32C behind stored ones."""
    rotated = stored - np.uint32(_DELTA)
    crc: Words = rotated >> np.uint32(17) | rotated << np.uint32(15)
    return crc


@cache
def contributions(count: int) -> Words:
    """Shape (count, 256): row d, column b is what byte b adds (by xor) to a CRC when d bytes follow it.

    CRC-32C is affine over GF(2): the CRC of a message is that of the message with some bytes set to zero,
    xor the contributions of these bytes.
    """
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ np.uint32(_POLYNOMIAL), table >> 1).astype(np.uint32)
    rows = np.empty((count, 256), np.uint32)
    rows[0] = table
    for distance in range(1, count):
        before = rows[distance - 1]
        rows[distance] = before >> np.uint32(8) ^ table[before & np.uint32(255)]
    return rows
