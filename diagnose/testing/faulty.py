"""Shapes of faulty runs: what each cause makes of the loss."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from diagnose.run import FloatArray
from diagnose.testing.setting import Noise, Setting, Shape, log_uniform
from diagnose.testing.sound import descent


def sudden_rises(rng: np.random.Generator, setting: Setting) -> Shape:
    """Bad batches: the loss leaps up and comes back. One or two high ones, or several lower."""
    count = int(rng.integers(1, 3 if setting.points < 100 else 6))
    # Below this an expert would shrug: bad batches of 1.8 times the trend recur, a lone one must stand out.
    least = max(1.8 if count > 2 else 2.5, float(np.exp(10 * setting.level)))
    base = descent(rng, setting, 0.1, 0.4)
    room = np.linspace(max(5, 0.2 * setting.points), setting.points - max(5, 0.1 * setting.points), count + 1)
    starts = [int(rng.uniform(low, low + 0.6 * (high - low))) for low, high in pairwise(room)]
    factor = np.ones(setting.points)
    for start in starts:
        since = np.arange(setting.points) - start
        width = max(0.8, rng.uniform(0.001, 0.01) * setting.points)
        rise = log_uniform(rng, 1.0, 3.0) * least - 1
        factor += np.where(since >= 0, rise * np.exp(-np.maximum(since, 0) / width), 0.0)
    return Shape(base * factor, validation=base * 1.03, onset=starts[0], stress=factor**2)


def _onset(rng: np.random.Generator, setting: Setting) -> int:
    """Where learning ends: past the first third, and with a quarter of the run (at least one point) to go."""
    first, last = max(2, setting.points // 3), setting.points - max(1, setting.points // 4)
    return int(rng.integers(first, max(first + 1, last)))


def _since(setting: Setting, onset: int) -> FloatArray:
    """Share of the time after `onset`: above 0 from there, 1 at the last point."""
    return np.clip((np.arange(setting.points) - onset + 1) / (setting.points - onset), 0.0, 1.0)


def climb(rng: np.random.Generator, setting: Setting) -> Shape:
    """Learning turns over: the loss climbs back towards where it started and stays up."""
    base, onset = descent(rng, setting, 0.1, 0.45), _onset(rng, setting)
    reach = np.minimum(_since(setting, onset) / rng.uniform(0.2, 0.8), 1.0)
    lost = rng.uniform(0.6, 1.3) * (1 - base[onset - 1])
    trend = np.where(reach > 0, base[onset - 1] + lost * reach, base)
    return Shape(trend, onset=onset, stress=1 + 4 * reach)


def collapse(rng: np.random.Generator, setting: Setting) -> Shape:
    """Within a few updates all is forgotten; the loss sits at what a guess would get."""
    base, onset = descent(rng, setting, 0.1, 0.45), _onset(rng, setting)
    reach = 1 - np.exp(-np.maximum(np.arange(setting.points) - onset + 1, 0) / max(0.5, 0.01 * setting.points))
    trend = base + (rng.uniform(0.85, 1.05) - base) * reach
    return Shape(trend, onset=onset, stress=1 + 20 * reach * np.exp(-5 * _since(setting, onset)))


def blow_up(rng: np.random.Generator, setting: Setting) -> Shape:
    """The loss grows without bound, to many times its first value."""
    base, onset = descent(rng, setting, 0.1, 0.45), _onset(rng, setting)
    growth = np.exp(_since(setting, onset) * np.log(log_uniform(rng, 10, 1e4)))
    growth = np.where(np.arange(setting.points) < onset, 1.0, growth)
    return Shape(base * growth, onset=onset, stress=growth)


def sudden_nan(rng: np.random.Generator, setting: Setting) -> Shape:
    """Out of nothing, NaN to the end (an overflow, an empty target)."""
    onset = _onset(rng, setting)
    trend = np.where(np.arange(setting.points) >= onset, np.nan, descent(rng, setting))
    return Shape(trend, onset=onset)


def nan_after_climb(rng: np.random.Generator, setting: Setting) -> Shape:
    """The loss explodes, passes through infinity and is NaN from there."""
    grown = blow_up(rng, setting)
    onset = min(setting.points - 1, (grown.onset or 0) + max(1, setting.points // 20))
    index = np.arange(setting.points)
    trend = np.where(index > onset, np.nan, np.where(index == onset, np.inf, grown.trend))
    return Shape(trend, onset=onset, stress=grown.stress)


def scattered_nan(rng: np.random.Generator, setting: Setting) -> Shape:
    """Single batches give NaN; the trainer skips them and goes on."""
    onset = _onset(rng, setting)
    bad = rng.random(setting.points) < 0.03
    bad[:onset], bad[onset] = False, True
    trend = descent(rng, setting)
    return Shape(np.where(bad, np.nan, trend), validation=trend * 1.03, onset=onset)


def hidden_nan(rng: np.random.Generator, setting: Setting) -> Shape:
    """Hugging Face's `logging_nan_inf_filter`: the log says 0.0 while the gradient norm is NaN."""
    onset = _onset(rng, setting)
    lost, trend = np.arange(setting.points) >= onset, descent(rng, setting)
    return Shape(
        np.where(lost, 0.0, trend),
        validation=np.where(lost, np.nan, 1.03 * trend),
        onset=onset,
        stress=np.where(lost, np.nan, 1.0),
    )


def stuck_from_start(rng: np.random.Generator, setting: Setting) -> Shape:
    """The network learns the mean answer, if that, and nothing more, at a learning rate that stays up."""
    drop = rng.uniform(0.0, 0.05)
    return Shape(1 - drop * (1 - np.exp(-setting.time / 0.02)), onset=0)


def stuck_midway(rng: np.random.Generator, setting: Setting) -> Shape:
    """Falls at first, then lies flat for most of the run with most of the loss left and the rate still up."""
    level, soon = rng.uniform(0.55, 0.85), rng.uniform(0.02, 0.08)
    onset = min(setting.points - 1, int(4 * soon * setting.points))
    return Shape(level + (1 - level) * np.exp(-setting.time / soon), onset=onset)


def frozen(rng: np.random.Generator, setting: Setting) -> Shape:
    """A decay meant for epochs applied at every update: the rate is nothing after a tenth of the run."""
    rate = np.maximum(np.exp(-setting.time / rng.uniform(0.01, 0.03)), 1e-9)
    level = rng.uniform(0.5, 0.85)
    trend = level + (1 - level) * rate
    return Shape(trend, rate=rate, onset=int(0.1 * setting.points))


def overfit_late(rng: np.random.Generator, setting: Setting) -> Shape:
    """Validation turns in the middle of the run and rises while training goes on falling."""
    return _overfit(rng, setting, turn=(0.25, 0.55), rise=(0.12, 0.5))


def overfit_early(rng: np.random.Generator, setting: Setting) -> Shape:
    """A small set: validation is best after a few passes, then rises steeply."""
    return _overfit(rng, setting, turn=(0.15, 0.3), rise=(0.3, 1.5))


def _overfit(rng: np.random.Generator, setting: Setting, turn: tuple[float, float], rise: tuple[float, float]) -> Shape:
    trend = descent(rng, replace(setting, rate=np.ones(setting.points)), 0.01, 0.15)
    trend = trend * (1 - rng.uniform(0.3, 0.7) * setting.time)
    best = int(rng.uniform(*turn) * setting.points)
    since = np.clip((setting.time - setting.time[best]) / (1 - setting.time[best]), 0, 1)
    gap = 1.05 + 0.15 * np.minimum(setting.time / setting.time[best], 1) if best else 1.1
    validation = np.where(since > 0, (trend * gap)[best] * (1 + rng.uniform(*rise) * since**1.2), trend * gap)
    return Shape(trend, validation=validation, onset=best)


def _bounces(rng: np.random.Generator, setting: Setting, height: tuple[float, float]) -> FloatArray:
    """A factor that swings irregularly between 1 and exp(height): each update overshoots, then recovers."""
    swings = int(np.clip(setting.points // 3, 4, rng.integers(8, 26)))
    knots = np.sort(np.concatenate([[0.0, 1.0], rng.uniform(0, 1, 2 * swings)]))
    levels = np.where(np.arange(len(knots)) % 2, rng.uniform(*height, len(knots)), rng.normal(0, 0.04, len(knots)))
    return np.exp(np.interp(setting.time, knots, levels))


def bouncing(rng: np.random.Generator, setting: Setting) -> Shape:
    """Falls for a moment, then only bounces: overshoot and recovery without net progress."""
    level = rng.uniform(0.4, 0.75)
    base = level + (1 - level) * np.exp(-setting.time / rng.uniform(0.01, 0.04))
    swings = _bounces(rng, setting, (0.25, 0.8))
    return Shape(base * swings, onset=0, stress=swings**2)


def thrown_up(rng: np.random.Generator, setting: Setting) -> Shape:
    """Full rate from the first update: the loss is thrown to several times its start and never settles."""
    throw = rng.uniform(0.5, 4.0) * np.exp(-((setting.time / rng.uniform(0.04, 0.1)) ** 2)) * (setting.time > 0)
    base = 1 - rng.uniform(0.05, 0.35) * setting.time
    swings = _bounces(rng, setting, (0.2, 0.6))
    return Shape(base * (1 + throw) * np.where(setting.time > 0, swings, 1.0), onset=0, stress=swings**2 * (1 + throw))


def relieved(rng: np.random.Generator, setting: Setting) -> Shape:
    """Bounces at a high level while the rate is up; calms down and falls only as the schedule takes it away."""
    level, ease = rng.uniform(0.6, 0.9), rng.uniform(0.3, 0.6)
    base = level + (1 - level) * np.exp(-setting.time / 0.02)
    swings = 1 + (_bounces(rng, setting, (0.4, 0.9)) - 1) * setting.rate
    return Shape(base * (1 - ease * (1 - setting.rate) ** 2) * swings, onset=0, stress=swings**2)


def crawling(rng: np.random.Generator, setting: Setting) -> Shape:
    """A straight line that has gone a small part of the way and has not begun to bend."""
    # The smooth course must stand out of the noise: its fall is several standard errors of a tenth of the run.
    # Noise that wanders (memory up to 0.9) averages out as if there were a tenth of the points.
    worth = setting.points / (100 if setting.noise is Noise.AUTOCORRELATED else 10)
    seen = 12 * setting.level / np.sqrt(max(1.0, worth))
    drop = max(rng.uniform(0.03, 0.18), min(seen, 0.2))
    return Shape(1 - drop * setting.progress, onset=0)


def staircase(rng: np.random.Generator, setting: Setting) -> Shape:
    """A tiny set memorised: flat within an epoch, a step down at each new one, nearly nothing left."""
    epochs = setting.time * int(np.clip(setting.points // 12, 6, rng.integers(8, 41)))
    first, floor = rng.uniform(0.4, 0.7), rng.uniform(0.005, 0.05)
    step = max(rng.uniform(0.2, 0.5), 4 * setting.level)
    level = first * np.exp(-step * (np.floor(epochs) - 1 + 0.15 * np.mod(epochs, 1.0)))
    opening = first + (1 - first) * np.exp(-epochs / 0.15)
    trend = np.maximum(np.where(epochs < 1, opening, level), floor)
    known = rng.random() < 0.6
    return Shape(trend, epochs=epochs if known else None, onset=int(np.searchsorted(epochs, 1.0)))
