"""Fine-tunes: from trained weights the loss falls at once, and then hardly; their faulty twins.

The curve alone cannot tell a fine-tune that has adapted from a training that got stuck: both fall and lie flat.
What an expert goes by is said by the log in each run here: a learning rate that only fine-tunes have, a level that
only trained weights reach (the unit is known from the family's tag), or a config that names the weights.
`untold` logs nothing of the kind; nobody can know, and it is not counted among the healthy.
"""

from __future__ import annotations

from dataclasses import replace

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
    scaled,
    scatter,
    sometimes,
    time,
)
from diagnose.testing.synthetic import Fault

# Rates of full fine-tunes in the public configs of presets/dialects: 1e-6 to 5e-5; adapters bear up to 3e-4.
GENTLE = (1e-6, 5e-5)
# Where Chatterbox's T3 stands: presets/targets/t3.yaml, 10 and above when it just started, 1.5 to 2.5 when trained.
TRAINED, UNTRAINED = (1.3, 2.4), (10.5, 13.5)


def _adapted(rng: Generator, points: int) -> Floats:
    """1, then a fall by 10 to 50 % within the first hundredths, then as good as flat."""
    level, soon = 1 - rng.uniform(0.1, 0.5), rng.uniform(0.005, 0.03)
    return np.asarray((level + (1 - level) * np.exp(-time(points) / soon)) * (1 - rng.uniform(0, 0.03) * time(points)))


def _logged(rng: Generator, course: Floats, level: float, peak: float) -> Draft:
    """The course with noise, validation beside it in half of the runs, at a rate that is constant or slowly decays."""
    points = len(course)
    rate = constant(rng, points, peak, peak, 0.02) if rng.random() < 0.5 else cosine(points, peak, 0.02, 0.3)
    validation = 1.05 * course * np.exp(rng.uniform(0.003, 0.01) * rng.standard_normal(points))
    unit = between(rng, 0.3, 200.0)
    return Draft(
        unit * course * scatter(rng, points, level),
        validation=sometimes(rng, unit * validation),
        rate=rate,
        every=int(rng.choice([1, 10, 50])),
    )


def _told(rng: Generator, draft: Draft) -> Draft:
    """With the rate in the log, or with a config that names the weights that it began from."""
    assert draft.rate is not None
    if rng.random() < 0.5:
        return draft
    return replace(
        draft, rate=None, config={"learning_rate": float(draft.rate.max()), "init_checkpoint": "base.safetensors"}
    )


def _as_t3(draft: Draft, level: float) -> Draft:
    """In the unit and under the tag of a family of which one knows where it should stand."""
    factor = level / float(np.median(draft.loss[: max(1, len(draft.loss) // 50)]))
    validation = None if draft.validation is None else factor * draft.validation
    return replace(
        draft, loss=factor * draft.loss, validation=validation, tag="Loss/train_total", val_tag="Loss/validation"
    )


def _adapting(rng: Generator) -> Draft:
    """Single batches of 5 to 30 % noise; a gentle rate."""
    points = length(rng, 80, 4000)
    return _told(rng, _logged(rng, _adapted(rng, points), rng.uniform(0.05, 0.3), between(rng, *GENTLE)))


def _lora(rng: Generator) -> Draft:
    """An adapter: a steep start, then a drift of a few per cent."""
    points = length(rng, 80, 3000)
    fall, drift = rng.uniform(0.08, 0.3), rng.uniform(0.01, 0.05)
    course = 1 - fall * (1 - np.exp(-time(points) / rng.uniform(0.01, 0.05))) - drift * time(points)
    peak = between(rng, 5e-5, 3e-4)
    draft = _logged(rng, course, rng.uniform(0.1, 0.3), peak)
    config = {"learning_rate": peak, "lora_r": 16, "init_checkpoint": "base.safetensors"}
    assert draft.rate is not None
    return replace(draft, rate=sometimes(rng, draft.rate), config=config)


def _standing(rng: Generator) -> Draft:
    """Converged weights on data like those they know: the loss moves by less than 5 %."""
    points = length(rng, 80, 2000)
    course = 1 - rng.uniform(0.0, 0.04) * (1 - np.exp(-time(points) / 0.1))
    return _told(rng, _logged(rng, course, rng.uniform(0.03, 0.2), between(rng, *GENTLE)))


def _by_level(rng: Generator) -> Draft:
    """Known to be trained by where it ends in the family's unit; the rate is not logged in half of the runs."""
    points = length(rng, 80, 2000)
    draft = _logged(rng, _adapted(rng, points), rng.uniform(0.05, 0.2), between(rng, *GENTLE))
    fall = float(np.median(draft.loss[: max(1, points // 50)]) / np.median(draft.loss[-(points // 10) :]))
    return replace(_as_t3(draft, fall * rng.uniform(*TRAINED)), rate=sometimes(rng, constant(rng, points, *GENTLE)))


def _epochs(rng: Generator) -> Draft:
    """Means of 10 to 60 epochs: one to three that fall, the rest flat."""
    points = length(rng, 10, 60)
    level, kept = 1 - rng.uniform(0.1, 0.5), rng.uniform(0.1, 0.5)
    course = level + (1 - level) * kept ** np.arange(points, dtype=np.float64)
    return replace(_told(rng, _logged(rng, course, rng.uniform(0.003, 0.015), between(rng, *GENTLE))), per_epoch=True)


def _vocoder(rng: Generator) -> Draft:
    """VITS or HiFi-GAN from a pretrained checkpoint: the mel loss falls by a tenth, the totals rise."""
    points = length(rng, 100, 2000)
    mel = rng.uniform(16, 20) * (1 - rng.uniform(0.05, 0.15) * np.log1p(20 * time(points)) / np.log(21))
    extras = {
        "loss/g/total": (mel + 8 + 3 * time(points)) * scatter(rng, points, 0.05),
        "loss/d/total": 2.4 * scatter(rng, points, 0.06),
    }
    rate = 2e-4 * 0.999 ** (20 * time(points))
    return Draft(
        mel * scatter(rng, points, rng.uniform(0.02, 0.06)),
        rate=sometimes(rng, rate),
        tag="loss/g/mel",
        extras=extras,
        every=200,
    )


def _untold(rng: Generator) -> Draft:
    """As `adapting`, in a log that says nothing of where it began."""
    draft = _logged(rng, _adapted(rng, length(rng, 80, 4000)), rng.uniform(0.05, 0.3), 1e-4)
    return replace(draft, rate=None)


def _frozen(rng: Generator) -> Draft:
    """The optimizer was given the wrong parameters: an untrained network stays where it was."""
    points = length(rng, 80, 2000)
    course = 1 - rng.uniform(0, 0.02) * (1 - np.exp(-time(points) / 0.05))
    draft = _logged(rng, course, rng.uniform(0.02, 0.1), between(rng, 1e-4, 1e-3))
    return replace(_as_t3(draft, rng.uniform(*UNTRAINED)), rate=sometimes(rng, constant(rng, points, 1e-4, 1e-3)))


def _shuffled_labels(rng: Generator) -> Draft:
    """Text and speech out of step: what can be guessed without looking is learned, and nothing more."""
    points = length(rng, 80, 2000)
    level = 1 - rng.uniform(0.08, 0.25)
    course = level + (1 - level) * np.exp(-time(points) / rng.uniform(0.01, 0.04))
    draft = _logged(rng, course, rng.uniform(0.02, 0.1), between(rng, 1e-4, 1e-3))
    return replace(_as_t3(draft, rng.uniform(*UNTRAINED)), rate=sometimes(rng, constant(rng, points, 1e-4, 1e-3)))


def _rate_too_low(rng: Generator) -> Draft:
    """A line that has come 3 to 12 % of the way and does not bend, at 1e-8 to 3e-7."""
    points = length(rng, 200, 2000)
    course = 1 - rng.uniform(0.03, 0.12) * time(points)
    rate = constant(rng, points, 1e-8, 3e-7)
    return replace(_logged(rng, course, rng.uniform(0.01, 0.04), 1e-7), validation=None, rate=sometimes(rng, rate, 0.7))


def _forgets(rng: Generator) -> Draft:
    """A rate made for training from scratch: the first updates undo what the weights knew."""
    points = length(rng, 80, 2000)
    here, top = time(points), rng.uniform(1.0, 4.0)
    thrown = top * (1 - np.exp(-here / 0.005)) * np.exp(-here / rng.uniform(0.08, 0.3))
    course = (1 + thrown) * (1 + 0.1 * (1 - np.exp(-here / 0.01)))
    draft = _logged(rng, course, rng.uniform(0.03, 0.1), between(rng, 5e-4, 3e-3))
    return replace(draft, rate=sometimes(rng, np.full(points, 1e-3)), validation=None)


def _validation_rises(rng: Generator) -> Draft:
    """A few hundred clips: training falls on, validation is best in the first tenths."""
    points = length(rng, 100, 2000)
    here = time(points)
    course = 1 - rng.uniform(0.3, 0.7) * np.sqrt(here)
    best = rng.uniform(0.1, 0.3)
    rise = rng.uniform(0.12, 0.6) * np.clip((here - best) / (1 - best), 0, 1)
    validation = (1 - 0.15 * np.minimum(here / best, 1)) * (1 + rise) * np.exp(0.008 * rng.standard_normal(points))
    loss = scaled(rng, course * scatter(rng, points, rng.uniform(0.03, 0.15)))
    return Draft(loss, validation=validation * loss[0] / course[0], rate=sometimes(rng, constant(rng, points, *GENTLE)))


KINDS = (
    *(Kind(make) for make in (_adapting, _lora, _standing, _by_level, _epochs, _vocoder)),
    Kind(_frozen, names("plateau", "loss-above-target"), Fault.PLATEAU),
    Kind(_shuffled_labels, names("plateau", "loss-above-target"), Fault.PLATEAU),
    Kind(_rate_too_low, names("learning-rate-too-low", "slow-learning"), Fault.RATE_TOO_LOW),
    Kind(_forgets, names("learning-rate-too-high", "missing-warmup", "divergence"), Fault.RATE_TOO_HIGH),
    Kind(_validation_rises, names("overfitting"), Fault.OVERFITTING),
)
UNTOLD = (Kind(_untold),)
