"""Bytes near a seed: what disks, editors, crashes and attackers do to a file."""

from __future__ import annotations

import random

TOKENS = (
    b"\0", b"\n", b"\r", b"\r\n", b"\t", b"\xef\xbb\xbf", b"\xff\xfe", b"\x80", b"\xe2\x80\xae", b"\x1b[2J", b"{", b"}",
    b"[", b"]", b"(", b":", b": ", b",", b"|", b"|-", b"&a ", b"*a", b"!!int ", b"!!python/object:os.system ", b"<<: ",
    b"---\n", b"...\n", b"%", b"%TAG", b"#", b'"', b"'", b"\\", b"\\u0000", b"nan", b"NaN", b"inf", b"-inf", b"1e999",
    b"-0", b"0x1F", b"0o17", b"1_000", b"1,5", b"9" * 30, b"1e-400", b"null", b"~", b"true", b"None", b"-->", b"00:00:",
    b"step", b"epoch", b"loss", b"val", b"lr", b"learning_rate", b"=", b"==", b"it/s", b"%|", b"\xd9\xa1", b"  ", b"- ",
    b"? ", b"> ", b"| ", b"'''", b'"""', b"[[", b"]]", b"Epoch 1/2", b"2026-01-01 00:00:00", b"</script>", b"\x08",
)  # fmt: skip


def mutated(draw: random.Random, seeds: tuple[bytes, ...]) -> bytes:
    """One seed after one to eight changes, or, now and then, noise."""
    if draw.random() < 0.02:
        return draw.randbytes(draw.randrange(200))
    data = bytearray(draw.choice(seeds))
    for _ in range(draw.choice((1, 1, 2, 3, 5, 8))):
        _change(draw, data, seeds)
    return bytes(data[: 1 << 16])


def _change(draw: random.Random, data: bytearray, seeds: tuple[bytes, ...]) -> None:
    at = draw.randrange(len(data) + 1)
    length = draw.choice((1, 1, 2, 4, 8, 40))
    kind = draw.randrange(9)
    if kind == 0 and at < len(data):
        data[at] ^= 1 << draw.randrange(8)
    elif kind == 1:
        del data[at : at + length]
    elif kind == 2:
        data[at:at] = draw.choice(TOKENS)
    elif kind == 3:
        data[at : at + length] = draw.choice(TOKENS)
    elif kind == 4:
        data[at:at] = data[at : at + length] * draw.choice((1, 2, 30))
    elif kind == 5:
        del data[at:]
    elif kind == 6:
        other = draw.choice(seeds)
        start = draw.randrange(len(other) + 1)
        data[at:at] = other[start : start + 200]
    elif kind == 7:
        data[at:at] = draw.randbytes(length)
    else:
        data[at:at] = draw.choice(TOKENS) * draw.choice((2, 50, 2000))
