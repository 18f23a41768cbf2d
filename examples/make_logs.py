"""Writes the logs of the examples with real writers, the same bytes on every machine.

python -m examples.make_logs
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from diagnose.data.grammar import AMHARIC

HERE = Path(__file__).parent
BEGAN = 1_700_000_000.0  # seconds since 1970; fixed, so that the files never change
SECONDS_PER_EPOCH = 95.0


def amharic() -> None:
    """The story: four epoch losses at learning rate 2e-4, and the texts of 525 clips."""
    losses = (13.18, 7.71, 6.93, 9.11)
    rate = 2.0e-4
    logged = list(zip(range(1, len(losses) + 1), losses, strict=True))
    scalars = [(epoch, {"Loss/train_epoch_avg": loss, "learning_rate": rate}) for epoch, loss in logged]
    folder = HERE / "amharic"
    _write_events(folder / "logs" / "events.out.tfevents.1700000000.example", scalars)
    lines = [f"Epoch {epoch} | Loss: {loss:.2f} | LR: {rate:.6f}" for epoch, loss in logged]
    (folder / "logs" / "train.log").write_text("\n".join(lines) + "\n", "utf-8")
    texts = AMHARIC.sentences(525, seed=1)
    rows = [f"clip_{number:04d}|{text}|{text}" for number, text in enumerate(texts, start=1)]
    (folder / "data" / "metadata.csv").write_text("\n".join(rows) + "\n", "utf-8")


def healthy() -> None:
    """A loss that falls smoothly to its floor while a cosine schedule runs out; validation follows."""
    rng = np.random.default_rng(7)
    with (HERE / "healthy" / "metrics.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["step", "train_loss", "val_loss", "learning_rate", "grad_norm"])
        for step in range(50, 6001, 50):
            done = step / 6000
            rate = 3e-4 * min(step / 300, 0.5 * (1 + np.cos(np.pi * done)) + 0.01)
            course = 1.9 + 8.0 * (1 + step / 120) ** -0.9
            train = course * (1 + 0.012 * rng.standard_normal())
            val = f"{course * 1.03 * (1 + 0.006 * rng.standard_normal()):.5f}" if step % 200 == 0 else ""
            norm = 0.8 * (1 + 0.15 * rng.standard_normal())
            writer.writerow([step, f"{train:.5f}", val, f"{rate:.4e}", f"{norm:.4f}"])


def overfitting() -> None:
    """Ninety-six clips: the training loss goes to the floor, validation turns at epoch 9 and climbs."""
    rng = np.random.default_rng(11)
    with (HERE / "overfitting" / "metrics.jsonl").open("w", encoding="utf-8") as file:
        for epoch in range(1, 41):
            train = 0.5 + 8.5 * np.exp(-epoch / 6.0) * (1 + 0.02 * rng.standard_normal())
            val = (3.2 + 6.0 * np.exp(-epoch / 3.0) + 0.05 * max(0, epoch - 9)) * (1 + 0.008 * rng.standard_normal())
            row = {"epoch": epoch, "train_loss": round(train, 4), "val_loss": round(val, 4), "lr": 0.0002}
            file.write(json.dumps(row) + "\n")


def _write_events(path: Path, scalars: Iterable[tuple[int, dict[str, float]]]) -> None:
    with path.open("wb") as file:
        writer = RecordWriter(file)
        writer.write(Event(wall_time=BEGAN, file_version="brain.Event:2").SerializeToString())
        for step, values in scalars:
            summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])
            event = Event(wall_time=BEGAN + step * SECONDS_PER_EPOCH, step=step, summary=summary)
            writer.write(event.SerializeToString())


if __name__ == "__main__":
    amharic()
    healthy()
    overfitting()
