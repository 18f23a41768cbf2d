"""Clipping that holds: by the norms before the fault, never looser than what is in force."""

from __future__ import annotations

import numpy as np

from diagnose.facts import Facts
from diagnose.finding import Edit, Operation, Prescription, Safety, Support
from diagnose.remedies.evidence import EXPLODED, FEWEST_NORMS, number, onset_of
from diagnose.run import Curve, Role

USUAL = 0.9
"""Percentile of the gradient norms to clip at. Source: the tuning playbook of Google Research."""
LOOSEST = 100.0
"""A threshold above this clips nothing, and half of it neither. Source: norms of healthy runs are below ten."""


def clip(facts: Facts, onset_step: int) -> tuple[Prescription, ...]:
    """Clip at the 90th percentile of the gradient norms before the onset, never looser than what is in force."""
    norms = facts.curve(Role.GRAD_NORM)
    onset = onset_of(facts, onset_step)
    before = None if norms is None else norms.where(norms.steps < onset)
    when = "" if norms is None else f" before {norms.place(onset_step)}"
    return _clip_at(facts, before, when)


def clip_outliers(facts: Facts, first: int) -> tuple[Prescription, ...]:
    """Clip at the 90th percentile of the norms before the first outlier; of all usual ones where it came too early."""
    norms = facts.curve(Role.GRAD_NORM)
    before = None if norms is None else norms.where(norms.steps < first)
    return _clip_at(facts, norms if _usual_norm(before) is None else before, "")


def _clip_at(facts: Facts, norms: Curve | None, when: str) -> tuple[Prescription, ...]:
    in_force, usual = number(facts, "grad_clip_norm"), _usual_norm(norms)
    if usual is not None and _tightens(facts, usual, in_force):
        why = f"90 % of the usual gradient norms{when} are below {usual:g}"
        edit, support = Edit("grad_clip_norm", Operation.SET, usual, why), Support.MEASURED
        expected = "with outlier gradients the bundled trainer ends at 3.5 with clipping, at 5.3 without (2 seeds)"
    elif in_force is not None and in_force <= LOOSEST and facts.curve(Role.GRAD_NORM) is None:
        why = "half of what is in force: no gradient norm is logged to choose by"
        edit, support, expected = Edit("grad_clip_norm", Operation.SCALE, 0.5, why), Support.GUIDE, ""
    else:
        return ()
    return (Prescription("Clip the gradients harder", why, (edit,), Safety.SAFE, expected=expected, support=support),)


def _usual_norm(norms: Curve | None) -> float | None:
    """The 90th percentile of the finite norms without the outliers, to two digits."""
    values = np.zeros(0) if norms is None else norms.finite.values
    usual = values[values <= EXPLODED * np.median(values)] if len(values) else values
    return (float(f"{np.quantile(usual, USUAL):.2g}") or None) if len(usual) >= FEWEST_NORMS else None


def _tightens(facts: Facts, limit: float, in_force: float | None) -> bool:
    """Whether `limit` is below what is in force; a threshold that only the log shows is above the unclipped norms."""
    if in_force is not None:
        return limit < in_force
    shares, norms = facts.curve(Role.CLIPPED_SHARE), facts.curve(Role.GRAD_NORM)
    if shares is None or norms is None or not (shares.finite.values > 0).any():
        return True
    unclipped = np.isin(norms.steps, shares.steps[shares.values == 0])
    values = norms.values[unclipped & np.isfinite(norms.values)]
    return len(values) > 0 and limit <= float(values.max())
