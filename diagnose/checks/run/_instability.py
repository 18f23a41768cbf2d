"""What divergence, oscillation and their common cause see in a loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnose.checks.run._burst import burst
from diagnose.checks.run._kinds import of_one_kind
from diagnose.checks.run._once import once
from diagnose.checks.run._recurrence import recurs
from diagnose.checks.run._setback import diverged
from diagnose.checks.run._swings import IDLE, TOTAL, Bounces, bounces, contested, cycles, relapse, throw
from diagnose.checks.run._tossed import tossed
from diagnose.checks.run._validation import parting
from diagnose.checks.run._wording import at
from diagnose.finding import Number
from diagnose.run import Curve, Role, Run
from diagnose.signals.trend import running_median

FEWEST_EVALUATIONS = 6
"""Evaluations below which they excuse nothing. Source: our choice: two for each third."""
PARTED = 0.1
"""Rise of the validation level over its best. Source: our choice, as for past-best."""
VALIDATION_FALL = 0.9
"""Last third over first third of the evaluations. Source: our choice."""


@dataclass(frozen=True, slots=True)
class Instability:
    """The gravest that a loss shows: that it diverged, was thrown up or stranded at the start, or oscillates."""

    first_step: int
    last_step: int
    grave: bool
    told: str
    evidence: dict[str, Number]
    healed: bool = False
    """Whether the loss came down again in the end."""


@once
def instability(run: Run, curve: Curve) -> Instability | None:
    """What the curve of a training loss shows; None for a stable one, and for one that ends in NaN."""
    if not len(curve) or not np.isfinite(curve.values[-1]) or contested(run, curve):
        return None
    curve = of_one_kind(curve)
    back = _diverged(run, curve)
    if back is not None:
        return back
    found = (
        thrown(curve)
        or _stranded(run, curve)
        or relapsed(run, curve)
        or _tossed_about(run, curve)
        or _oscillates(run, curve)
    )
    return None if found is None or by_the_clock(run, curve) else found


def _diverged(run: Run, curve: Curve) -> Instability | None:
    back = diverged(run, curve)
    if back is None:
        return None
    told = f"the loss rose {back.told}"
    return Instability(back.onset_step, back.last_step, back.grave, told, back.evidence)


def thrown(curve: Curve) -> Instability | None:
    up = throw(curve)
    if up is None or not up.thrown:
        return None
    healed = "and takes long to come back" if up.healed else "and never makes good for it"
    told = f"the loss is thrown from {up.start:.3g} to {up.top:.3g} by {at(curve, up.top_step)}, {healed}"
    evidence: dict[str, Number] = {"top_over_start": up.factor, "end_over_start": up.end / up.start}
    return Instability(int(curve.steps[0]), up.last_step, True, told, evidence, up.healed)


def _stranded(run: Run, curve: Curve) -> Instability | None:
    seen = burst(run, curve)
    if seen is None or not seen.stranded:
        return None
    evidence: dict[str, Number] = {"first": seen.first, "top": seen.top, "level": seen.level, "gain_since": seen.gain}
    return Instability(*seen.steps, True, seen.told, evidence)


def _tossed_about(run: Run, curve: Curve) -> Instability | None:
    seen = tossed(run, curve)
    if seen is None or not seen.about:
        return None
    told = f"the loss is tossed about at first, by {seen.early:.0%} from point to point, and by {seen.late:.0%} later"
    evidence: dict[str, Number] = {"scatter_at_first": seen.early, "scatter_later": seen.late}
    return Instability(seen.first_step, seen.last_step, False, told, evidence, healed=True)


def relapsed(run: Run, curve: Curve) -> Instability | None:
    back = relapse(curve)
    if back is None or not back.relapsed or cycles(run):
        return None
    told = f"the loss climbed from {back.low:.3g} to {back.top:.3g} and took {back.share:.0%} of the run to come back"
    evidence: dict[str, Number] = {"top_over_best": back.factor, "share_of_run": back.share}
    return Instability(back.first_step, back.last_step, True, told, evidence, back.healed)


def climb(run: Run, curve: Curve) -> Instability | None:
    """A throw at the start, else a relapse later, unless the loss goes up and down by the clock."""
    found = thrown(curve) or relapsed(run, curve)
    return None if found is None or by_the_clock(run, curve) else found


def _oscillates(run: Run, curve: Curve) -> Instability | None:
    swings = oscillating(run, curve)
    if swings is None:
        return None
    return Instability(swings.first_step, swings.last_step, swings.swing > 1, swings.told, swings.evidence)


@once
def oscillating(run: Run, curve: Curve) -> Bounces | None:
    """The swings of a loss that oscillates, unless they are the batches'."""
    swings = bounces(run, curve)
    if swings is None or not swings.oscillates or (not swings.eased and validation_improves(run)):
        return None
    learned_by_heart = swings.total >= TOTAL and _parted(run, curve)
    return None if learned_by_heart or by_the_clock(run, curve) else swings


def _parted(run: Run, curve: Curve) -> bool:
    """Whether validation has turned up while training fell: what little is left of the training loss may well jump."""
    val = run.curve(Role.VAL_LOSS)
    seen = None if val is None else parting(curve, val)
    return seen is not None and seen.rise > PARTED and seen.train_fall > 0


@once
def by_the_clock(run: Run, curve: Curve) -> bool:
    """Whether the loss goes up and down evenly while its level falls, whatever the rate: clips in a fixed order."""
    swings = bounces(run, curve)
    if swings is None or swings.progress < IDLE or swings.calmed or swings.subdued:
        return False
    scaled = curve.finite.trend.scaled
    return recurs(scaled[len(scaled) // 10 :])


def validation_improves(run: Run) -> bool:
    """Whether validation came down to the end, so that what bounces is only the difficulty of the batches."""
    curve = run.curve(Role.VAL_LOSS)
    if curve is None or len(curve.finite) < FEWEST_EVALUATIONS or curve.finite.values.min() <= 0:
        return False
    values = curve.finite.values
    third = len(values) // 3
    first, last = float(np.median(values[:third])), float(np.median(values[-third:]))
    return last < VALIDATION_FALL * first and last <= 1.03 * float(running_median(values, 3).min())
