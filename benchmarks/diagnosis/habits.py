"""Healthy runs as practice makes them: schedules, stages, logs and losses that look like a fault and are none."""

from __future__ import annotations

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
    power_law,
    scaled,
    scatter,
    sometimes,
    time,
)


def _seen(rng: Generator, course: Floats, unit: float = 1.0) -> Floats:
    """The validation loss of a course, as many evaluations would average it."""
    return np.asarray(unit * 1.04 * course * np.exp(0.005 * rng.standard_normal(len(course))))


def _one_cycle(rng: Generator) -> Draft:
    """The rate rises for a third of the run and goes to nothing: most of the fall comes at its end."""
    points = length(rng, 60, 3000)
    here, top = time(points), 0.3
    rate = np.where(here < top, 0.04 + 0.96 * here / top, 0.5 * (1 + np.cos(np.pi * (here - top) / (1 - top))))
    course = power_law(rng, points, 0.2, 0.4) * (1 + rng.uniform(0.1, 0.3) * rate)
    loss = course * scatter(rng, points, rng.uniform(0.02, 0.08))
    return Draft(scaled(rng, loss), rate=sometimes(rng, between(rng, 1e-4, 3e-3) * rate))


def _cosine_restarts(rng: Generator) -> Draft:
    """SGDR: a saw-tooth, each trough below the last."""
    points = length(rng, 120, 3000)
    here, cycles = time(points), int(rng.integers(3, 8))
    rate = 0.5 * (1 + np.cos(np.pi * np.mod(here * cycles, 1.0)))
    course = power_law(rng, points, 0.15, 0.35) * (1 + rng.uniform(0.1, 0.5) * rate)
    loss = course * scatter(rng, points, rng.uniform(0.02, 0.06))
    return Draft(scaled(rng, loss), rate=sometimes(rng, between(rng, 1e-4, 1e-3) * rate, 0.7))


def _curriculum(rng: Generator) -> Draft:
    """Longer clips at one to three places: a step up by 10 to 40 %, made good before the next; the log says so."""
    points = length(rng, 150, 3000)
    stages = int(rng.integers(2, 5))
    stage = np.minimum((time(points) * stages).astype(int), stages - 1)
    since = np.mod(time(points) * stages, 1.0)
    jump = np.where(stage > 0, rng.uniform(0.1, 0.4) * np.exp(-since / 0.2), 0.0)
    loss = power_law(rng, points, 0.1, 0.3) * (1 + jump) * scatter(rng, points, rng.uniform(0.02, 0.06))
    return Draft(
        scaled(rng, loss), extras={"curriculum/max_seconds": 4.0 + 4.0 * stage}, rate=constant(rng, points, 1e-4, 1e-3)
    )


def _accumulation_changes(rng: Generator) -> Draft:
    """From some point on four times the batch: the noise halves, the loss falls a little faster."""
    points = length(rng, 100, 3000)
    late = time(points) > rng.uniform(0.3, 0.7)
    noise = np.where(late, 0.5, 1.0) * np.log(scatter(rng, points, rng.uniform(0.05, 0.15)))
    return Draft(scaled(rng, power_law(rng, points, 0.1, 0.3) * np.exp(noise)))


def _means_and_steps(rng: Generator) -> Draft:
    """Every step and the mean of every epoch, under two tags."""
    points, epochs = length(rng, 200, 3000), int(rng.integers(4, 30))
    course, unit = power_law(rng, points), between(rng, 0.3, 200.0)
    loss = unit * course * scatter(rng, points, rng.uniform(0.05, 0.2))
    means = np.full(points, np.nan)
    for part in np.array_split(np.arange(points), epochs):
        means[part[-1]] = loss[part].mean()
    return Draft(
        loss,
        tag="train/loss_step",
        extras={"train/loss_epoch": means},
        validation=sometimes(rng, _seen(rng, course, unit)),
    )


def _stairs_that_generalise(rng: Generator) -> Draft:
    """A step down at each of many epochs, and validation comes down with it."""
    points = length(rng, 150, 3000)
    epochs = time(points) * int(rng.integers(5, 16))
    course = (0.4 + 0.6 * np.exp(-epochs / 0.4)) * (1 - rng.uniform(0.04, 0.12)) ** np.floor(epochs)
    unit = between(rng, 0.3, 200.0)
    loss = unit * course * scatter(rng, points, rng.uniform(0.02, 0.06))
    return Draft(loss, validation=_seen(rng, course, unit), epochs=epochs if rng.random() < 0.5 else None)


def _adversarial(rng: Generator) -> Draft:
    """HiFi-GAN's own tags: the generator's total rises while the mel error falls."""
    points = length(rng, 100, 3000)
    mel = power_law(rng, points, 0.2, 0.4) * between(rng, 0.3, 1.0)
    total = (45 * mel + 10 + 25 * np.sqrt(time(points))) * scatter(rng, points, 0.06)
    return Draft(
        mel * scatter(rng, points, 0.05), tag="training/mel_spec_error", extras={"training/gen_loss_total": total}
    )


def _likelihood(rng: Generator) -> Draft:
    """A flow's negative log-likelihood: through zero, its noise the same throughout."""
    points = length(rng, 60, 3000)
    start, end = rng.uniform(1.0, 5.0), -rng.uniform(0.3, 3.0)
    course = end + (start - end) * power_law(rng, points, 0.0, 0.01)
    return Draft(course + rng.uniform(0.03, 0.15) * rng.standard_normal(points), rate=constant(rng, points, 1e-4, 1e-3))


def _heavy_tails(rng: Generator) -> Draft:
    """Hard samples and rewards: outliers of every size from the first point to the last."""
    points = length(rng, 300, 3000)
    # Two degrees of freedom: one point in a hundred lies ten scales off, so that none of them is alone.
    tails = np.clip(rng.uniform(0.1, 0.15) * rng.standard_t(2, points), -0.6, 1.6)
    return Draft(scaled(rng, power_law(rng, points, 0.15, 0.4) * np.exp(tails)), every=1)


def _few_epochs(rng: Generator) -> Draft:
    """Four to twelve epochs, one of which may be a per cent worse than the one before."""
    points = int(rng.integers(4, 13))
    course = rng.uniform(0.3, 0.6) + 0.4 * rng.uniform(0.4, 0.8) ** np.arange(points, dtype=np.float64)
    unit = between(rng, 0.3, 200.0)
    loss = unit * course * np.exp(0.01 * rng.standard_normal(points))
    return Draft(loss, validation=sometimes(rng, _seen(rng, course, unit)), per_epoch=True)


def _resumed(rng: Generator) -> Draft:
    """Two or three launches: hours between them, and a small jump where the optimizer's state was lost."""
    points = length(rng, 150, 3000)
    course, pace = power_law(rng, points, 0.1, 0.35), np.full(points, between(rng, 2.0, 20.0))
    for at in sorted(rng.uniform(0.2, 0.85, int(rng.integers(2, 4)))):
        since = np.arange(points) - int(at * points)
        healed = np.exp(-np.maximum(since, 0) / (0.015 * points))
        course = course * (1 + np.where(since >= 0, rng.uniform(0.0, 0.15) * healed, 0.0))
        pace[int(at * points)] += 3600 * rng.uniform(1, 40)
    return Draft(scaled(rng, course * scatter(rng, points, rng.uniform(0.02, 0.08))), walls=np.cumsum(pace))


def _batch_of_one(rng: Generator) -> Draft:
    """Single clips of every length: noise of half the loss, and a course below it."""
    points = length(rng, 1000, 10_000)
    noise = rng.uniform(0.35, 0.6)
    loss = power_law(rng, points, 0.2, 0.6) * np.exp(noise * rng.standard_normal(points))
    return Draft(scaled(rng, loss), every=1, rate=sometimes(rng, constant(rng, points, 1e-5, 1e-4)))


def _averaged_weights(rng: Generator) -> Draft:
    """SWA: a higher constant rate in the last quarter lifts the training loss, the averaged weights do better."""
    points = length(rng, 100, 3000)
    late = time(points) > 0.75
    course, unit = power_law(rng, points, 0.15, 0.35), between(rng, 0.3, 200.0)
    rate = np.where(late, 0.5, cosine(points, 1.0, 0.02, 0.1))
    training = course * np.where(late, 1 + rng.uniform(0.02, 0.12), 1.0)
    validation = _seen(rng, course * np.where(late, 0.95, 1.0), unit)
    loss = unit * training * scatter(rng, points, rng.uniform(0.02, 0.06))
    return Draft(loss, validation=validation, rate=between(rng, 1e-4, 1e-3) * rate)


def _cyclical_dropout(rng: Generator) -> Draft:
    """Dropout or augmentation that comes and goes: the training loss swings with it, validation does not."""
    points = length(rng, 200, 3000)
    swing = 1 + rng.uniform(0.03, 0.12) * np.sin(2 * np.pi * rng.uniform(4, 15) * time(points))
    course, unit = power_law(rng, points, 0.15, 0.35), between(rng, 0.3, 200.0)
    loss = unit * course * swing * scatter(rng, points, rng.uniform(0.02, 0.05))
    return Draft(loss, validation=_seen(rng, course, unit))


def _sorted_by_length(rng: Generator) -> Draft:
    """Short clips first in each epoch: the loss climbs through the epoch and starts lower in the next."""
    points = length(rng, 200, 3000)
    epochs = time(points) * int(rng.integers(4, 13))
    climb = 1 + rng.uniform(0.1, 0.4) * (np.mod(epochs, 1.0) - 0.5)
    course, unit = power_law(rng, points, 0.15, 0.35), between(rng, 0.3, 200.0)
    loss = unit * course * climb * scatter(rng, points, rng.uniform(0.02, 0.05))
    return Draft(loss, validation=sometimes(rng, _seen(rng, course, unit)), epochs=epochs)


def _buckets_in_order(rng: Generator) -> Draft:
    """Batches of like lengths, their buckets in the same order in every epoch: each has its own level."""
    points = length(rng, 300, 3000)
    rounds, buckets = int(rng.integers(6, 25)), int(rng.integers(4, 12))
    place = np.mod(time(points) * rounds, 1.0) * buckets
    levels = np.exp(rng.uniform(0.08, 0.25) * rng.standard_normal(buckets))
    course, unit = power_law(rng, points, 0.15, 0.35), between(rng, 0.3, 200.0)
    at = np.minimum(place.astype(int), buckets - 1)
    loss = unit * course * levels[at] * scatter(rng, points, rng.uniform(0.02, 0.06))
    return Draft(loss, validation=sometimes(rng, _seen(rng, course, unit)), every=1)


def _two_kinds_of_batches(rng: Generator) -> Draft:
    """Every so many-th batch by chance from a harder set (another language, noisy speech): two levels, one course."""
    points = length(rng, 200, 3000)
    hard = rng.random(points) < rng.uniform(0.05, 0.3)
    course = power_law(rng, points, 0.15, 0.35) * np.where(hard, rng.uniform(1.4, 2.5), 1.0)
    loss = course * scatter(rng, points, rng.uniform(0.02, 0.08))
    return Draft(scaled(rng, loss), rate=sometimes(rng, constant(rng, points, 1e-5, 1e-3)), every=1)


def _drops_with_the_rate(rng: Generator) -> Draft:
    """Flat at each rate, down by a fifth or more when the schedule divides it by ten."""
    points = length(rng, 100, 3000)
    stage = (time(points) > 0.4).astype(int) + (time(points) > 0.7)
    since = np.where(stage == 0, time(points), np.where(stage == 1, time(points) - 0.4, time(points) - 0.7))
    levels, before = np.array([0.5, 0.36, 0.3]), np.array([1.0, 0.5, 0.36])
    course = levels[stage] + (before - levels)[stage] * np.exp(-since / 0.03)
    rate = between(rng, 1e-3, 1e-1) * 0.1**stage
    return Draft(scaled(rng, course * scatter(rng, points, rng.uniform(0.02, 0.06))), rate=sometimes(rng, rate, 0.7))


def _logarithm(rng: Generator) -> Draft:
    """The same fall for each doubling of the steps, and half of the loss still there."""
    points = length(rng, 60, 3000)
    bend = rng.uniform(0.002, 0.03)
    course = 1 - rng.uniform(0.4, 0.6) * np.log1p(time(points) / bend) / np.log1p(1 / bend)
    return Draft(
        scaled(rng, course * scatter(rng, points, rng.uniform(0.02, 0.08))), rate=constant(rng, points, 1e-4, 1e-3)
    )


def _running_mean(rng: Generator) -> Draft:
    """A progress bar's smoothed loss: it starts late, and its noise wanders."""
    points = length(rng, 150, 3000)
    raw = power_law(rng, points, 0.1, 0.35) * np.exp(rng.uniform(0.1, 0.3) * rng.standard_normal(points))
    kept, shown = float(rng.choice([0.9, 0.95, 0.98])), np.empty(points)
    mean = raw[0]
    for index, value in enumerate(raw):
        mean = kept * mean + (1 - kept) * value
        shown[index] = mean
    return Draft(scaled(rng, shown))


KINDS = tuple(
    Kind(make)
    for make in (
        _one_cycle,
        _cosine_restarts,
        _curriculum,
        _accumulation_changes,
        _means_and_steps,
        _stairs_that_generalise,
        _adversarial,
        _likelihood,
        _heavy_tails,
        _few_epochs,
        _resumed,
        _batch_of_one,
        _averaged_weights,
        _cyclical_dropout,
        _sorted_by_length,
        _buckets_in_order,
        _two_kinds_of_batches,
        _drops_with_the_rate,
        _logarithm,
        _running_mean,
    )
)
