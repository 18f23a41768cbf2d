"""Sick runs in other shapes than those of `diagnose.testing.synthetic`, lest it test its own assumptions only."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.diagnosis.drafts import (
    Draft,
    Floats,
    Generator,
    Kind,
    between,
    constant,
    cosine,
    length,
    names,
    power_law,
    scaled,
    scatter,
    sometimes,
    time,
)
from diagnose.testing.synthetic import Fault

USUAL = (1e-4, 1e-3)  # rates at which networks are trained from scratch


def _noisy(rng: Generator, course: Floats, low: float = 0.01, high: float = 0.06) -> Floats:
    return scaled(rng, course * scatter(rng, len(course), rng.uniform(low, high)))


def _plain(rng: Generator, course: Floats, low: float = 0.01, high: float = 0.06) -> Draft:
    """The course at a constant rate, which is logged in half of the runs."""
    return Draft(_noisy(rng, course, low, high), rate=sometimes(rng, constant(rng, len(course), *USUAL)))


# --- spikes ----------------------------------------------------------------------------------------------


def _spiked(rng: Generator, points: int, at: float, shape: Floats) -> Draft:
    """A descent multiplied by 1 + `shape` from the share `at` of the run on."""
    first = int(at * points)
    factor = np.ones(points)
    end = min(points, first + len(shape))
    factor[first:end] += shape[: end - first]
    return _plain(rng, power_law(rng, points) * factor)


def _wide_spike(rng: Generator) -> Draft:
    """A bump over 3 to 12 % of the run, gone at its end."""
    points = length(rng, 100, 3000)
    width = max(4, int(rng.uniform(0.03, 0.12) * points))
    return _spiked(rng, points, rng.uniform(0.3, 0.75), rng.uniform(1.0, 3.0) * np.sin(np.linspace(0, np.pi, width)))


def _square_spike(rng: Generator) -> Draft:
    """A corrupt shard: up at once, flat, down at once."""
    points = length(rng, 150, 3000)
    width = max(2, int(rng.uniform(0.005, 0.02) * points))
    return _spiked(rng, points, rng.uniform(0.25, 0.85), np.full(width, rng.uniform(1.5, 7.0)))


def _early_spike(rng: Generator) -> Draft:
    """In the steep part, where the loss is still falling fast."""
    points = length(rng, 100, 3000)
    return _spiked(rng, points, rng.uniform(0.07, 0.15), rng.uniform(2.0, 6.0) * 0.5 ** np.arange(8.0))


def _lone_tall_spike(rng: Generator) -> Draft:
    """One point, five to fifty times the loss."""
    return _spiked(rng, length(rng, 60, 3000), rng.uniform(0.25, 0.9), np.array([between(rng, 4.0, 50.0)]))


# --- divergence ------------------------------------------------------------------------------------------


def _slow_divergence(rng: Generator) -> Draft:
    """A turn early in the run, then slowly up to where it began."""
    points = length(rng, 60, 3000)
    here, turn = time(points), rng.uniform(0.2, 0.6)
    base = power_law(rng, points, 0.1, 0.4)
    low = base[int(turn * points)]
    reach = np.clip((here - turn) / (1 - turn), 0, 1) ** rng.uniform(0.8, 1.5)
    return _plain(rng, np.where(here < turn, base, low + rng.uniform(0.5, 1.3) * (1 - low) * reach))


def _to_a_constant(rng: Generator) -> Draft:
    """Collapse to ln k, the loss of a uniform guess, with next to no noise from there."""
    points = length(rng, 40, 3000)
    onset = int(rng.uniform(0.35, 0.75) * points)
    guess = np.log(rng.integers(30, 8000))
    learned = guess * power_law(rng, points, 0.2, 0.5) * scatter(rng, points, rng.uniform(0.02, 0.08))
    flat = guess * np.exp(rng.uniform(1e-4, 3e-3) * rng.standard_normal(points))
    loss = np.where(np.arange(points) < onset, learned, flat)
    return Draft(loss, rate=sometimes(rng, constant(rng, points, *USUAL)))


def _step_by_step(rng: Generator) -> Draft:
    """Up in two to four jumps, none of which is made good."""
    points = length(rng, 60, 3000)
    course = power_law(rng, points, 0.1, 0.35)
    jumps = np.sort(rng.uniform(0.35, 0.8, int(rng.integers(2, 5))))
    low, lost = course[int(jumps[0] * points)], rng.uniform(0.6, 1.2)
    stairs = np.searchsorted(jumps, time(points)) / len(jumps)
    return _plain(rng, np.where(stairs > 0, low + lost * (1 - low) * stairs, course))


def _validation_alone(rng: Generator) -> Draft:
    """Training falls on while validation leaves it by a factor."""
    points = length(rng, 60, 3000)
    here, turn = time(points), rng.uniform(0.3, 0.6)
    course = power_law(rng, points, 0.05, 0.3)
    growth = np.exp(np.log(between(rng, 2, 20)) * np.clip((here - turn) / (1 - turn), 0, 1))
    seen = 1.05 * np.where(here < turn, course, course[int(turn * points)]) * growth
    loss = _noisy(rng, course)
    return Draft(loss, validation=seen * np.exp(0.01 * rng.standard_normal(points)) * loss[0])


# --- not a number ----------------------------------------------------------------------------------------


def _infinite_first(rng: Generator) -> Draft:
    """Single infinite losses, more and more of them, then NaN to the end."""
    points = length(rng, 40, 3000)
    loss = _noisy(rng, power_law(rng, points))
    onset = int(rng.uniform(0.5, 0.9) * points)
    loss[(rng.random(points) < 0.1) & (np.arange(points) > onset // 2)] = np.inf
    loss[onset:] = np.nan
    return Draft(loss)


def _last_points(rng: Generator) -> Draft:
    """NaN at the last one to three points only: it has just happened."""
    loss = _noisy(rng, power_law(rng, length(rng, 20, 3000)))
    loss[-int(rng.integers(1, 4)) :] = np.nan
    return Draft(loss)


# --- plateau ---------------------------------------------------------------------------------------------


def _first_level(rng: Generator) -> Draft:
    """Where it began it stays, at a rate for training from scratch and in a log that names no weights."""
    points = length(rng, 40, 3000)
    return _plain(rng, 1 - rng.uniform(0, 0.02) * (1 - np.exp(-time(points) / 0.03)), 0.003, 0.05)


def _after_progress(rng: Generator) -> Draft:
    """A straight fall by a fourth or so over a tenth to a third of the run, then nothing at a full rate."""
    points = length(rng, 60, 3000)
    level, corner = rng.uniform(0.6, 0.8), rng.uniform(0.1, 0.33)
    course = np.maximum(level, 1 - (1 - level) * time(points) / corner)
    return Draft(_noisy(rng, course, 0.005, 0.04), rate=constant(rng, points, 3e-4, 2e-3))


# --- a rate too high -------------------------------------------------------------------------------------


def _thrown_and_stuck(rng: Generator) -> Draft:
    """Thrown up within the first hundredths and flat there, without a bounce."""
    points = length(rng, 60, 3000)
    top = rng.uniform(1.6, 5.0)
    course = 1 + (top - 1) * (1 - np.exp(-time(points) / 0.01))
    return _plain(rng, course * (1 - rng.uniform(0.0, 0.1) * time(points)))


def _saw_tooth(rng: Generator) -> Draft:
    """Slowly down and suddenly up, or the other way round, again and again at one level."""
    points = length(rng, 100, 3000)
    phase = np.mod(time(points) * rng.uniform(6, 25), 1.0)
    saw = phase if rng.random() < 0.5 else 1 - phase
    base = rng.uniform(0.5, 0.8) + 0.4 * np.exp(-time(points) / 0.03)
    return _plain(rng, base * (1 + rng.uniform(0.4, 1.2) * saw), 0.01, 0.04)


def _noisy_and_flat(rng: Generator) -> Draft:
    """SGD whose steps are as long as the valley is wide: half of the loss at once, then noise of a third of it."""
    points = length(rng, 200, 3000)
    level = rng.uniform(0.55, 0.8)
    course = level + (1 - level) * np.exp(-time(points) / 0.01)
    loss = scaled(rng, course * np.exp(rng.uniform(0.25, 0.45) * rng.standard_normal(points)))
    return Draft(loss, rate=constant(rng, points, 0.3, 3.0))


def _at_the_peak(rng: Generator) -> Draft:
    """Leaps of two to six times the loss while the rate is near its peak, none once it has decayed."""
    points = length(rng, 200, 3000)
    rate = cosine(points, 1.0, rng.uniform(0.1, 0.2))
    hit = np.flatnonzero((rate > 0.8) & (rng.random(points) < max(0.04, 8 / points)))
    factor = np.ones(points)
    for at in hit:
        factor[at : at + 3] += rng.uniform(1.5, 5.0) * 0.5 ** np.arange(len(factor[at : at + 3]))
    return Draft(_noisy(rng, power_law(rng, points, 0.1, 0.3) * factor), rate=between(rng, 1e-3, 1e-2) * rate)


def _growing_swings(rng: Generator) -> Draft:
    """At the edge of stability: each swing is wider than the last."""
    points = length(rng, 100, 3000)
    here = time(points)
    swing = rng.uniform(0.5, 1.2) * here**2 * np.sin(2 * np.pi * rng.uniform(8, 25) * here)
    base = rng.uniform(0.5, 0.7) + 0.4 * np.exp(-here / 0.05)
    return _plain(rng, base * np.exp(swing), 0.01, 0.04)


# --- a rate too low --------------------------------------------------------------------------------------


def _line(rng: Generator) -> Draft:
    """A straight line that has lost 4 to 15 %."""
    points = length(rng, 100, 3000)
    course = 1 - rng.uniform(0.04, 0.15) * time(points)
    return Draft(_noisy(rng, course, 0.003, 0.03), rate=sometimes(rng, constant(rng, points, 1e-8, 1e-6)))


def _line_in_the_logarithm(rng: Generator) -> Draft:
    """The same factor in each tenth of the run, 15 to 35 % in all."""
    points = length(rng, 100, 3000)
    course = np.exp(-rng.uniform(0.16, 0.43) * time(points))
    return Draft(_noisy(rng, course, 0.003, 0.03), rate=sometimes(rng, constant(rng, points, 1e-8, 1e-6)))


def _line_below_the_noise(rng: Generator) -> Draft:
    """Single batches of 10 to 20 % noise, thousands of them, around a line that loses 8 to 15 %."""
    points = length(rng, 2000, 6000)
    # White, so that the line stands out: its fall is at least five of its standard errors (0.2 * sqrt(12 / 2000)).
    white = np.exp(rng.uniform(0.1, 0.2) * rng.standard_normal(points))
    course = 1 - rng.uniform(0.08, 0.15) * time(points)
    return Draft(scaled(rng, course * white), rate=sometimes(rng, constant(rng, points, 1e-8, 1e-6)))


# --- overfitting and learning by heart -------------------------------------------------------------------


def _parts(rng: Generator, points: int, best: float, rise: float, noise: float) -> Draft:
    here = time(points)
    course = power_law(rng, points, 0.02, 0.1) * (1 - 0.5 * here)
    turned = np.clip((here - best) / (1 - best), 0, 1)
    low = course[int(best * (points - 1))]
    seen = 1.1 * np.maximum(course, low) * (1 + rise * turned) * np.exp(noise * rng.standard_normal(points))
    loss = _noisy(rng, course)
    return Draft(loss, validation=seen * loss[0], evaluations=int(rng.integers(20, 80)))


def _slow_rise(rng: Generator) -> Draft:
    """Validation flattens, then rises by 6 to 15 % under the noise of its evaluations."""
    return _parts(
        rng, length(rng, 100, 3000), rng.uniform(0.25, 0.5), rng.uniform(0.06, 0.15), rng.uniform(0.003, 0.01)
    )


def _flat_while_training_falls(rng: Generator) -> Draft:
    """Validation has been flat since the first third; training has fallen to a fraction."""
    return _parts(rng, length(rng, 100, 3000), rng.uniform(0.08, 0.2), 0.0, rng.uniform(0.003, 0.01))


def _few_evaluations(rng: Generator) -> Draft:
    """Seven to ten epochs, three down and then up by 10 to 40 %."""
    points = int(rng.integers(7, 11))
    course = rng.uniform(0.5, 0.75) ** np.arange(points, dtype=np.float64)
    up = np.maximum(np.arange(points) - 3, 0) / (points - 4)
    seen = (
        np.maximum(course, course[3]) * (1 + rng.uniform(0.1, 0.4) * up) * np.exp(0.005 * rng.standard_normal(points))
    )
    loss = scaled(rng, course * np.exp(0.005 * rng.standard_normal(points)))
    return Draft(loss, validation=1.1 * seen * loss[0], per_epoch=True)


def _soft_stairs(rng: Generator) -> Draft:
    """A tiny set: the step at each epoch spreads over a tenth to a third of it, and the loss creeps up in between."""
    count = int(rng.integers(6, 25))
    points = count * int(rng.integers(15, 60))
    epochs = count * np.arange(points) / points
    within, soft = np.mod(epochs, 1.0), rng.uniform(0.1, 0.33)
    stairs = np.floor(epochs) - 1 + np.minimum(within / soft, 1.0)
    drop = rng.uniform(0.2, 0.6)
    learned = 0.6 * np.exp(-drop * stairs) * (1 + rng.uniform(0.0, 0.05) * within)
    course = np.maximum(np.where(epochs < 1, 0.6 + 0.4 * np.exp(-epochs / 0.2), learned), 0.01)
    return Draft(_noisy(rng, course, 0.02, 0.08), every=1, epochs=epochs if rng.random() < 0.5 else None)


def _kinds() -> Iterator[Kind]:
    spike = names("loss-spike")
    for make in (_square_spike, _early_spike, _lone_tall_spike):
        yield Kind(make, spike, Fault.SPIKE)
    # A bump that takes a tenth of the run to heal may be reported as a spike or as an instability.
    yield Kind(_wide_spike, spike | names("divergence", "learning-rate-too-high"), Fault.SPIKE)
    for make in (_slow_divergence, _to_a_constant, _step_by_step):
        yield Kind(make, names("divergence"), Fault.DIVERGENCE)
    yield Kind(_validation_alone, names("overfitting", "divergence"), Fault.DIVERGENCE)
    for make in (_infinite_first, _last_points):
        yield Kind(make, names("non-finite-loss"), Fault.NAN)
    for make in (_first_level, _after_progress):
        yield Kind(make, names("plateau"), Fault.PLATEAU)
    high = names("learning-rate-too-high", "oscillation")
    yield Kind(_saw_tooth, high, Fault.RATE_TOO_HIGH)
    yield Kind(_thrown_and_stuck, high | names("missing-warmup", "divergence"), Fault.RATE_TOO_HIGH)
    yield Kind(_noisy_and_flat, high | names("plateau"), Fault.RATE_TOO_HIGH)
    yield Kind(_at_the_peak, high | spike, Fault.RATE_TOO_HIGH)
    yield Kind(_growing_swings, high | names("divergence"), Fault.RATE_TOO_HIGH)
    for make in (_line, _line_in_the_logarithm, _line_below_the_noise):
        yield Kind(make, names("learning-rate-too-low", "slow-learning"), Fault.RATE_TOO_LOW)
    for make in (_slow_rise, _flat_while_training_falls, _few_evaluations):
        yield Kind(make, names("overfitting"), Fault.OVERFITTING)
    yield Kind(_soft_stairs, names("memorisation"), Fault.MEMORISATION)


KINDS = tuple(_kinds())
