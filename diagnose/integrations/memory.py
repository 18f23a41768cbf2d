"""The log of a training that is still in memory: scalars in, a `Run` out."""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
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
        while self.steps and self.steps[-1] >= step:
            for column in (self.steps, self.values, self.times, self.epochs):
                column.pop()
        self.steps.append(step)
        self.values.append(value)
        self.times.append(time)
        self.epochs.append(epoch)

    def curve(self, tag: str, axis: Axis) -> Curve:
        """The points so far, copied: the column goes on growing."""
        import numpy as np

        steps, values, times, epochs = map(np.array, (self.steps, self.values, self.times, self.epochs))
        return Curve(tag, steps, values, times, epochs if np.isfinite(epochs).all() else None, axis=axis)


class MemoryLog:
    """Scalars by tag, appended at about a microsecond each."""

    def __init__(self, name: str, axis: Axis) -> None:
        self.name = name
        self.axis = axis
        self.points = 0
        """Logged so far, all tags together."""
        self._columns: dict[str, _Column] = defaultdict(_Column)

    def add(self, step: int, scalars: Mapping[str, float], time: float, epoch: float | None) -> bool:
        """Log `scalars` at `step`. Returns whether one of them is NaN or infinite."""
        broken = False
        for tag, value in scalars.items():
            broken = broken or not math.isfinite(value)
            self._columns[tag].add(step, value, time, math.nan if epoch is None else epoch)
        self.points += len(scalars)
        return broken

    def run(self) -> Run:
        """The run so far, each curve with its role."""
        from diagnose.readers.roles import assign_roles

        curves = {tag: column.curve(tag, self.axis) for tag, column in self._columns.items()}
        return assign_roles(Run(self.name, "", "memory", curves))
