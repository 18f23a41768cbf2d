"""Shapes of healthy runs: habits of practice that look like a fault and are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from diagnose.run import FloatArray
from diagnose.testing.setting import Setting, Shape, log_uniform


def descent(rng: np.random.Generator, setting: Setting, low: float = 0.02, high: float = 0.35) -> FloatArray:
    """A power law in summed learning rate down to a floor of `low` to `high`, lower still where the rate decays.

    Form and exponents after the Multi-Power Law, arXiv 2503.12811.
    """
    floor, bend = rng.uniform(low, high), log_uniform(rng, 0.01, 0.1)
    fall = (1 + setting.progress / bend) ** -rng.uniform(0.5, 1.2)
    peak = int(np.argmax(setting.rate))
    rate = np.where(np.arange(setting.points) < peak, 1.0, setting.rate)
    return np.asarray((floor + (1 - floor) * fall) * (1 - rng.uniform(0.0, 0.12) * (1 - rate)))


def steady(rng: np.random.Generator, setting: Setting) -> Shape:
    """Nothing but a descent."""
    return Shape(descent(rng, setting))


def few_epochs(rng: np.random.Generator, setting: Setting) -> Shape:
    """Four to twelve epochs, each better than the last."""
    kept = rng.uniform(0.72, 0.93) ** np.arange(setting.points, dtype=np.float64)
    return Shape(0.1 + 0.9 * kept)


def warm_up_hump(rng: np.random.Generator, setting: Setting) -> Shape:
    """The loss rises while the learning rate warms up, then falls for good."""
    centre = rng.uniform(0.03, 0.08)
    hump = rng.uniform(0.1, 0.4) * np.exp(-(((setting.time - centre) / (0.4 * centre)) ** 2))
    return Shape(descent(rng, setting, high=0.25) + hump)


def converged(rng: np.random.Generator, setting: Setting) -> Shape:
    """Nearly all of the loss gone early; the flat rest is the end of the work, not a plateau."""
    floor = rng.uniform(0.01, 0.2)
    return Shape(floor + (1 - floor) * np.exp(-rng.uniform(8, 25) * setting.time))


def annealed(rng: np.random.Generator, setting: Setting) -> Shape:
    """Flat at the end because the learning rate, which is logged, has gone to nothing."""
    floor = rng.uniform(0.3, 0.6)
    return Shape(floor + (1 - floor) * np.exp(-rng.uniform(3, 6) * setting.progress))


def fine_tune(rng: np.random.Generator, setting: Setting) -> Shape:
    """Starts low, from trained weights: falls by a third or so, ever more slowly, still falling at the end."""
    drop, bend = rng.uniform(0.25, 0.5), rng.uniform(0.05, 0.3)
    return Shape(1 - drop * np.log1p(setting.progress / bend) / np.log1p(1 / bend))


def flow_matching(rng: np.random.Generator, setting: Setting) -> Shape:
    """A loss that averages over random times: a fast start, then a long slow gain below loud white noise."""
    floor = rng.uniform(0.35, 0.5)
    slow = 0.12 * np.log1p(setting.time / 0.05) / np.log1p(20)
    trend = floor + (1 - floor) * np.exp(-setting.time / rng.uniform(0.01, 0.04)) - slow * floor
    return Shape(trend, loudness=rng.uniform(0.12, 0.25))


def restart(rng: np.random.Generator, setting: Setting) -> Shape:
    """Resumed without its optimiser state: a small jump after hours without a step, soon made good."""
    at = int(rng.uniform(0.3, 0.8) * setting.points)
    since = np.arange(setting.points) - at
    healed = np.exp(-np.maximum(since, 0) / max(1.0, rng.uniform(0.01, 0.03) * setting.points))
    jump = np.where(since >= 0, rng.uniform(0.05, 0.2) * healed, 0.0)
    return Shape(descent(rng, setting) * (1 + jump), pause=at)


def adversarial(rng: np.random.Generator, setting: Setting) -> Shape:
    """A GAN vocoder or VITS: the mel loss falls while the total and feature losses rise, the discriminator hovers."""
    mel, time = descent(rng, setting, 0.15, 0.35), setting.time
    wobble = {name: np.exp(0.08 * rng.standard_normal(setting.points)) for name in ("d", "fm", "gen")}
    extras = {
        "loss/d/total": 2.5 * (1 - 0.15 * time) * wobble["d"],
        "loss/g/fm": (1.0 + 5.0 * time**0.5) * wobble["fm"],
        "loss/g/gen": (2.0 + 1.0 * time) * wobble["gen"],
    }
    extras["loss/g/total"] = setting.scale * mel + setting.scale * 0.08 * (extras["loss/g/fm"] + extras["loss/g/gen"])
    return Shape(mel, extras=extras, family="vits", tag="loss/g/mel")


def saturated(rng: np.random.Generator, setting: Setting) -> Shape:
    """Tacotron: the training loss is flat after a tenth of the run, validation and speech still improve."""
    floor = rng.uniform(0.02, 0.12)
    trend = floor + (1 - floor) * np.exp(-setting.time / rng.uniform(0.01, 0.04))
    late = rng.uniform(0.3, 0.8) * floor * (1 - np.log1p(setting.time / 0.1) / np.log1p(10))
    return Shape(trend, validation=trend * 1.02 + late)


def stage_switch(rng: np.random.Generator, setting: Setting) -> Shape:
    """A second stage adds a term to the loss: it steps up when the new tag appears, and falls below where it was."""
    at = int(rng.uniform(0.3, 0.5) * setting.points)
    trend = descent(rng, setting, 0.1, 0.3)
    since = np.clip((np.arange(setting.points) - at) / (setting.points - at), 0, 1)
    second = trend[at] * (rng.uniform(1.15, 1.5) * (0.5 + 0.5 * np.exp(-4 * since)))
    new = np.where(np.arange(setting.points) >= at, 0.3 * second * setting.scale, np.nan)
    noisy = new * np.exp(setting.level * rng.standard_normal(setting.points))
    return Shape(np.where(since > 0, second, trend), extras={"train/loss_stage2": noisy})


def likelihood(rng: np.random.Generator, setting: Setting) -> Shape:
    """The negative log-likelihood of a flow: falls through zero, as it may."""
    lift, bend = rng.uniform(1.5, 4.0), log_uniform(rng, 0.01, 0.1)
    lowest = rng.uniform(0.1, 0.7) * lift
    return Shape(lowest + (1 + lift - lowest) * (1 + setting.progress / bend) ** -rng.uniform(0.5, 1.2), lift=-lift)


def warm_restarts(rng: np.random.Generator, setting: Setting) -> Shape:
    """The learning rate is sent back to its peak at each cycle (SGDR), and the loss breathes with it."""
    cycles = int(rng.integers(3, 7))
    rate = 0.5 * (1 + np.cos(np.pi * np.mod(setting.time * cycles, 1.0)))
    trend = descent(rng, replace(setting, rate=np.ones(setting.points)))
    return Shape(trend * (1 + rng.uniform(0.05, 0.15) * rate), rate=rate)


def many_epochs(rng: np.random.Generator, setting: Setting) -> Shape:
    """Several passes over enough data: small steps at the epochs, and validation falls with them."""
    epochs = setting.time * rng.integers(3, 9)
    trend = descent(rng, setting)
    return Shape(trend * (1 - rng.uniform(0.01, 0.03)) ** np.floor(epochs), validation=trend * 1.03, epochs=epochs)
