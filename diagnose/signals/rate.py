"""The learning rate that was logged, as a share of its peak along the run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from diagnose.run import Curve, FloatArray, Role, Run


@dataclass(frozen=True, eq=False)
class Rate:
    """The finite points of a logged learning rate, of which at least one is above zero."""

    curve: Curve

    @classmethod
    def of(cls, run: Run) -> Rate | None:
        """None where no rate above zero is logged."""
        curve = run.curve(Role.LEARNING_RATE)
        return None if curve is None or not (curve.finite.values > 0).any() else cls(curve.finite)

    @property
    def peak(self) -> float:
        """The highest."""
        return float(self.curve.values.max())

    def at(self, steps: npt.ArrayLike) -> FloatArray:
        """The rate at `steps`."""
        return np.asarray(np.interp(np.asarray(steps), self.curve.steps, self.curve.values), dtype=np.float64)

    def share(self, step: float) -> float:
        """The rate at `step` over the peak."""
        return float(self.at(step)) / self.peak

    def past_peak(self, step: float) -> bool:
        """Whether the highest rate is before `step`."""
        return bool(self.curve.steps[int(np.argmax(self.curve.values))] < step)
