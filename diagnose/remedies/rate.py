"""The learning rate and its schedule: lower, higher, warmed up, decayed more gently."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log

import numpy as np

from diagnose.facts import Facts
from diagnose.finding import Edit, Operation, Prescription, Safety, Support
from diagnose.remedies.evidence import (
    length_of,
    logged_rates,
    number,
    peak_rate,
    rate_borne,
)
from diagnose.run import Curve, Role

QUARTER = 0.25
"""Source: measured on the bundled trainer, three seeds: best validation loss 4.42 untouched, 3.86 at half the rate,
3.55 at a quarter."""
HALF = 0.5
TENTH = 0.1
HIGH = 5e-3
"""A rate that may keep a model at chance level. Source: five times Adam's default; of SGD it costs a trial."""
LOWEST_RATE = 1e-6
"""A rate at or below this is not lowered. Source: NVIDIA/tacotron2#344, numeric trouble at 1e-6."""
HIGHEST_RAISED = 1e-3
"""A rate above this is not raised. Source: Adam's default."""
SURELY_SGD = 0.1
"""A rate at which a loss creeps evenly only where plain gradients set the steps: with Adam it would not fall at all.
Source: collapsed runs of the bundled trainer, from 0.016 on."""
TENFOLD = 10.0
"""Least and, squared, most by which a rate is raised. Source: of a rate a hundred times too low the bundled trainer
closes 22 % of the gap at four times, 71 % at sixteen, all at a hundred."""
SAFELY_RAISED = 2.5e-4
"""A rate above this is raised only where it is asked for, or tried: ten times it is above Adam's default."""
END_RATE = 0.2
"""Share of the peak that an exponential decay leaves at the end: its mean rate is then half of the peak, as that of a
cosine or a straight line (Loshchilov and Hutter 2017). Measured on the bundled trainer: best validation loss 4.63 where
a hundredth is left, 3.46 where a seventh is, 3.24 where a third is."""
UNKNOWN_RATE = " (no rate is logged: make sure that this config made the run)"
EVEN = 0.1
"""How far the logarithm of an exponential decay may be from a straight line, as a share of its fall. Source: a decay
once an epoch is off by a tenth after ten, an inverse square root by an eighth when it comes to 0.6 of the rate."""
ROUNDING = 1e-3
"""Change of a rate, as a share of it, that is none. Source: logs of three digits."""
FEWEST_RATES = 3
"""Rates from which a fall can be called even."""
WARMUP_SHARE = 0.05
"""Share of the run to warm up over. Source: the tuning playbook of Google Research: at most a tenth."""


def lower_rate(facts: Facts, onset: int, factor: float) -> Iterator[Prescription]:
    """A share of the highest rate that the run had borne at its best before `onset`, no lower than `LOWEST_RATE`."""
    borne = rate_borne(facts, onset)
    rate = borne or number(facts, "learning_rate")
    if rate is not None and rate <= LOWEST_RATE:
        return
    share, gain = {QUARTER: ("a quarter", "4.42 to 3.55"), HALF: ("half", "4.42 to 3.86")}[factor]
    if rate is not None and rate * factor < LOWEST_RATE:
        share, factor = f"{LOWEST_RATE:g}, the lowest sensible rate", LOWEST_RATE / rate
    why = f"{share} of {borne:.3g}, the highest rate up to the best loss before the fault" if borne else share
    why += "" if facts.run.peak_logged_rate or facts.hints.config is not None else UNKNOWN_RATE
    yield Prescription(
        f"Lower the learning rate to {share}",
        why,
        (_rate_edit(facts, borne, factor, why),),
        Safety.SAFE,
        expected=f"best validation loss {gain} in the bundled trainer's spiking runs (3 seeds)",
        support=Support.MEASURED,
    )


def trial(facts: Facts, rate: float, *, stopped: bool) -> Prescription:
    """For a flat loss: a quarter of the rate where it fell and then `stopped`, a tenth where it never got going."""
    share, factor = ("a quarter", QUARTER) if stopped else ("a tenth", TENTH)
    why = f"the loss {'stopped' if stopped else 'never got going'} at a learning rate of {rate:g}"
    expected = "a tenth of the rate cured every collapsed run of the bundled trainer (2 of 2 seeds)"
    if stopped:
        expected = "makemore, stopped at thirty times its rate: validation loss 2.60 to 2.22 at a quarter (1 seed)"
    return Prescription(
        f"Try {share} of the learning rate",
        why,
        (_rate_edit(facts, rate, factor, why),),
        Safety.UNSAFE if stopped else Safety.SAFE,
        expected=expected,
        support=Support.MEASURED,
    )


def raise_rate(facts: Facts, fall: float | None = None, *, sure: bool = True) -> tuple[Prescription, ...]:
    """For a loss that creeps in a straight line: ten times the rate, more where it has hardly moved.

    `fall`: by how much the loss has fallen, in ln; None: not known. Four times where a trained model is tuned. Where
    that is no safe change, but a trial, a smaller one as well, which is one. All is a trial where it is not `sure` that
    the run had this rate.
    """
    rate = peak_rate(facts)
    if rate is None or HIGHEST_RAISED < rate < SURELY_SGD:
        return ()
    factor = 4.0 if facts.settings.get("init_checkpoint") else _times(facts, fall)
    if not sure:
        return (_raised(rate, factor, Safety.UNSAFE),)
    safe = max(TENFOLD if rate <= SAFELY_RAISED else 1.0, HIGHEST_RAISED / rate)
    if factor <= safe:
        return (_raised(rate, factor, Safety.SAFE),)
    return (_raised(rate, factor, Safety.UNSAFE), *([_raised(rate, safe, Safety.SAFE)] if safe > 1 else []))


def _times(facts: Facts, fall: float | None) -> float:
    """So many times the rate as would halve the loss in a fifth of the run, by the fall that it has brought."""
    train, length = facts.curve(Role.TRAIN_LOSS), length_of(facts)
    if fall is None or fall <= 0 or train is None or not length:
        return TENFOLD
    a_fifth = fall * length / max(1, int(train.steps[-1])) / 5
    return float(np.clip(float(f"{log(2) / a_fifth:.1g}"), TENFOLD, TENFOLD**2))


def _raised(rate: float, factor: float, safety: Safety) -> Prescription:
    why = f"the loss creeps in a straight line at a learning rate of {rate:g}"
    return Prescription(
        f"Raise the learning rate {factor:.3g} times",
        why,
        (Edit("learning_rate", Operation.SCALE, factor, why),),
        safety,
        expected="best validation loss 8.98 to 5.56 at 4 times, to 3.85 at 10, in the bundled trainer (2 seeds)",
        support=Support.MEASURED,
    )


def warm_up(facts: Facts) -> tuple[Prescription, ...]:
    """For a run whose first full steps throw the loss up: a warm-up over a twentieth of it."""
    length = length_of(facts)
    if length is None:
        return ()
    steps = max(1, round(WARMUP_SHARE * length))
    if (number(facts, "warmup_steps") or 0) >= steps:
        return ()
    why = f"the run starts at its full learning rate; a twentieth of it is {steps:,} steps"
    edit = Edit("warmup_steps", Operation.SET, steps, "a twentieth of the run")
    expected = "the tuning playbook of Google Research: instability at the start is cured by a warm-up"
    cure = Prescription(
        "Warm the learning rate up", why, (edit,), Safety.SAFE, expected=expected, support=Support.CITED
    )
    return (cure,)


def gentler_decay(facts: Facts) -> tuple[Prescription, ...]:
    """For a rate that dies before the end: the factor that leaves a fifth, in the unit in which it is applied.

    The unit is measured: by how much the logged rate fell a step, against the configured factor.
    """
    decay, rates = number(facts, "lr_decay"), logged_rates(facts)
    falling, length = (None, None) if rates is None else (_falling(rates), length_of(facts, rates))
    if decay is None or not 0 < decay < 1 or falling is None or length is None or len(falling) < FEWEST_RATES:
        return ()
    per_step = _slope(falling)
    if per_step >= 0:
        return ()
    every = max(1.0, log(decay) / per_step)
    times = (length - int(falling.steps[0])) / every
    gentle = 1 - float(f"{1 - END_RATE ** (1 / max(times, 1.0)):.3g}")  # 0.99999968 of a long run is not 1
    if gentle <= decay:
        return ()
    unit = "at every step" if every < 1.5 else f"every {every:,.0f} steps"
    why = f"applied {unit}, it leaves a fifth of the rate after {length:,} steps"
    edit = Edit("lr_decay", Operation.SET, gentle, why)
    return (Prescription("Decay more gently", why, (edit,), Safety.SAFE, support=Support.MEASURED),)


def _rate_edit(facts: Facts, rate: float | None, factor: float, why: str) -> Edit:
    """A cap below the logged rate, so that a config that was corrected already stays; else a share of its own."""
    if rate is None or facts.run.peak_logged_rate is None:
        return Edit("learning_rate", Operation.SCALE, factor, why)
    return Edit("learning_rate", Operation.CAP, float(f"{factor * rate:.3g}"), why)


@dataclass(frozen=True, slots=True)
class Decay:
    """A rate that falls by the same factor at every step."""

    since: int
    """The step from which it falls."""
    peak: float
    """Where it fell from."""
    slope: float
    """Change of its logarithm a step; negative."""

    def reaches(self, share: float) -> float:
        """The step at which it is down to this share of the peak."""
        return self.since + log(share) / self.slope


def even_fall(rates: Curve) -> Decay | None:
    """The decay that goes on at the end of the log; None where the rate does not fall, or not in a straight line.

    Only what came after the last rise counts: a resumed run may have begun at another rate.
    """
    falling = _falling(rates)
    if len(falling) < FEWEST_RATES:
        return None
    steps, level = falling.steps - falling.steps[0], np.log(falling.values)
    slope = _slope(falling)
    if slope >= 0 or np.abs(level - level[0] - slope * steps).max() > EVEN * float(level[0] - level[-1]):
        return None
    peak = float(rates.values[rates.steps < falling.steps[0]][-1])
    return Decay(int(falling.steps[0]) - round((log(peak) - float(level[0])) / -slope), peak, slope)


def _falling(rates: Curve) -> Curve:
    """The rates after the last peak, which may have been held for a while."""
    rises = np.flatnonzero(np.diff(rates.values) > ROUNDING * rates.values[1:])
    last = rates.where(np.arange(len(rates)) >= (rises[-1] + 1 if len(rises) else 0))
    held = last.values >= (1 - ROUNDING) * last.values.max()
    return last.where((np.cumsum(~held) > 0) & (last.values > 0))


def _slope(falling: Curve) -> float:
    """By how much the logarithm changes a step."""
    steps = max(1, int(falling.steps[-1] - falling.steps[0]))
    return (log(falling.values[-1]) - log(falling.values[0])) / steps  # a quotient may be 0 where neither is
