"""The log of a training that is still in memory: scalars in, a `Run` out."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field

from diagnose.run import Axis, Curve, Run


@dataclass(slots=True)
class _Column:
    """The points of one tag."""

    steps: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))
    times: array[float] = field(default_factory=lambda: array("d"))
    epochs: array[float] = field(default_factory=lambda: array("d"))

    def add(self, step: int, value: float, time: float, epoch: float) -> None:
        """Append a point. Points from `step` on are replaced: a resumed training logs them again."""
        if self.steps and self.steps[-1] >= step:
            self._rewind(step)
        self.steps.append(step)
        self.values.append(value)
        self.times.append(time)
        self.epochs.append(epoch)

    def _rewind(self, step: int) -> None:
        keep = len(self.steps)
        while keep and self.steps[keep - 1] >= step:
            keep -= 1
        for column in (self.steps, self.values, self.times, self.epochs):
            del column[keep:]

    def curve(self, tag: str, axis: Axis) -> Curve:
        """The points so far, copied: the column goes on growing."""
        import numpy as np

        epochs = np.array(self.epochs)
        known = bool(np.isfinite(epochs).all())
        return Curve(
            tag,
            np.array(self.steps, dtype=np.int64),
            np.array(self.values),
            np.array(self.times),
            epochs if known else None,
            axis=axis,
        )


class MemoryLog:
    """Scalars by tag, appended at about a microsecond each."""

    def __init__(self, name: str, axis: Axis) -> None:
        self.name = name
        self.axis = axis
        self.points = 0
        """Logged so far, all tags together."""
        self._columns: dict[str, _Column] = {}

    def add(self, step: int, scalars: Mapping[str, float], time: float, epoch: float | None) -> bool:
        """Log `scalars` at `step`. Returns whether one of them is NaN or infinite."""
        broken = False
        for tag, value in scalars.items():
            column = self._columns.get(tag)
            if column is None:
                column = self._columns[tag] = _Column()
            broken = broken or not math.isfinite(value)
            column.add(step, value, time, math.nan if epoch is None else epoch)
        self.points += len(scalars)
        return broken

    def run(self) -> Run:
        """The run so far, each curve with its role."""
        from diagnose.readers.roles import assign_roles

        curves = {tag: column.curve(tag, self.axis) for tag, column in self._columns.items()}
        return assign_roles(Run(self.name, "", "memory", curves))
