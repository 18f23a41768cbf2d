"""The epoch table: how the loss moved, row by row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnose.run import Axis, Curve, Role, Run

# Rows that fit on a screen beside the findings.
MOST_ROWS = 12
# A rise beyond this factor is told by its two losses; as a share it is only a long number.
MOST = 1e4


@dataclass(frozen=True, slots=True)
class Row:
    """The loss at one epoch, or over one stretch of steps."""

    label: str
    loss: float
    change: float | None
    """Relative to the row before; None in the first row and where the loss crosses zero."""

    @property
    def word(self) -> str:
        """`start`, `better`, `flat` or `worse`; changes within 1 % are flat."""
        if self.change is None:
            return "start" if np.isfinite(self.loss) else "not finite"
        if abs(self.change) < 0.01:
            return "flat"
        return "better" if self.change < 0 else "worse"


def loss_table(run: Run) -> list[Row]:
    """Rows of the training loss (else the validation loss): its epochs, or equal stretches when there are many.

    A stretch is told by its last step and its mean loss.
    """
    curve = run.curve(Role.TRAIN_LOSS) or run.curve(Role.VAL_LOSS)
    if curve is None or not len(curve):
        return []
    labels, losses = _stretches(curve)
    rows = []
    for index, (label, loss) in enumerate(zip(labels, losses, strict=True)):
        before = losses[index - 1] if index else np.nan
        change = (loss - before) / before if 0 < before < np.inf and 0 < loss < MOST * before else None
        rows.append(Row(label, float(loss), None if change is None else float(change)))
    return rows


def _stretches(curve: Curve) -> tuple[list[str], list[float]]:
    groups = [group for group in np.array_split(np.arange(len(curve)), min(len(curve), MOST_ROWS)) if len(group)]
    per_epoch = curve.axis is Axis.EPOCH and len(curve) <= MOST_ROWS
    word = curve.axis.value
    prefix = word if per_epoch or len(groups) == len(curve) else f"to {word}"
    labels = [f"{prefix} {curve.steps[group[-1]]:,}" for group in groups]
    return labels, [float(np.mean(curve.values[group])) for group in groups]
