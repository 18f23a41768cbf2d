"""How fast text logs and tables are read, beside the plain loop that anyone would write.

    python benchmarks/reading/text_logs.py [--megabytes 20]

Each log is read in whole (format found, all series as curves, launches split) and, in turn, by a plain loop: a text log
searched line by line with one regular expression for its loss alone (`for line in file: pattern.search(line)`), a CSV
table by the csv module with `float` on every cell, JSON lines by `json.loads` on every line. CPU time, median of five
interleaved rounds.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import random
import re
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial

from diagnose.errors import LogError
from diagnose.readers import read_source
from diagnose.readers.sources import Source

CHANCE = random.Random(3)
ROUNDS = 5


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


def sentences() -> Iterator[str]:
    """What no trainer prints: ever new lines, every third with a number."""
    for line in range(1 << 40):
        words = [f"{CHANCE.choice(WORDS)}{CHANCE.choice(WORDS)[:3]}" for _ in range(12)]
        yield " ".join(words + ([f"and {line} more"] if line % 3 == 0 else [])) + "\n"


WORDS = [
    "that",
    "this",
    "with",
    "from",
    "they",
    "which",
    "their",
    "would",
    "there",
    "about",
    "other",
    "lossy",
    "steps",
    "training",
    "voice",
    "speech",
    "epochs",
]


def table() -> Iterator[str]:
    yield "epoch,step,train_loss,val_loss,lr\n"
    for step in range(1 << 40):
        yield f"{step // 100},{step},{CHANCE.random()},{CHANCE.random():.6f},0.0002\n"


def wide_table() -> Iterator[str]:
    yield ",".join(["step", *(f"layer{number}/loss" for number in range(200))]) + "\n"
    for step in range(1 << 40):
        yield ",".join([str(step), *(f"{CHANCE.random():.5f}" for _ in range(200))]) + "\n"


def sparse_table() -> Iterator[str]:
    """Lightning's: each row holds the metrics of one split, the other cells are empty."""
    yield ",".join(["epoch", "step", *(f"part{number}/loss" for number in range(30))]) + "\n"
    for step in range(1 << 40):
        cells = [str(CHANCE.random()) if number % 3 == step % 3 else "" for number in range(30)]
        yield ",".join([str(step // 100), str(step), *cells]) + "\n"


def quoted_table() -> Iterator[str]:
    """As wandb exports it."""
    yield '"Step","calm-lake-3 - loss","calm-lake-3 - loss__MIN","calm-lake-3 - loss__MAX"\n'
    for step in range(1 << 40):
        loss = CHANCE.random()
        yield f'"{step}","{loss}","{loss}","{loss}"\n'


def json_lines() -> Iterator[str]:
    for step in range(1 << 40):
        record = {"step": step, "loss": CHANCE.random(), "lr": 1e-4, "grad_norm": CHANCE.random(), "epoch": step / 100}
        yield json.dumps(record) + "\n"


def nested_json_lines() -> Iterator[str]:
    for step in range(1 << 40):
        parts = {"mel": CHANCE.random(), "duration": CHANCE.random()}
        times = {"data": 0.125, "forward": CHANCE.random()}
        yield json.dumps({"step": step, "train": {"loss": CHANCE.random(), "parts": parts}, "time": times}) + "\n"


Peer = Callable[[bytes], int]


def searching(loss: str) -> Peer:
    pattern = re.compile(loss)
    return lambda data: sum(1 for line in io.TextIOWrapper(io.BytesIO(data), "utf-8") if pattern.search(line))


def by_csv_module(data: bytes) -> int:
    rows = csv.reader(io.TextIOWrapper(io.BytesIO(data), "utf-8", newline=""))
    next(rows)
    return len([[float(cell) for cell in row if cell] for row in rows])


def by_json_module(data: bytes) -> int:
    return len([json.loads(line) for line in io.BytesIO(data)])


LOGS: dict[str, tuple[Callable[[], Iterator[str]], Peer]] = {
    "epochs and steps": (epochs_and_steps, searching(r"Loss: ([\d.]+)")),
    "unknown format": (unknown_format, searching(r"loss=([\d.]+)")),
    "Coqui": (coqui, searching(r"loss_1: ([\d.]+)")),
    "Hugging Face dicts, bars": (printed_dicts_and_bars, searching(r"'loss': ([\d.]+)")),
    "prose": (sentences, searching(r"loss: ([\d.]+)")),
    "CSV": (table, by_csv_module),
    "CSV, 200 columns": (wide_table, by_csv_module),
    "CSV, two of three empty": (sparse_table, by_csv_module),
    "CSV, quoted": (quoted_table, by_csv_module),
    "JSON lines": (json_lines, by_json_module),
    "JSON lines, nested": (nested_json_lines, by_json_module),
}


def written(lines: Iterator[str], size: int) -> bytes:
    """The first lines, up to `size` bytes."""
    text = bytearray()
    while len(text) < size:
        text += next(lines).encode()
    return bytes(text)


def read_whole(data: bytes) -> int:
    """The points that are found; none in prose, which is refused."""
    try:
        return sum(map(len, read_source(Source("benchmark", content=data)).curves.values()))
    except LogError:
        return 0


def seconds(work: Callable[[], int]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def compared(data: bytes, loop: Peer) -> tuple[float, float]:
    """Seconds of the whole reading and of the plain loop, interleaved."""
    rounds = [(seconds(partial(read_whole, data)), seconds(partial(loop, data))) for _ in range(ROUNDS)]
    ours, plain = (statistics.median(times) for times in zip(*rounds, strict=True))
    return ours, plain


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=20)
    size = parser.parse_args().megabytes * 1_000_000
    print(f"{'log':26}{'MB':>6}{'MB/s':>8}{'loop MB/s':>11}{'ratio':>7}{'points':>10}")
    for name, (lines, loop) in LOGS.items():
        data = written(lines(), size)
        ours, plain = compared(data, loop)
        speeds = f"{len(data) / 1e6 / ours:8.1f}{len(data) / 1e6 / plain:11.1f}{ours / plain:7.1f}"
        row = f"{len(data) / 1e6:6.0f}{speeds}"
        print(f"{name:26}{row}{read_whole(data):10}", flush=True)


if __name__ == "__main__":
    main()
