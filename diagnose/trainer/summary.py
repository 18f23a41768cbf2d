"""How a training ended, for scripts: summary.json in the run folder."""

from __future__ import annotations

import json
import math
from typing import Any

from diagnose.files import write_whole
from diagnose.trainer.folder import RunFolder
from diagnose.trainer.loop import Outcome

SCHEMA = 1


def summary(outcome: Outcome, folder: RunFolder) -> dict[str, Any]:
    """The end of a run in plain values; a loss that is no number is None."""
    progress = outcome.progress
    kept = {name: folder.checkpoint(name) for name in ("best", "last")}
    return {
        "schema_version": SCHEMA,
        "run": str(folder.path),
        "steps": progress.step,
        "samples": outcome.samples,
        "reason": outcome.reason,
        "signal": outcome.signal,
        "broken": outcome.broken,
        "best_step": progress.best_step if progress.best_loss is not None else None,
        "best_val_loss": _number(progress.best_loss),
        "held_out_loss": _number(outcome.held_out_loss),
        "checkpoints": {name: str(path) for name, path in kept.items() if path.exists()},
    }


def write_summary(outcome: Outcome, folder: RunFolder) -> None:
    """Put it down, whole or not at all. Raises OSError."""
    write_whole(folder.summary, (json.dumps(summary(outcome, folder), indent=1) + "\n").encode())


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value
