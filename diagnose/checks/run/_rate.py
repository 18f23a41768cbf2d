"""What a log says of the learning rate. Shared by the checks that judge by it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from diagnose.run import Curve, Role, Run
from diagnose.signals.trend import FloatArray

HIGH_RATE = 0.5
"""Share of the peak learning rate above which a run is judged; below it the schedule calms it."""

GENTLE = 2e-5
"""Learning rate of a fine-tuning. Source: presets/dialects, whose configs for training from scratch begin at 5e-5, and
for fine-tuning at 1e-6 to 2e-5."""

RECKLESS = 0.2
"""A logged rate that few optimisers bear. Source: SGD on images uses 0.1; measured on real trainings at constant
rates."""
TINY = 4e-7
"""Rate below which nothing is trained, not even fine-tuned. Source: below the lowest published rates, 5e-7 for
preference tuning, which a log may round down."""


def trained_before(run: Run, most: float = GENTLE) -> bool:
    """Whether the config names the weights that it began from, or the logged rate, up to `most`, is of fine-tuning."""
    peak = highest_rate(run)
    return (peak is not None and TINY <= peak <= most) or bool(run.config.get("init_checkpoint"))


def logged_rate(run: Run) -> Curve | None:
    """The finite points of the learning rate, if at least one is above zero."""
    curve = run.curve(Role.LEARNING_RATE)
    return None if curve is None or not (curve.finite.values > 0).any() else curve.finite


def highest_rate(run: Run) -> float | None:
    """The highest logged learning rate; None where none above zero is logged."""
    rates = logged_rate(run)
    return None if rates is None else float(rates.values.max())


def reckless(run: Run) -> bool:
    """Whether a rate was logged that few optimisers bear."""
    return (highest_rate(run) or 0.0) >= RECKLESS


def share_of_peak(rates: Curve, steps: npt.ArrayLike) -> FloatArray:
    """The logged rate at `steps`, shape (n,), over the highest."""
    return np.asarray(np.interp(np.asarray(steps), rates.steps, rates.values) / rates.values.max(), dtype=np.float64)


def spent(run: Run, steps: FloatArray) -> FloatArray:
    """Share of the summed learning rate that was spent at `steps`, shape (m,); of the steps where none is logged."""
    span = np.array([steps[0], steps[-1]])
    grid = np.linspace(span[0], span[1], 257)
    rates = logged_rate(run)
    rate = np.ones(len(grid)) if rates is None else np.interp(grid, rates.steps, rates.values)
    total = np.concatenate([[0.0], np.cumsum((rate[1:] + rate[:-1]) / 2)])
    return np.interp(steps, grid, total / total[-1]) if total[-1] > 0 else np.linspace(0.0, 1.0, len(steps))


def at_high_rate(run: Run, curve: Curve) -> Curve:
    """The points up to the last at which the logged rate is above half of its peak; all where none is logged."""
    rates = logged_rate(run)
    if rates is None:
        return curve
    high = rates.steps[rates.values >= HIGH_RATE * rates.values.max()]
    return curve.where(curve.steps <= high[-1])
