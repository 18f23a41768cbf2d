"""What is known of one training: its logs, its config, its data set, its trainer, its checkpoints. Each may be missing.

`gather.py` finds them on disk; here they are only held, so that checks stay free of files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from diagnose.finding import Confidence
from diagnose.run import Axis, Curve, Role, Run

if TYPE_CHECKING:
    from diagnose.config import Config
    from diagnose.data.inspect import Survey
    from diagnose.usage.report import KeyReport

TRAIN_SHARE = 0.85
"""Share of a data set that is trained on, where no list says it. Source: the config of the story (`train_ratio`)."""
NOTHING_LOGGED = Run("", "", "", {})
"""For where there is no log: a run without curves."""


@dataclass(frozen=True, slots=True)
class Hints:
    """What the user says of a run; None: find out."""

    config: Path | Mapping[str, Any] | None = None
    """The training config: a file, or the settings themselves."""
    samples: int | None = None
    family: str | None = None
    train_tag: str | None = None
    val_tag: str | None = None
    horizon: int | None = None
    axis: Axis | None = None
    """What to count by, where the log has more than one clock."""
    columns: tuple[str, ...] = ()
    """What the columns of a table without a header are called."""


@dataclass(frozen=True, slots=True)
class TargetBand:
    """The loss that a model family should reach with a data set of this size."""

    family: str
    low: float
    high: float
    confidence: Confidence
    """How well the band is founded."""
    source: str
    """Where the band comes from: a paper, a document, a thread, a benchmark."""
    loss: str = ""
    """Which loss the band is about, and its unit."""
    path: tuple[tuple[float, float], ...] = ()
    """(epoch, loss) of a healthy run on the way to the band, where one is known."""
    sized: bool = True
    """Whether it is that of this data set; else its size is not known, and the band spans those of all sizes."""

    def expected(self, epoch: float) -> float | None:
        """The loss of a healthy run at `epoch`, interpolated; None outside the known path."""
        if not self.path or not self.path[0][0] <= epoch <= self.path[-1][0]:
            return None
        epochs, losses = zip(*self.path, strict=True)
        return float(np.interp(epoch, epochs, losses))


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A saved state of the model, as it is on disk."""

    step: int
    """The step in its name."""
    file: str


@dataclass(frozen=True, eq=False)
class Facts:
    """Everything that is known of one training."""

    run: Run = NOTHING_LOGGED
    """What was logged; without curves where there is no log."""
    config: Config | None = None
    survey: Survey | None = None
    """The clips of the data set, each of them opened."""
    keys: KeyReport | None = None
    """What the trainer does with each key of the config; None where no trainer is known."""
    checkpoints: tuple[Checkpoint, ...] = ()
    """Of this run, by step."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Canonical hyperparameter -> value, from the config, else from what the log holds."""
    samples: int | None = None
    """Clips in the data set, all splits together."""
    listed_for_training: int | None = None
    """Clips in the list of the training split, where there is one."""
    family: str | None = None
    """The model family (`t3`, `vits`, ...)."""
    tokens: int | None = None
    """Entries of the tokenizer."""
    embedding_rows: int | None = None
    """Rows of the text embedding in the checkpoint that training starts from."""
    target: TargetBand | None = None
    """The loss that this family should reach with this data set."""
    horizon: int | None = None
    """The step for which to forecast the training loss; None: the end that the config asks for."""
    hints: Hints = Hints()
    """What the user said."""
    leads_here: bool = False
    """Whether the config alone leads `ttsdoc fix` to this log."""
    notes: tuple[str, ...] = ()
    """What was looked at, and what could not be."""

    @property
    def no_validation(self) -> str:
        """What is missing where no curve plays the part of the validation loss."""
        if self.curve(Role.TRAIN_LOSS) is None:
            return "nothing of held-out data is logged"
        other = any(len(curve) for curve in self.run.played_by(Role.VAL_COMPONENT))
        return f"no validation loss{' in the unit of the training loss' if other else ''} is logged"

    def curve(self, role: Role) -> Curve | None:
        """The curve that plays `role`, if one was logged."""
        return self.run.curve(role)

    @property
    def train_samples(self) -> int | None:
        """Clips that are trained on: those listed for it, else `TRAIN_SHARE` of the data set."""
        if self.listed_for_training is not None or self.samples is None:
            return self.listed_for_training
        return max(1, round(TRAIN_SHARE * self.samples))

    def until(self, step: int) -> Facts:
        """What was known after `step` of the training loss. Checkpoints of later steps did not exist yet."""
        known = tuple(checkpoint for checkpoint in self.checkpoints if checkpoint.step <= step)
        return replace(self, run=self.run.until(step), checkpoints=known)
