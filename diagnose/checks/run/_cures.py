"""Cures that several checks prescribe, and what the run says of its learning rate and clipping."""

from __future__ import annotations

import numpy as np

from diagnose.finding import Edit, Operation, Prescription, Safety
from diagnose.run import Role, Run

LOWEST_RATE = 1e-6
"""A rate at or below this is not lowered. Source: NVIDIA/tacotron2#344, numeric trouble at 1e-6."""
HIGHEST_RAISED = 2.5e-4
"""A rate above this is not raised: four times it would pass 1e-3, the usual most for Adam. Source: Adam's default."""
QUARTER = 0.25
HALF = 0.5


def number(run: Run, parameter: str) -> float | None:
    """The configured value of `parameter` if it is a positive number."""
    value = run.config.get(parameter)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None


def peak_rate(run: Run) -> float | None:
    """The highest learning rate of the run: the logged one, else the configured one."""
    return run.peak_logged_rate or number(run, "learning_rate")


def lower_rate(run: Run, factor: float, why: str) -> tuple[Prescription, ...]:
    """Scale the learning rate by `factor`; nothing where it is tiny already.

    Source of the effect: the bundled trainer's spiking runs, three seeds: best validation loss 4.42 as they
    were, 3.55 at a quarter of the rate, 3.86 at half of it.
    """
    rate = peak_rate(run)
    if rate is not None and rate * factor < LOWEST_RATE:
        return ()
    gain = {QUARTER: "4.42 to 3.55", HALF: "4.42 to 3.86"}.get(factor)
    return (
        Prescription(
            f"Lower the learning rate to {factor:g} of what it is",
            why,
            (_lower(run, factor, why),),
            Safety.SAFE,
            expected=f"best validation loss {gain} in the bundled trainer's spiking runs, 3 seeds" if gain else "",
        ),
    )


def _lower(run: Run, factor: float, why: str) -> Edit:
    """A cap below the logged rate, so that a config that was corrected already stays; else a share of its own."""
    logged = run.peak_logged_rate
    if not logged:
        return Edit("learning_rate", Operation.SCALE, factor, why)
    return Edit("learning_rate", Operation.CAP, float(f"{factor * logged:.3g}"), why)


def tighter_clipping(run: Run, why: str) -> tuple[Prescription, ...]:
    """Clip gradients harder: at the 90th percentile of the logged norm, else at half of the threshold.

    Source: the tuning playbook of Google Research names the 90th percentile; the bundled trainer with 2 % of
    outlier gradients ends at 3.5 with clipping and 5.3 without.
    """
    limit, clip = _usual_norm(run), number(run, "grad_clip_norm")
    if limit is not None and (clip is None or limit < clip):
        edit = Edit("grad_clip_norm", Operation.SET, limit, f"90 % of the logged gradient norms are below {limit:g}")
    elif clip is not None and limit is None:
        edit = Edit("grad_clip_norm", Operation.SCALE, HALF, "no gradient norm is logged to choose by: half of it")
    else:
        return ()
    return (Prescription("Clip the gradients harder", why, (edit,), Safety.SAFE),)


def _usual_norm(run: Run) -> float | None:
    """The 90th percentile of the logged gradient norm, to two digits."""
    curve = run.curve(Role.GRAD_NORM)
    if curve is None or len(curve.finite) < 20:
        return None
    return float(f"{np.quantile(curve.finite.values, 0.9):.2g}") or None


def raise_rate(run: Run, why: str) -> tuple[Prescription, ...]:
    """Raise the learning rate, ten times where it is tiny, else four times.

    Source of the effect: the bundled trainer at 1e-4, two seeds: best validation loss 8.98 as it was, 5.56 at
    four times the rate, 3.85 at ten times.
    """
    rate = peak_rate(run)
    if rate is None or rate > HIGHEST_RAISED:
        return ()
    factor = 10.0 if rate <= 10 * LOWEST_RATE else 4.0
    return (
        Prescription(
            f"Raise the learning rate {factor:g} times",
            why,
            (Edit("learning_rate", Operation.SCALE, factor, why),),
            Safety.SAFE,
            expected="best validation loss 8.98 to 5.56 at 4 times, to 3.85 at 10, in the bundled trainer, 2 seeds",
        ),
    )
