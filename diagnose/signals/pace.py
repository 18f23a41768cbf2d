"""How fast a run goes, and what it uses of its machine."""

from __future__ import annotations

import numpy as np

from diagnose.run import Curve, FloatArray, IntArray, Role, Run

SETTLED = 10
"""A tenth of the run is its start, which is no measure of it; fewer points have none to leave out."""

FASTEST = 1e-3
"""Seconds for a step of any training."""


def paces(run: Run) -> tuple[IntArray, FloatArray] | None:
    """Steps and seconds per step, each of shape (n,), by the logged step times, else by the wall times of the loss."""
    logged, train = run.curve(Role.STEP_TIME), run.curve(Role.TRAIN_LOSS)
    if logged is not None and len(logged.finite) > 2:
        return logged.finite.steps, logged.finite.values
    return None if train is None or train.wall_times is None else _by_wall_times(train, train.wall_times)


def _by_wall_times(curve: Curve, times: FloatArray) -> tuple[IntArray, FloatArray] | None:
    """From one change of the wall time to the next: stamps in whole seconds do not change for several fast steps."""
    ticks = np.flatnonzero(np.diff(times, prepend=np.nan) != 0)
    seconds, steps = np.diff(times[ticks]), np.diff(curve.steps[ticks])
    known = (steps > 0) & np.isfinite(seconds) & (seconds > 0)
    if np.count_nonzero(known) < max(2, len(ticks) // 2):
        return None
    paces = seconds[known] / steps[known]
    # A file that a converter wrote has the times of the writing.
    return None if np.median(paces) < FASTEST else (curve.steps[ticks][1:][known], paces)


def settled(curve: Curve) -> FloatArray:
    """The finite values after the first tenth of the points."""
    values = curve.finite.values
    return values[len(values) // SETTLED :]
