"""What a run writes while it lasts: metrics.jsonl, train.log, TensorBoard events, and a line for the console."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from diagnose.data.audio import Sound
from diagnose.files import write_whole
from diagnose.trainer.folder import RunFolder
from diagnose.trainer.options import Options

if TYPE_CHECKING:
    from typing_extensions import Self

SHOWN = {"train/loss": "loss", "val/loss": "val", "learning_rate": "lr"}
"""What fits beside the progress bar."""


FLUSH_SECONDS = 10
"""How far TensorBoard may lag behind; metrics.jsonl never does."""


class Log:
    """The log of a process that does not lead: it writes nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def scalars(self, step: int, epoch: float, values: Mapping[str, float]) -> None:
        """Write what was measured after `step` updates."""

    def say(self, message: str) -> None:
        """A sentence for train.log and the console."""

    def advance(self, step: int) -> None:
        """Move the progress bar."""

    def sample(self, step: int, name: str, text: str, sound: Sound, mel: Any) -> None:
        """A spoken sample and its log-mel frames, shape (frames, channels)."""


class RunLog(Log):
    """The logs of one run, opened at the update from which it goes on. Every line is on disk at once."""

    def __init__(self, folder: RunFolder, options: Options, *, step: int, total_steps: int) -> None:
        self._options = options
        self._stack = ExitStack()
        _forget_after(folder, step)
        self._metrics = self._stack.enter_context(folder.metrics.open("a", encoding="utf-8"))
        self._text = self._stack.enter_context(folder.text_log.open("a", encoding="utf-8"))
        self._events = self._writer(folder, step) if options.logging.use_tensorboard else None
        self._console = Console(self._stack, step, total_steps)

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def scalars(self, step: int, epoch: float, values: Mapping[str, float]) -> None:
        """Write what was measured after `step` updates. NaN and inf are written too: they are evidence."""
        record = {"step": step, "epoch": round(epoch, 4), **values, "wall_time": round(time.time(), 3)}
        _line(self._metrics, json.dumps(record))
        _line(self._text, f"step={step} epoch={epoch:.3f} " + " ".join(f"{k}={v:.6g}" for k, v in values.items()))
        if self._events:
            for tag, value in {**values, "epoch": epoch}.items():
                self._events.add_scalar(tag, value, step)
        self._console.show(step, values)

    def say(self, message: str) -> None:
        """A sentence for train.log and the console."""
        _line(self._text, message)
        self._console.say(message)

    def advance(self, step: int) -> None:
        """Move the progress bar."""
        self._console.advance(step)

    def sample(self, step: int, name: str, text: str, sound: Sound, mel: Any) -> None:
        """A spoken sample and its log-mel frames, shape (frames, channels)."""
        if not self._events:
            return
        if self._options.logging.log_audio:
            self._events.add_audio(f"sample/{name}", sound.samples, step, sound.rate)
            self._events.add_text(f"sample/{name}/text", text, step)
        if self._options.logging.log_spectrograms:
            self._events.add_image(f"sample/{name}/mel", _picture(mel), step, dataformats="HW")

    def _writer(self, folder: RunFolder, step: int) -> Any:
        from torch.utils.tensorboard import SummaryWriter

        # purge_step: what an interrupted run logged beyond its last checkpoint is logged again.
        first = not any(folder.path.glob("events.out.tfevents.*"))
        purge = step + 1 if step and not first else None
        writer = SummaryWriter(str(folder.path), purge_step=purge, flush_secs=FLUSH_SECONDS)
        self._stack.callback(writer.close)
        if step and first:
            _repeat(folder, writer)
        return writer


class Console:
    """A progress bar on standard error where it is a terminal, else a line at each evaluation."""

    def __init__(self, stack: ExitStack, step: int, total_steps: int) -> None:
        from rich.console import Console as RichConsole
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._total = total_steps
        self._values: dict[str, float] = {}
        console = RichConsole(stderr=True)
        self._bar: Progress | None = None
        if console.is_terminal:
            columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
            self._bar = stack.enter_context(Progress(*columns, console=console))
            self._task = self._bar.add_task("", total=total_steps, completed=step)

    def show(self, step: int, values: Mapping[str, float]) -> None:
        """Put the newest values beside the bar; without a bar, a line where there is a validation loss."""
        self._values |= {SHOWN[tag]: value for tag, value in values.items() if tag in SHOWN}
        text = "  ".join(f"{name} {value:.3g}" for name, value in self._values.items())
        if self._bar:
            self._bar.update(self._task, description=text)
        elif "val/loss" in values:
            self.say(f"step {step} of {self._total}  {text}")

    def advance(self, step: int) -> None:
        """Move the bar."""
        if self._bar:
            self._bar.update(self._task, completed=step)

    def say(self, message: str) -> None:
        """A line on standard error."""
        if self._bar:
            self._bar.console.print(message, markup=False, highlight=False, soft_wrap=True)
        else:
            say(message)


def say(message: str) -> None:
    """A line on standard error."""
    print(message, file=sys.stderr, flush=True)  # noqa: T201 - the trainer's own console


def _line(file: IO[str], text: str) -> None:
    file.write(text + "\n")
    file.flush()


def _forget_after(folder: RunFolder, step: int) -> None:
    """Drop the metrics beyond the checkpoint that training goes on from: they come again."""
    if not folder.metrics.exists():
        return
    write_whole(folder.metrics, metrics_until(folder.metrics, step))


def metrics_until(file: Path, step: int) -> bytes:
    """The lines of a metrics file up to a step."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return "".join(f"{line}\n" for line in lines if _step_of(line) <= step).encode()


def _repeat(folder: RunFolder, writer: Any) -> None:
    """Write the metrics that came along from another run into the events, so that both show the same course."""
    for line in folder.metrics.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        step, moment = record.pop("step"), record.pop("wall_time", None)
        for tag, value in record.items():
            writer.add_scalar(tag, value, step, walltime=moment)


def _step_of(line: str) -> float:
    """The step of a metrics line; infinite for one that a crash has cut off."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf


def _picture(mel: Any) -> Any:
    """Log-mel frames as grey values from 0 to 1, low tones below, shape (channels, frames)."""
    low, high = mel.min(), mel.max()
    return ((mel - low) / (high - low + 1e-9)).T.flip(0)
