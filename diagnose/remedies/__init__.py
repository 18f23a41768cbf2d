"""Prescriptions that take their dose from the run's own evidence: rate, norms and evaluations before the fault.

Every function is pure and gives no, one or more prescriptions. What a prescription claims is marked: `measured` by
`benchmarks/cure`, `cited` from a document, or taken from the training guide alone.
"""

from __future__ import annotations

from diagnose.facts import Facts
from diagnose.finding import Prescription
from diagnose.remedies.clipping import clip, clip_outliers
from diagnose.remedies.evidence import (
    SETBACK,
    announced,
    at_full_rate,
    exploded,
    high_still,
    onset_of,
    peak_rate,
    rate_rose,
    share_left,
    thrown_at,
    unclipped_outliers,
)
from diagnose.remedies.guide import small_data, steadier_batches
from diagnose.remedies.overfitting import log_validation, regularise
from diagnose.remedies.precision import leave_half_precision
from diagnose.remedies.rate import (
    HALF,
    HIGH,
    LOWEST_RATE,
    QUARTER,
    even_fall,
    gentler_decay,
    lower_rate,
    raise_rate,
    trial,
    warm_up,
)

__all__ = [
    "calm",
    "clip",
    "clip_outliers",
    "even_fall",
    "leave_half_precision",
    "log_validation",
    "regularise",
    "slower_decay",
    "small_data",
    "speed_up",
    "trial_lower_rate",
    "warm_up",
]


def calm(facts: Facts, onset_step: int, *, non_finite: bool = False) -> tuple[Prescription, ...]:
    """For a loss that diverged, bounced or became NaN at `onset_step`: a lower rate, and clipping that holds.

    The rate becomes a quarter of the highest that the run had borne when it was at its best before the onset. Half,
    where it turned to NaN without any climb before, or exploded while the rate still rose: it does so as soon as the
    rate is past its limit. A run that began at its full rate, and soon went wrong, is warmed up too. Where single
    huge gradients went through unclipped and the loss did not explode, they are clipped, and the rate stays.
    """
    outlier = None if non_finite or exploded(facts) else unclipped_outliers(facts)
    if outlier is not None:
        return clip_outliers(facts, outlier)
    onset = onset_of(facts, onset_step)
    sudden = non_finite and not announced(facts, onset, onset_step)
    at_the_limit = (non_finite or exploded(facts)) and rate_rose(facts, onset)
    factor = HALF if sudden or at_the_limit else QUARTER
    warmth = warm_up(facts) if at_full_rate(facts, onset) else ()
    return (*lower_rate(facts, onset, factor), *clip(facts, onset_step), *warmth, *steadier_batches(facts))


def trial_lower_rate(facts: Facts) -> tuple[Prescription, ...]:
    """For a flat loss. One that never got going at a high rate: as for a throw where there was one, else a tenth of it.

    One that fell and then stopped: a quarter, as a trial.
    """
    rate, left = peak_rate(facts), share_left(facts)
    if rate is None or left is None:
        return ()
    if rate >= HIGH and high_still(facts):
        return _after_a_throw(facts) or (trial(facts, rate, stopped=False), *warm_up(facts))
    return (trial(facts, rate, stopped=True),) if left < 1 - SETBACK and rate > LOWEST_RATE else ()


def speed_up(facts: Facts, fall: float | None = None, *, sure: bool = True) -> tuple[Prescription, ...]:
    """For a loss that creeps (by `fall`, in ln): a higher rate, or a lower one where a high one threw it back before.

    `sure`: whether the run had the rate that is known.
    """
    return _after_a_throw(facts) or raise_rate(facts, fall, sure=sure)


def slower_decay(facts: Facts) -> tuple[Prescription, ...]:
    """For a rate that dies before the end: a gentler factor; where a high rate threw the run back, a lower one too."""
    return (*gentler_decay(facts), *_after_a_throw(facts))


def _after_a_throw(facts: Facts) -> tuple[Prescription, ...]:
    thrown, rate = thrown_at(facts), peak_rate(facts)
    lost = thrown is not None and rate is not None and rate >= HIGH and high_still(facts)
    return calm(facts, thrown) if lost and thrown is not None else ()
