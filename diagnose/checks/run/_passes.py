"""How often the same clips came round, and how far the loss fell meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnose.checks.run._batches import whole
from diagnose.run import Axis, Curve, Role, Run
from diagnose.signals.trend import FloatArray, Trend


@dataclass(frozen=True, slots=True)
class Passes:
    """The passes over the data that a curve spans."""

    count: float
    steps: float | None
    """Optimiser steps in a pass; None where the log counts in epochs."""


@dataclass(frozen=True, slots=True)
class Fall:
    """How deep a loss came down, and how fast it went on when the run was under way."""

    left: float
    """The last level over the first."""
    rate: float
    """From a quarter of the run to its end the loss fell as one over the steps to this power."""
    late: float
    """The same from the middle of the run on."""


def epochs_of(run: Run, curve: Curve) -> FloatArray | None:
    """Shape (n,): the epoch of each point of the curve; None where the log does not tell."""
    if curve.epochs is not None:
        return curve.epochs
    logged = run.curve(Role.EPOCH)
    if logged is None or len(logged.finite) < 2:
        return None
    return np.interp(curve.steps, logged.finite.steps, logged.finite.values)


def passes(run: Run, curve: Curve) -> Passes | None:
    """From the logged epochs, from an axis in epochs, else from the steps, the batch and the clips of the config."""
    if not len(curve):
        return None
    epochs, span = epochs_of(run, curve), float(curve.steps[-1] - curve.steps[0])
    if epochs is not None:
        count = float(epochs[-1] - epochs[0])
        return Passes(count, span / count if curve.axis is Axis.STEP and count > 0 else None)
    if curve.axis is Axis.EPOCH:
        return Passes(span, None)
    batch, samples = whole(run.config, "batch_size"), run.dataset.samples
    if curve.axis is not Axis.STEP or batch is None or not samples:
        return None
    steps = samples / (batch * (whole(run.config, "grad_accumulation_steps") or 1))
    return Passes(span / steps, steps)


def fall(curve: Curve) -> Fall | None:
    """None for a loss that is negative at times, where factors mean nothing."""
    trend = curve.finite.trend
    if not trend.logarithmic or trend.start <= 0:
        return None
    end = float(np.log(max(trend.end, trend.floor)))
    rate, late = ((_level(trend, share) - end) / -float(np.log(share)) for share in (0.25, 0.5))
    return Fall(float(np.exp(end)) / trend.start, rate, late)


def _level(trend: Trend, share: float) -> float:
    """The logarithm of the loss where this share of the run is over: the median of a tenth of the points."""
    width, middle = max(1, len(trend) // 20), int(share * len(trend))
    return float(np.median(trend.scaled[max(0, middle - width) : middle + width + 1]))
