"""Is one run better than another by more than noise? At equal samples, on the validation loss where both log one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diagnose.facts import Facts
from diagnose.numbers import is_number
from diagnose.run import Axis, Curve, Role

FLOOR = 0.02
"""Share of the loss below which a difference counts as noise between seeds. Source: the bundled trainer on 25
validation clips: best losses of three seeds differ by up to 0.1 at 3.5."""
ERRORS = 2.0
"""Standard deviations of the evaluations' own noise. Source: 5 % of differences between equal runs are larger."""
FEWEST = 4
"""Evaluations from which their noise can be estimated."""


@dataclass(frozen=True, slots=True)
class Score:
    """How good a run became."""

    loss: float
    step: int
    metric: str
    """`val_loss`, or `train_loss` where not all that are compared log a validation loss."""
    samples: float | None
    """Clips seen over the whole run, where the batch size is known; else None."""


@dataclass(frozen=True, slots=True)
class Noise:
    """How much two equal runs differ."""

    value: float
    """In units of the loss."""
    how: str
    """`measured` or `estimated`, and from what."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One run against another."""

    before: Score | None
    after: Score | None
    noise: Noise
    improved: bool
    sentence: str


def score(facts: Facts, most: float | None = None, beside: Sequence[Facts] = ()) -> Score | None:
    """The best loss of a run, within its first `most` samples (steps where samples are not known).

    `beside`: the runs that it is compared with.
    """
    curve = judged_curve(facts, *beside)
    if curve is None:
        return None
    finite, each = curve.finite, _per_step(facts, *beside)
    if most is not None:
        finite = finite.where(finite.steps * each <= most * (1 + 1e-9))
    if not len(finite):
        return None
    values = finite.values if curve.role is Role.VAL_LOSS else _smoothed(finite.values)
    best = int(np.argmin(values))
    role = curve.role or Role.TRAIN_LOSS
    return Score(float(values[best]), int(finite.steps[best]), role.value, amount(facts))


def compare(before: Facts, after: Facts, *, noise: Noise | None = None, stopped: bool = False) -> Comparison:
    """Whether `after` is better than `before` by more than the noise of `after`, at equal samples.

    A best loss is a lucky one: the luck of `before` speaks for it already, that of `after` must not.
    `stopped`: `before` was stopped for a confirmed fault, so that it has no loss at the samples of `after`; its best
    until then counts, and the sentence says so.
    """
    noise = noise or estimated(after, beside=[before])
    limits = [limit for limit in (amount(before, after), amount(after, before)) if limit is not None]
    most = None if stopped or len(limits) < 2 else min(limits)
    old, new = score(before, most, [after]), score(after, most, [before])
    if new is None or judged_curve(before, after) is None:
        return Comparison(old, new, noise, False, "no loss was logged that could be compared")
    if old is None:
        return Comparison(old, new, noise, True, f"{new.metric} {new.loss:.4g}, where before no finite loss was logged")
    gain = old.loss - new.loss
    improved = gain > noise.value
    word = "better" if improved else "worse" if gain < -noise.value else "the same within noise"
    within = "" if most is None else f" within {most:,.0f} {unit_of_amount(before, after)}"
    until = " (stopped there)" if stopped else within
    sentence = (
        f"best {new.metric} {old.loss:.4g}{until} to {new.loss:.4g}: {word} (noise {noise.value:.2g}, {noise.how})"
    )
    return Comparison(old, new, noise, improved, sentence)


def estimated(*runs: Facts, beside: Sequence[Facts] = ()) -> Noise:
    """The noise between seeds, from the scatter of the evaluations; never below a share of the loss itself."""
    levels, scatter = [], [0.0]
    for facts in runs:
        curve = judged_curve(facts, *beside)
        if curve is None or not len(curve.finite):
            continue
        values = curve.finite.values
        levels.append(abs(float(values.min())))
        scatter.append(_scatter(values[: int(np.argmin(values)) + 1]))  # what came after the best may be the fault
    level = min(levels, default=0.0)
    noise = max(FLOOR * level, ERRORS * float(np.sqrt(2)) * max(scatter))
    return Noise(noise, "estimated from the evaluations")


def amount(facts: Facts, *others: Facts) -> float | None:
    """Samples that the run has seen; steps where a batch size is not known; None without a loss in steps."""
    curve = facts.curve(Role.TRAIN_LOSS) or judged_curve(facts)
    if curve is None or not len(curve) or curve.axis is not Axis.STEP:
        return None
    return float(curve.steps[-1]) * _per_step(facts, *others)


def samples_per_step(facts: Facts) -> float | None:
    """The effective batch size, where the config has it."""
    batch, times = facts.settings.get("batch_size"), facts.settings.get("grad_accumulation_steps")
    if not is_number(batch) or batch <= 0:
        return None
    return float(batch) * (float(times) if is_number(times) and times > 0 else 1.0)


def _per_step(facts: Facts, *others: Facts) -> float:
    """How much of `amount` a step is: samples and steps are never held against each other."""
    return (samples_per_step(facts) if all(map(samples_per_step, others)) else None) or 1.0


def unit_of_amount(*runs: Facts) -> str:
    """What `amount` counts in all of these runs."""
    return "samples" if all(map(samples_per_step, runs)) else "steps"


def judged_curve(facts: Facts, *others: Facts) -> Curve | None:
    """The validation loss where this run and all others log one, else the training loss."""
    logged = [one.curve(Role.VAL_LOSS) for one in (facts, *others)]
    return logged[0] if all(val is not None and len(val.finite) for val in logged) else facts.curve(Role.TRAIN_LOSS)


def _scatter(values: np.ndarray) -> float:
    """The noise of the later half of a curve, from its second differences."""
    late = values[len(values) // 2 :]
    if len(late) < FEWEST:
        return 0.0
    return 1.4826 * float(np.median(np.abs(np.diff(late, 2)))) / float(np.sqrt(6))


def _smoothed(values: np.ndarray) -> np.ndarray:
    """Running medians of a twentieth of the points, so that no single low point counts."""
    width = max(3, len(values) // 20) | 1
    if len(values) < width:
        return values
    padded = np.pad(values, width // 2, mode="edge")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1))
