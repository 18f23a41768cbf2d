"""How fast text logs are read, beside the plain loop that anyone would write.

    python benchmarks/reading/text_logs.py [--megabytes 20]

Each log is read in whole (format found, all series as curves, launches split) and, in turn, searched line by line
with one regular expression for its loss alone: `for line in file: pattern.search(line)`. CPU time, median of five
interleaved rounds.
"""

from __future__ import annotations

import argparse
import io
import random
import re
import statistics
import time
from collections.abc import Callable, Iterator

from diagnose.readers._base import Source
from diagnose.readers.text import TextLog

CHANCE = random.Random(3)
ROUNDS = 5
BLOCK = 1 << 21


def epochs_and_steps() -> Iterator[str]:
    for step in range(1 << 40):
        losses = f"Loss: {CHANCE.random():.4f} | Avg: {CHANCE.random():.4f} | LR: 0.000200"
        yield f"[12:{step // 60 % 60:02d}:{step % 60:02d}] Epoch {step // 1000} | Step {step} | {losses}\n"


def unknown_format() -> Iterator[str]:
    for step in range(1 << 40):
        rest = f"loss={CHANCE.random()} grad_norm={CHANCE.random()} lr={CHANCE.random() * 1e-4:.3e}"
        clock = f"10:{step // 60 % 60:02d}:{step % 60:02d},{step % 1000:03d}"
        yield f"2025-01-01 {clock} INFO trainer: step={step} {rest}\n"


def coqui() -> Iterator[str]:
    names = [f"{kind}_{part}" for kind in ("loss", "grad_norm", "current_lr") for part in ("0", "1", "mel", "kl")]
    for step in range(1 << 40):
        if step % 40 == 0:
            yield f"\x1b[4m\x1b[1m > EPOCH: {step // 40}/1000\x1b[0m\n\x1b[1m > TRAINING (2022-10-13) \x1b[0m\n"
        yield f"\n\x1b[1m   --> STEP: {step % 40}/40 -- GLOBAL_STEP: {step * 25}\x1b[0m\n"
        yield from (f"     | > {name}: {CHANCE.random():.5f}  ({CHANCE.random():.5f})\n" for name in names)


def printed_dicts_and_bars() -> Iterator[str]:
    for step in range(1 << 40):
        rates = f"'grad_norm': {CHANCE.random()}, 'learning_rate': {CHANCE.random() * 1e-4}"
        yield f"{{'loss': {CHANCE.random():.4f}, {rates}, 'epoch': {step / 1000:.3f}}}\n"
        yield f"\r {step % 100:2d}%|{'█' * (step % 10):10}| {step}/99999 [00:01<01:00,  {CHANCE.random():.2f}it/s]"


LOGS: dict[str, tuple[Callable[[], Iterator[str]], str]] = {
    "epochs and steps": (epochs_and_steps, r"Loss: ([\d.]+)"),
    "unknown format": (unknown_format, r"loss=([\d.]+)"),
    "Coqui": (coqui, r"loss_1: ([\d.]+)"),
    "Hugging Face dicts, bars": (printed_dicts_and_bars, r"'loss': ([\d.]+)"),
}


def written(lines: Iterator[str], size: int) -> bytes:
    """The first lines, up to `size` bytes."""
    text = bytearray()
    while len(text) < size:
        text += next(lines).encode()
    return bytes(text)


def read_whole(data: bytes) -> int:
    log, stream = TextLog(), io.BytesIO(data)
    while block := stream.read(BLOCK):
        log.feed(block)
    log.finish()
    return sum(map(len, log.run(Source("benchmark")).curves.values()))


def search_lines(data: bytes, pattern: re.Pattern[str]) -> int:
    return sum(1 for line in io.TextIOWrapper(io.BytesIO(data), "utf-8") if pattern.search(line))


def seconds(work: Callable[[], int]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def compared(data: bytes, pattern: re.Pattern[str]) -> tuple[float, float]:
    """Seconds of the whole reading and of the plain loop, interleaved."""
    rounds = [(seconds(lambda: read_whole(data)), seconds(lambda: search_lines(data, pattern))) for _ in range(ROUNDS)]
    ours, loop = (statistics.median(times) for times in zip(*rounds, strict=True))
    return ours, loop


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=20)
    size = parser.parse_args().megabytes * 1_000_000
    print(f"{'log':26}{'MB':>6}{'MB/s':>8}{'loop MB/s':>11}{'ratio':>7}{'points':>10}")
    for name, (lines, loss) in LOGS.items():
        data = written(lines(), size)
        ours, loop = compared(data, re.compile(loss))
        rate, plain = len(data) / 1e6 / ours, len(data) / 1e6 / loop
        print(f"{name:26}{len(data) / 1e6:6.0f}{rate:8.1f}{plain:11.1f}{ours / loop:7.1f}{read_whole(data):10}")


if __name__ == "__main__":
    main()
