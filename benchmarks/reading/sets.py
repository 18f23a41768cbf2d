"""The event files that are read: made from a seed, in the bytes that torch's SummaryWriter writes."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import google_crc32c
import numpy as np

Random = np.random.Generator
Rounds = Callable[[Random, list[str]], list[str]]
Encoding = Callable[[str, float], bytes]
NAME = "events.out.tfevents.1700000000.host.1.0"
_SCALARS = b"\x0a\x09\x0a\x07scalars"  # SummaryMetadata: the plugin that a tensor is for
VERSION = b"\x09" + struct.pack("<d", 1.7e9) + b"\x1a\x0dbrain.Event:2"


@dataclass(frozen=True)
class Set:
    """One set: what it is, and how many steps a run has at full size."""

    name: str
    about: str
    make: Callable[[Path, int], None]
    steps: int
    runs: int = 1


def record(payload: bytes) -> bytes:
    """A payload as it is in an event file."""
    length = struct.pack("<Q", len(payload))
    return length + _masked(length) + payload + _masked(payload)


def _masked(data: bytes) -> bytes:
    crc = int(google_crc32c.value(data))
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _field(key: int, content: bytes) -> bytes:
    return bytes([key]) + _varint(len(content)) + content


def event(wall: float, step: int, value: bytes) -> bytes:
    """One Summary.Value as a record."""
    head = b"\x09" + struct.pack("<d", wall) + (b"\x10" + _varint(step) if step else b"")
    return record(head + _field(0x2A, _field(0x0A, value)))


def scalar(tag: str, number: float) -> bytes:
    """A simple_value."""
    return _field(0x0A, tag.encode()) + b"\x15" + struct.pack("<f", number)


def torch_tensor(tag: str, number: float) -> bytes:
    """A scalar tensor as torch's add_scalar(new_style=True) writes it: dtype and one float_val."""
    tensor = b"\x08\x01\x2a\x04" + struct.pack("<f", number)
    return _field(0x0A, tag.encode()) + _field(0x42, tensor) + _field(0x4A, _SCALARS)


def tf2_tensor(tag: str, number: float) -> bytes:
    """A scalar tensor as tf.summary.scalar writes it: dtype, an empty shape, the content as bytes."""
    tensor = b"\x08\x01\x12\x00\x22\x04" + struct.pack("<f", number)
    return _field(0x0A, tag.encode()) + _field(0x42, tensor) + _field(0x4A, _SCALARS)


def _write(path: Path, rounds: Iterable[list[bytes]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(record(VERSION))
        for records in rounds:
            file.write(b"".join(records))


def _scalars(path: Path, tags: list[str], steps: int, choose: Rounds, encode: Encoding = scalar) -> None:
    random = np.random.default_rng(0)

    def rounds() -> Iterable[list[bytes]]:
        wall = 1.7e9
        for step in range(steps):
            chosen = choose(random, tags)
            walls = wall + np.cumsum(random.exponential(0.01, len(chosen)))
            numbers = random.normal(3.0, 0.1, len(chosen))
            yield [
                event(at, step, encode(tag, number))
                for tag, at, number in zip(chosen, walls.tolist(), numbers.tolist(), strict=True)
            ]
            wall = float(walls[-1])

    _write(path, rounds())


def _tags(count: int) -> list[str]:
    return [f"train/metric_{number:02d}" for number in range(count)]


def _one_run(folder: Path, steps: int) -> None:
    _scalars(folder / NAME, _tags(20), steps, lambda _, tags: tags)


def _as_tensors(folder: Path, steps: int) -> None:
    tags = _tags(20)
    encodings = {tag: (torch_tensor, tf2_tensor)[number % 2] for number, tag in enumerate(tags)}
    _scalars(folder / NAME, tags, steps, lambda _, tags: tags, lambda tag, number: encodings[tag](tag, number))


def _many_runs(folder: Path, runs: int) -> None:
    """The same bytes in each folder: what is timed does not depend on them."""
    first = folder / "run000" / NAME
    _scalars(first, _tags(10), 2000, lambda _, tags: tags)
    for number in range(1, runs):
        path = folder / f"run{number:03d}" / NAME
        path.parent.mkdir()
        shutil.copyfile(first, path)


def _shuffled(folder: Path, steps: int) -> None:
    _scalars(folder / NAME, _tags(20), steps, lambda random, tags: [tags[i] for i in random.integers(0, 20, 20)])


def _mixed(folder: Path, steps: int) -> None:
    names = ["loss", "lr", "train/grad_norm", "train/mel_loss", "train/kl", "epoch", "time/step", "eval/loss/total"]

    def choose(random: Random, tags: list[str]) -> list[str]:
        often = tags[:5] + (tags[5:7] if random.random() < 0.1 else [])
        return often + (tags[7:] * 3 if random.random() < 0.01 else [])

    _scalars(folder / NAME, names, steps, choose)


def _speech(folder: Path, steps: int) -> None:
    """Ten scalars a step; a histogram of 3 KB every 5 steps; a sound of 320 KB and a picture of 130 KB every 5."""
    random = np.random.default_rng(0)
    tags = _tags(10)
    sounds = [random.bytes(320_000) for _ in range(4)]

    def values(step: int) -> list[bytes]:
        found = [scalar(tag, step + 0.5) for tag in tags]
        if step % 5 == 0:
            buckets = _field(0x32, random.bytes(1504)) + _field(0x3A, random.bytes(1504))
            found.append(_field(0x0A, b"weights") + _field(0x2A, buckets))
            found.append(_field(0x0A, b"picture") + _field(0x22, _field(0x22, sounds[step % 4][:130_000])))
            found.append(_field(0x0A, b"speech") + _field(0x32, _field(0x22, sounds[step % 3])))
        return found

    _write(folder / NAME, ([event(1.7e9 + step, step, value) for value in values(step)] for step in range(steps)))


def _healthy(folder: Path, steps: int) -> None:
    """A training that goes well: two losses, the rate, the gradient norm and the time of a step."""
    random = np.random.default_rng(0)

    def rounds() -> Iterable[list[bytes]]:
        for step in range(steps):
            done = step / steps
            course = 2.0 + 8.0 * np.exp(-6 * done)
            losses = course * random.lognormal(0.0, (0.05, 0.02))
            numbers = (
                *losses,
                1e-4 * (1 + np.cos(np.pi * done)),
                random.lognormal(0.0, 0.1),
                random.lognormal(-1, 0.1),
            )
            yield [
                event(1.7e9 + 0.4 * step, step, scalar(tag, number))
                for tag, number in zip(
                    ("loss", "val_loss", "learning_rate", "grad_norm", "step_time"), numbers, strict=True
                )
            ]

    _write(folder / NAME, rounds())


SETS = (
    Set("a", "one run, 20 tags, the same records every step", _one_run, 50_000),
    Set("at", "the same as scalar tensors, as torch and TF2 write them", _as_tensors, 50_000),
    Set("b", "many runs, 10 tags x 2,000 steps each", _many_runs, 200, runs=200),
    Set("c", "a speech run: scalars, sounds, pictures, histograms", _speech, 10_000),
    Set("e", "one run, 20 tags in random order", _shuffled, 50_000),
    Set("f", "one run, 8 tags, some of them now and then", _mixed, 190_000),
)
WHOLE = Set("s", "one run, 5 tags that ttsdoc judges", _healthy, 20_000)
"""What whole commands are given."""
