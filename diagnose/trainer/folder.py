"""The run folder: all that a run leaves behind, and the only thing that others need to know of it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from diagnose.errors import TrainerError
from diagnose.files import write_whole
from diagnose.trainer.options import Options, dump


@dataclass(frozen=True)
class RunFolder:
    """config.yaml, metrics.jsonl, train.log, TensorBoard events, data.safetensors, checkpoints/."""

    path: Path

    @property
    def config(self) -> Path:
        """The effective config, written before the first update."""
        return self.path / "config.yaml"

    @property
    def metrics(self) -> Path:
        """One JSON object a line, with `step` and what was measured at it."""
        return self.path / "metrics.jsonl"

    @property
    def text_log(self) -> Path:
        """The same for people."""
        return self.path / "train.log"

    @property
    def data(self) -> Path:
        """The data set as tokens."""
        return self.path / "data.safetensors"

    @property
    def checkpoints(self) -> Path:
        """`best`, `last` and `step-N`, each one file."""
        return self.path / "checkpoints"

    @property
    def summary(self) -> Path:
        """How training ended, as JSON."""
        return self.path / "summary.json"

    @property
    def samples(self) -> Path:
        """The newest spoken samples, as wav files."""
        return self.path / "samples"

    @property
    def holds_a_run(self) -> bool:
        """Whether a trainer has been here."""
        return self.config.exists()

    def checkpoint(self, name: str) -> Path:
        """The file of the checkpoint `best`, `last` or `step-N`."""
        return self.checkpoints / f"{name}.safetensors"

    def refuse_a_second_run(self, *, resume: bool) -> None:
        """Raise TrainerError where a run is here and is not to be gone on with."""
        if self.holds_a_run and not resume:
            raise TrainerError(f"{self.path}: holds a run already; go on with --resume, or choose another --out")

    def write_config(self, options: Options) -> None:
        """Put the effective config down; one with other values is kept in `attempts/`. Raises OSError."""
        for part in (self.checkpoints, self.samples):
            part.mkdir(parents=True, exist_ok=True)
        text = dump(options)
        if self.config.exists() and not self.config.read_text(encoding="utf-8").endswith(text):
            self._keep_config()
        header = f"# The effective config of this run, from {' '.join(options.source.split())}.\n"
        write_whole(self.config, (header + text).encode())

    def _keep_config(self) -> None:
        kept = self.path / "attempts"
        kept.mkdir(exist_ok=True)
        number = 1 + sum(1 for _ in kept.glob("config-*.yaml"))
        write_whole(kept / f"config-{number}.yaml", self.config.read_bytes())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Within the block, no other trainer works in this folder. Raises TrainerError where one does.

        The system itself lets go of the lock when the process ends, however it ends.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                file.seek(0)
                holder = file.read().strip() or "unknown"
                message = f"{self.path}: another trainer (process {holder}) works here; stop it, or choose --out"
                raise TrainerError(message) from error
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield


def run_folder(options: Options, config_name: str, *, resume: bool) -> RunFolder:
    """The folder for a run of this config below logging.log_dir: the last one to resume, else the next free."""
    number, chosen = 1, RunFolder(Path(options.logging.log_dir) / config_name)
    following = chosen
    while following.holds_a_run:
        chosen, number = following, number + 1
        following = RunFolder(Path(options.logging.log_dir) / f"{config_name}-{number}")
    return chosen if resume else following
