"""What the log and the config say of the rate, the norms and the length of a run: what doses are taken from."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from diagnose.facts import Facts
from diagnose.numbers import is_number
from diagnose.run import Axis, Curve, IntArray, Role
from diagnose.signals.robust import point_noise

if TYPE_CHECKING:
    from diagnose.config import Config

FEWEST_NORMS = 3
"""Norms before the onset from which a percentile is taken. Source: our choice: the 90th is between the two highest of
three, so that fewer would be one reading."""
EXPLODED = 3.0
"""A norm above so many times the median before it, a loss above so many times its first, belongs to the fault.
Source: norms of healthy runs of the bundled trainer stay below twice their median, losses of collapsed ones near their
first."""
OUTLIER = 10.0
"""Times its median from which a single norm is an outlier. Source: as for exploding-gradients."""
STRUCK = 1.06
"""Loss of the next points over the one that a huge gradient came with. Source: outlier batches in the bundled trainer
cost 3 to 16 %."""
SETBACK = 0.1
"""Rise over the best so far, as a share of it, that may be the first of the fault. Source: noise between two logged
points of the bundled trainer is below 5 %."""
THROWN = 8.0
"""Times the noise of a point that a throw is. Source: the range of a thousand points of normal noise is 6.5."""
REGAINED = 0.5
"""A run recovered from a rise once the loss fell below its best by this share of the rise. Source: our choice: chance
level may be a little below the first best."""
LEFT = 0.5
"""Source: the bundled trainer at chance level is at 0.7 to 0.8 of its first loss."""
AT_PEAK = 0.9
"""First rate over the highest from which there was no warm-up. Source: as for missing-warmup."""
CLIMBED = 1.5
"""Loss over its best from which a NaN was announced. Source: healthy warm-up humps reach 1.4 (Applio#113)."""


def number(facts: Facts, parameter: str) -> float | None:
    """The configured value of `parameter` if it is a positive number."""
    value = facts.settings.get(parameter)
    return float(value) if is_number(value) and value > 0 else None


def peak_rate(facts: Facts) -> float | None:
    """The highest learning rate of the run: the logged one, else the configured one."""
    return facts.run.peak_logged_rate or number(facts, "learning_rate")


def planned_end(facts: Facts, curve: Curve | None = None) -> int | None:
    """The last step that the config asks for, in the unit of `curve` (None: the training loss); None: not known."""
    train, epochs, config = facts.curve(Role.TRAIN_LOSS), number(facts, "max_epochs"), facts.config
    counted = curve or train
    if counted is not None and counted.axis is Axis.EPOCH:
        return None if epochs is None else int(epochs)
    steps = number(facts, "max_steps") if config is None else _steps_of(config, facts.train_samples)
    each = None if train is None else epoch_length(train)
    ends = [steps, None if epochs is None or each is None else round(epochs * each)]
    return min((int(end) for end in ends if end is not None), default=None)


def _steps_of(config: Config, samples: int | None) -> int | None:
    from diagnose.config.effective import effective

    return effective(config, samples).total_steps


def length_of(facts: Facts, curve: Curve | None = None) -> int | None:
    """The step at which the run ends, as planned; never before its last point."""
    curve = curve or facts.curve(Role.TRAIN_LOSS)
    ends = [planned_end(facts, curve), None if curve is None or not len(curve) else int(curve.steps[-1])]
    return max((end for end in ends if end is not None), default=None)


def epoch_length(train: Curve) -> float | None:
    """The steps of an epoch, where the log counts both."""
    if train.epochs is None or len(train) < 2 or train.axis is not Axis.STEP:
        return None
    span = float(train.epochs[-1] - train.epochs[0])
    began = train.steps[np.argmax(train.epochs == train.epochs[-1])]  # an epoch in whole numbers is one that runs
    return float(began - train.steps[0]) / span if isfinite(span) and span > 0 else None


def logged_rates(facts: Facts) -> Curve | None:
    """The finite points of the learning rate, if at least one is above zero."""
    curve = facts.curve(Role.LEARNING_RATE)
    return None if curve is None or not (curve.finite.values > 0).any() else curve.finite


def onset_of(facts: Facts, step: int) -> int:
    """Where the fault of `step` really began: at `step`, or before it, where loss or norms had left for good.

    A best point that a smoothed curve showed is moved on while the loss still falls, and all its parts are finite.
    """
    step = _while_falling(facts, step)
    return min(step, _norms_left(facts, step), _first_setback(facts, step))


def _while_falling(facts: Facts, step: int) -> int:
    train = facts.curve(Role.TRAIN_LOSS)
    later = None if train is None else train.finite.where(train.finite.steps >= step)
    if later is None or not len(later):
        return step
    rises = np.flatnonzero(np.diff(later.values) >= 0)
    lost = (part.steps[~np.isfinite(part.values)] for part in facts.run.played_by(Role.TRAIN_COMPONENT))
    first_lost = (int(steps[steps >= step][0]) - 1 for steps in lost if (steps >= step).any())
    return min([int(later.steps[rises[0] if len(rises) else -1]), *first_lost])


def _norms_left(facts: Facts, step: int) -> int:
    """The step from which, up to `step`, the gradient norms were far above their usual size."""
    norms = facts.curve(Role.GRAD_NORM)
    before = None if norms is None else norms.where(norms.steps < step)
    if before is None or len(before) <= FEWEST_NORMS:
        return step
    usual = float(np.median(before.values[np.isfinite(before.values)]))
    calm_at = np.flatnonzero(before.values <= EXPLODED * usual)
    last = int(calm_at[-1]) if len(calm_at) else -1
    return step if last == len(before) - 1 else int(before.steps[last + 1])


def _first_setback(facts: Facts, step: int) -> int:
    """The first rise of the training loss, up to `step`, that it never recovered from."""
    train = facts.curve(Role.TRAIN_LOSS)
    if train is None or len(train.finite) < 3:
        return step
    values, steps = train.finite.values, train.finite.steps
    best = np.minimum.accumulate(values)
    rise = values - best
    later = np.minimum.accumulate(values[::-1])[::-1]
    lasting = (rise >= SETBACK * np.abs(best)) & (later > best - REGAINED * rise) & (steps <= step)
    return int(steps[np.argmax(lasting)]) if lasting.any() else step


def rate_borne(facts: Facts, onset: int) -> float | None:
    """The highest rate logged up to the best point before the onset; None where no rate is logged."""
    train = facts.curve(Role.TRAIN_LOSS)
    before = None if train is None else train.finite.until(onset)
    if before is None or not len(before):
        return facts.run.peak_logged_rate
    at = int(np.argmin(before.values))
    rates = logged_rates(facts)
    if rates is None:
        return None
    known = rates.until(int(before.steps[at])) if rates.axis is before.axis else rates
    return float(known.values.max()) if len(known) else float(rates.values[0])


def rate_rose(facts: Facts, onset: int) -> bool:
    """Whether the rate at the best point before the onset was below half of what it rose to."""
    borne, peak = rate_borne(facts, onset), facts.run.peak_logged_rate
    return borne is not None and peak is not None and borne < peak / 2


def exploded(facts: Facts) -> bool:
    """Whether the training loss came to be many times its first: a collapse stays near it."""
    train = facts.curve(Role.TRAIN_LOSS)
    values = np.zeros(0) if train is None else train.finite.values
    return len(values) > 1 and float(values.max()) > EXPLODED * abs(float(values[0]))


def unclipped_outliers(facts: Facts) -> int | None:
    """The step of the first of single norms, far above their median, that nothing clipped; None where none counts.

    Several count, or one that threw the loss up for a while.
    """
    norms, huge = _unclipped(facts)
    stretches = np.count_nonzero(np.diff(huge) > 1) + 1
    if norms is None or len(norms) < 2 * FEWEST_NORMS or len(huge) > 2 * stretches:
        return None
    return int(norms.steps[huge[0]]) if stretches >= FEWEST_NORMS or struck_at(facts) is not None else None


def struck_at(facts: Facts) -> int | None:
    """The step of the last huge norm that nothing clipped and after which the loss stayed up; None where none is."""
    (norms, huge), train = _unclipped(facts), facts.curve(Role.TRAIN_LOSS)
    if norms is None or train is None or train.axis is not norms.axis:
        return None
    loss, steps = train.finite.values, train.finite.steps
    for step in norms.steps[huge[::-1]]:
        at = int(np.searchsorted(steps, step))
        before, after = loss[max(0, at - 2) : at + 1], loss[at + 1 : at + 1 + 2 * FEWEST_NORMS]
        if len(after) > FEWEST_NORMS and np.median(after) > STRUCK * np.median(before) > 0:
            return int(step)
    return None


def _unclipped(facts: Facts) -> tuple[Curve | None, IntArray]:
    """The finite gradient norms, and the places of those far above their median that nothing clipped."""
    norms, none = facts.curve(Role.GRAD_NORM), np.zeros(0, int)
    if norms is None or not len(norms.finite):
        return None, none
    huge = np.flatnonzero(norms.finite.values > OUTLIER * np.median(norms.finite.values))
    return norms.finite, huge if nothing_clips(facts, norms.finite.steps[huge]) else none


def nothing_clips(facts: Facts, steps: IntArray) -> bool:
    """Whether the log, or else the config, says that the gradients of these steps were not clipped."""
    shares = facts.curve(Role.CLIPPED_SHARE)
    if shares is None:
        return "grad_clip_norm" in facts.settings and not facts.settings["grad_clip_norm"]
    then = shares.values[np.isin(shares.steps, steps)]
    return len(then) > 0 and not then.any()


def clipped(facts: Facts, steps: IntArray) -> bool:
    """Whether the log says that the gradients of some of these steps were clipped."""
    shares = facts.curve(Role.CLIPPED_SHARE)
    return shares is not None and bool(shares.values[np.isin(shares.steps, steps)].any())


def at_full_rate(facts: Facts, onset: int) -> bool:
    """Whether the run began at its highest rate, unwarmed, and went wrong in its first tenth."""
    train, rates, end = facts.curve(Role.TRAIN_LOSS), logged_rates(facts), length_of(facts)
    warmed = number(facts, "warmup_steps") is not None or train is None or train.axis is not Axis.STEP
    if warmed or end is None or onset > end / 10:
        return False
    if rates is None:
        return facts.settings.get("warmup_steps") == 0
    return bool(rates.values[0] >= AT_PEAK * rates.values.max())


def thrown_at(facts: Facts) -> int | None:
    """The step before the highest rise of the training loss; None where that is small for its first level, or noise."""
    train = facts.curve(Role.TRAIN_LOSS)
    if train is None or not len(train.finite):
        return None
    values = train.finite.values
    rise = values - np.minimum.accumulate(values)
    top = int(np.argmax(rise))
    before = int(np.argmin(values[: top + 1]))
    least = max(SETBACK * abs(float(values[0])), THROWN * point_noise(values))
    return int(train.finite.steps[before]) if rise[top] >= least else None


def shocked(facts: Facts) -> bool:
    """Whether a gradient norm of the first half was far above the usual one of the second: what threw a run down."""
    norms = facts.curve(Role.GRAD_NORM)
    if norms is None or len(norms.finite) < 4 * FEWEST_NORMS:
        return False
    early, late = np.array_split(norms.finite.values, 2)
    return float(early.max()) >= EXPLODED * float(np.median(late)) > 0


def high_still(facts: Facts) -> bool:
    """Whether the training loss ends above half of its first level: it never got going."""
    return (share_left(facts) or 0.0) > LEFT


def share_left(facts: Facts) -> float | None:
    """Where the training loss ends, as a share of its first level."""
    train = facts.curve(Role.TRAIN_LOSS)
    if train is None or not len(train.finite) or train.finite.values[0] <= 0:
        return None
    values = train.finite.values
    return float(np.median(values[-max(3, len(values) // 10) :])) / float(values[0])


def announced(facts: Facts, onset: int, first_lost: int) -> bool:
    """Whether norms or loss had climbed before the loss was no number any more."""
    train = facts.curve(Role.TRAIN_LOSS)
    if onset < first_lost or train is None:
        return onset < first_lost
    values = train.finite.where(train.finite.steps < first_lost).values
    return len(values) > 1 and values.min() > 0 and float(values[-3:].max()) > CLIMBED * float(values.min())
