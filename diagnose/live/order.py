"""What is to be healed, and within which limits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from diagnose.facts import Hints
from diagnose.live.verdict import Noise


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be healed, and how far one may go."""

    config: Path
    command: tuple[str, ...]
    """With `{config}`, `{log_dir}` and `{resume}` where they belong."""
    out: Path
    """The folder of heal.json and of the attempts."""
    logs: Path | None = None
    """Where the trainer logs, if not into `{log_dir}`."""
    attempts: int = 3
    budget: float | None = None
    """Seconds for all attempts together."""
    try_rates: bool = False
    """Whether other rates are tried after a run in whose log nothing is wrong."""
    interval: float = 1.0
    one_at_a_time: bool = False
    noise: Noise | None = None
    hints: Hints = Hints()
    written_config: str | None = None
    """Name, below `{log_dir}`, of the effective config that the trainer writes; None: it writes none."""
    echo: bool = True
    """Whether the trainer's own output is shown."""
