"""Real trainings with faults put in by their config or data.

The class of a run is its cause. A fault that left no mark is no fault: each run is compared with what its cause
must have done (a rate too high must have cost progress against the same training with a good rate), and drawn
anew when it did not. These tests of the effect look at the weights' use of the data, not at what a check measures.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import pairwise
from multiprocessing import get_context

import numpy as np
import numpy.typing as npt

from benchmarks.diagnosis.cases import Case
from benchmarks.diagnosis.networks import Array, Network, Optimiser, Task, loss_of, task
from diagnose.run import Axis, Curve, Role, Run
from diagnose.testing.synthetic import Fault

Floats = npt.NDArray[np.float64]
ATTEMPTS = 12


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """A training config and data, with the places at which a fault can be put in."""

    task: Task
    hidden: tuple[int, ...] = (64, 64)
    optimiser: str = "adam"
    rate: float = 3e-3
    schedule: str = "constant"
    steps: int = 600
    batch: int = 32
    clip: float | None = 1.0
    samples: int | None = None
    """Size of the training set; None: fresh examples at every step."""
    validation: int = 0
    """Held-out examples; 0: no validation is logged."""
    evaluations: int = 20
    every: int = 1
    """Steps between two logged points."""
    per_epoch: bool = False
    logs_rate: bool = True
    logs_gradients: bool = False
    logs_epochs: bool = False
    bad_batches: frozenset[int] = frozenset()
    nan_at: int | None = None
    jump_at: int | None = None
    jump: float = 1.0
    shuffled: bool = False
    frozen: bool = False
    naive: bool = False
    pretrained: int = 0
    """Updates on the same task before the log begins: a fine-tuning."""

    @property
    def epoch(self) -> int:
        """Steps in one pass over the training set."""
        return max(1, (self.samples or 0) // self.batch)


@dataclass(slots=True)
class _Log:
    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    evaluated: list[int] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)


def rate_at(recipe: Recipe, step: int) -> float:
    """The learning rate of `step`, counted from 1."""
    time = step / recipe.steps
    shape = {
        "constant": 1.0,
        "warmup-constant": min(1.0, time / 0.05),
        "warmup-cosine": min(1.0, time / 0.05) * 0.5 * (1 + np.cos(np.pi * max(0.0, (time - 0.05) / 0.95))),
        "linear": 1.0 - time,
        "exponential": 0.05**time,
        "step": 0.1 ** ((time > 0.5) + (time > 0.8)),
        "per-update-decay": 0.95 ** min(step, 400),
    }[recipe.schedule]
    jumped = recipe.jump if recipe.jump_at is not None and step >= recipe.jump_at else 1.0
    return float(recipe.rate * shape * jumped)


def train(recipe: Recipe, seed: int) -> Run:
    """The log of one training. Overflows are part of the story and stay silent."""
    with np.errstate(all="ignore"):
        log = _train(recipe, np.random.default_rng(seed))
    return _run(recipe, log)


def _train(recipe: Recipe, rng: np.random.Generator) -> _Log:
    network = Network([recipe.task.width, *recipe.hidden, recipe.task.outputs], rng)
    if recipe.pretrained:
        _fit(network, replace(recipe, steps=recipe.pretrained, schedule="constant", samples=None), rng)
    return _fit(network, recipe, rng)


def _fit(network: Network, recipe: Recipe, rng: np.random.Generator) -> _Log:
    log, optimiser = _Log(), Optimiser(recipe.optimiser, network.parameters.size)
    held_out = recipe.task.draw(rng, recipe.validation) if recipe.validation else None
    between = max(1, recipe.epoch if recipe.per_epoch else recipe.steps // recipe.evaluations)
    for step, (inputs, targets) in enumerate(_batches(recipe, rng), start=1):
        values = network.outputs(inputs)
        loss, error = loss_of(values[-1], targets, recipe.task.classes, naive=recipe.naive)
        gradient = network.gradient(values, error)
        norm = float(np.sqrt(np.sum(gradient.astype(np.float64) ** 2)))
        log.losses.append(loss)
        log.norms.append(norm)
        log.rates.append(rate_at(recipe, step))
        if recipe.frozen:  # all but the last bias: the optimiser was given the wrong parameters
            gradient[: -recipe.task.outputs] = 0
        if recipe.clip is not None and norm > recipe.clip:
            gradient = gradient * np.float32(recipe.clip / norm)
        optimiser.step(network.parameters, gradient, rate_at(recipe, step))
        if held_out is not None and step % between == 0:
            log.evaluated.append(step)
            outputs = network.outputs(held_out[0])[-1]
            log.validation.append(loss_of(outputs, held_out[1], recipe.task.classes, naive=recipe.naive)[0])
    return log


def _batches(recipe: Recipe, rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    stock = recipe.task.draw(rng, recipe.samples) if recipe.samples else None
    order: Sequence[int] = []
    for step in range(1, recipe.steps + 1):
        if stock is None:
            inputs, targets = recipe.task.draw(rng, recipe.batch)
        else:
            if len(order) < recipe.batch:
                order = rng.permutation(len(stock[0])).tolist()
            chosen, order = order[: recipe.batch], order[recipe.batch :]
            inputs, targets = stock[0][chosen], stock[1][chosen]
        if recipe.shuffled:
            targets = rng.permutation(targets)
        if step in recipe.bad_batches:
            inputs, targets = 12 * inputs, rng.permutation(targets)
        if step == recipe.nan_at:
            inputs = np.where(np.arange(len(inputs))[:, None] == 0, np.float32(np.inf), inputs)
        yield inputs, targets


def _run(recipe: Recipe, log: _Log) -> Run:
    """What the trainer logs: each `every` steps, or the mean of each epoch."""
    width = recipe.epoch if recipe.per_epoch else recipe.every
    count = len(log.losses) // width
    last = width * np.arange(1, count + 1)
    steps = np.arange(1, count + 1) if recipe.per_epoch else last
    losses = np.array(log.losses)[: count * width].reshape(count, width)
    values = losses.mean(axis=1) if recipe.per_epoch else losses[:, -1]
    epochs = last / recipe.epoch if recipe.logs_epochs else None
    curves = [Curve("train/loss", steps, values, epochs=epochs, role=Role.TRAIN_LOSS)]
    if log.validation:
        at = np.array(log.evaluated) // (width if recipe.per_epoch else 1)
        curves.append(Curve("val/loss", at, np.array(log.validation), role=Role.VAL_LOSS))
    if recipe.logs_rate:
        curves.append(Curve("learning_rate", steps, np.array(log.rates)[last - 1], role=Role.LEARNING_RATE))
    if recipe.logs_gradients:
        curves.append(Curve("grad_norm", steps, np.array(log.norms)[last - 1], role=Role.GRAD_NORM))
    axis = Axis.EPOCH if recipe.per_epoch else Axis.STEP
    dated = [replace(curve, axis=axis, wall_times=1.7e9 + 2.0 * curve.steps.astype(np.float64)) for curve in curves]
    return Run("trained", "trained", "numpy", {curve.tag: curve for curve in dated})


# --- healthy configs -------------------------------------------------------------------------------------

# From a sweep of each pair over 1e-3 ... 3 (600 steps, batches of 32): half of the best rate, for safety.
_RATES = {
    ("regression", "adam"): 5e-3,
    ("regression", "sgd"): 0.05,
    ("clusters", "adam"): 3e-3,
    ("clusters", "sgd"): 0.02,
    ("characters", "adam"): 1e-2,
    ("characters", "sgd"): 0.1,
}


def healthy(rng: np.random.Generator) -> Recipe:
    """A config that someone who knows the trade would run: enough data, a rate from a sweep, a usual schedule."""
    name = str(rng.choice(["regression", "clusters", "characters"]))
    optimiser = str(rng.choice(["adam", "sgd"]))
    steps = int(rng.choice([800, 1500] if name == "characters" else [200, 400, 800, 1500]))
    samples = int(rng.choice([0, 4096])) or None
    recipe = Recipe(
        task(name, rng, noise=float(rng.choice([0.05, 0.2, 0.5])) if name == "regression" else 0.1),
        optimiser=optimiser,
        rate=_RATES[name, optimiser] * float(rng.choice([0.7, 1.0, 1.4])),
        schedule=str(rng.choice(["constant", "warmup-constant", "warmup-cosine", "linear", "exponential", "step"])),
        steps=steps,
        batch=int(rng.choice([16, 32, 64])),
        samples=samples,
        validation=int(rng.choice([0, 512])),
        every=int(rng.choice([1, 2, 5])) if steps > 200 else 1,
        logs_rate=bool(rng.random() < 0.7),
        logs_gradients=bool(rng.random() < 0.4),
        pretrained=int(rng.choice([0, 0, 0, 60])),
    )
    if samples and rng.random() < 0.5:
        epochs = int(rng.integers(5, 13))
        return replace(recipe, per_epoch=True, batch=64, steps=epochs * (samples // 64), every=1)
    return recipe


# --- faults ----------------------------------------------------------------------------------------------


class Reference:
    """The run to compare with, trained once somebody asks for it: most drafts fail before."""

    def __init__(self, make: Callable[[], Run]) -> None:
        self._make = make

    @cached_property
    def run(self) -> Run:
        """The log of the training."""
        return self._make()


@dataclass(frozen=True, slots=True)
class _Injection:
    """A fault: how the config is spoilt, and what it must have done."""

    kind: str
    spoil: Callable[[Recipe, np.random.Generator], Recipe]
    marked: Callable[[Run, Reference], bool]
    """Whether the run shows the effect, against the run to compare it with."""
    accepted: frozenset[str]
    reference: Callable[[Recipe, Recipe], Recipe] | None = None
    """From the sound and the spoilt recipe the one of the second run; None: no comparison is needed."""


def _course(run: Run, parts: int = 10) -> Floats:
    """Median loss of each tenth of the run, shape (parts,), or of each point of a shorter one."""
    curve = run.curve(Role.TRAIN_LOSS)
    assert curve is not None
    edges = np.linspace(0, len(curve), min(parts, len(curve)) + 1).astype(int)
    return np.array([np.median(curve.values[a:b]) for a, b in pairwise(edges)])


def _start(run: Run) -> float:
    curve = run.curve(Role.TRAIN_LOSS)
    assert curve is not None
    return float(np.median(curve.values[: max(1, min(5, len(curve) // 20))]))


def _gain_kept(run: Run, reference: Reference) -> float:
    """The share of the good training's progress that this one made."""
    start, end = _start(reference.run), float(_course(reference.run)[-1])
    return (start - float(_course(run)[-1])) / max(start - end, 1e-12)


def _finite(run: Run) -> bool:
    curve = run.curve(Role.TRAIN_LOSS)
    return curve is not None and bool(np.isfinite(curve.values).all())


def _steady(recipe: Recipe) -> Recipe:
    """Long enough, and logged as it goes."""
    return replace(recipe, steps=max(recipe.steps, 400), per_epoch=False, every=min(recipe.every, 2), pretrained=0)


def _bad_batches(recipe: Recipe, rng: np.random.Generator) -> Recipe:
    recipe = replace(_steady(recipe), every=1)
    count = int(rng.integers(1, 5))
    places = rng.choice(np.arange(int(0.3 * recipe.steps), int(0.9 * recipe.steps), 20), count, replace=False)
    return replace(recipe, bad_batches=frozenset(int(place) for place in places), clip=0.5)


def _spiked(run: Run, reference: Reference) -> bool:
    curve = run.curve(Role.TRAIN_LOSS)
    assert curve is not None
    calm = _course(run)
    ratio = float(curve.values[len(curve) // 4 :].max() / calm[3:].max())
    return ratio > 3.0 and calm[-1] < 1.2 * calm[2]


def _rate_jumps(recipe: Recipe, rng: np.random.Generator) -> Recipe:
    recipe = replace(_steady(recipe), schedule="constant", logs_rate=bool(rng.random() < 0.7))
    at = int(rng.uniform(0.4, 0.7) * recipe.steps)
    return replace(recipe, jump_at=at, jump=float(rng.choice([30, 100, 300])), clip=5.0)


def _gave_back(run: Run, reference: Reference) -> bool:
    course = _course(run)
    lost = (course[-2:].min() - course.min()) / max(_start(run) - course.min(), 1e-12)
    return _finite(run) and lost > 0.5 and _start(run) > 1.2 * course.min()


def _bad_sample(recipe: Recipe, rng: np.random.Generator) -> Recipe:
    return replace(recipe, nan_at=int(rng.uniform(0.3, 0.9) * recipe.steps))


def _overflow(recipe: Recipe, rng: np.random.Generator) -> Recipe:
    """SGD without clipping at a rate that explodes, until float32 overflows."""
    return replace(_steady(recipe), optimiser="sgd", rate=float(rng.choice([3.0, 10.0])), clip=None, naive=True)


def _became_nan(run: Run, reference: Reference) -> bool:
    curve = run.curve(Role.TRAIN_LOSS)
    return curve is not None and bool(np.isfinite(curve.values[:2]).all()) and not _finite(run)


def _frozen_layers(recipe: Recipe, rng: np.random.Generator) -> Recipe:
    return replace(_steady(recipe), frozen=True, schedule=str(rng.choice(["constant", "warmup-constant"])))


def _shuffled_labels(recipe: Recipe, rng: np.random.Generator) -> Recipe:
    """Inputs and targets out of step: nothing to learn but the mean."""
    return replace(_steady(recipe), shuffled=True, samples=None, schedule="constant")


def _decayed_at_once(recipe: Recipe, rng: np.random.Generator) -> Recipe:
    return replace(_steady(recipe), schedule="per-update-decay", logs_rate=True)


def _stuck(run: Run, reference: Reference) -> bool:
    course = _course(run)
    flat = abs(course[-1] - course[3]) < 0.02 * _start(run)
    return _finite(run) and flat and course[-1] > 0.6 * _start(run) and _gain_kept(run, reference) < 0.6


def _few_noisy_samples(recipe: Recipe, rng: np.random.Generator) -> Recipe:
    """A hundred examples with wrong labels, a network that can learn them all, and a held-out set."""
    noisy = replace(recipe.task, noise=1.0 if recipe.task.name == "regression" else 0.4)
    return replace(
        recipe,
        task=noisy,
        hidden=(128, 128),
        optimiser="adam",
        rate=1e-3,
        samples=int(rng.integers(64, 257)),
        batch=16,
        steps=int(rng.choice([600, 1200])),
        validation=512,
        evaluations=int(rng.choice([15, 30])),
        schedule=str(rng.choice(["constant", "linear", "warmup-constant"])),
        per_epoch=bool(rng.random() < 0.3),
        pretrained=0,
    )


def _overfitted(run: Run, reference: Reference) -> bool:
    validation, course = run.curve(Role.VAL_LOSS), _course(run)
    if validation is None or len(validation) < 10:
        return False
    best = int(np.argmin(validation.values))
    return (
        1 <= best < 0.7 * len(validation)
        and validation.values[-3:].mean() > 1.12 * validation.values[best]
        and course[-1] < course[3]
    )


def _rate_too_high(recipe: Recipe, rng: np.random.Generator) -> Recipe:
    recipe = replace(_steady(recipe), schedule=str(rng.choice(["constant", "constant", "warmup-constant", "linear"])))
    return replace(recipe, rate=recipe.rate * float(rng.choice([10, 20, 40])), clip=float(rng.choice([1.0, 10.0])))


def _unsettled(run: Run, reference: Reference) -> bool:
    """It cost a third of the progress, and threw the loss above its start or makes it swing as it should not."""
    if not _finite(run) or _gain_kept(run, reference) > 0.67:
        return False
    thrown = float(_course(run, 20).max()) > 1.5 * _start(reference.run)
    return thrown or _swing(run) > max(0.25, 2 * _swing(reference.run))


def _swing(run: Run) -> float:
    """Standard deviation of the log loss, in medians of five points, over the middle half."""
    curve = run.curve(Role.TRAIN_LOSS)
    assert curve is not None
    values = curve.values[len(curve) // 4 : 3 * len(curve) // 4]
    medians = np.median(values[: len(values) // 5 * 5].reshape(-1, 5), axis=1)
    return float(np.std(np.log(np.maximum(medians, 1e-12))))


def _rate_too_low(recipe: Recipe, rng: np.random.Generator) -> Recipe:
    recipe = replace(_steady(recipe), schedule=str(rng.choice(["constant", "warmup-constant"])))
    return replace(recipe, rate=recipe.rate / float(rng.choice([100, 300, 1000])), batch=64)


def _barely_moved(run: Run, reference: Reference) -> bool:
    """It made little of the progress, straight on to the end, and the fall stands out of the noise of the log."""
    curve, course = run.curve(Role.TRAIN_LOSS), _course(run)
    assert curve is not None
    fallen = course[0] - course[-1]
    noise = 1.4826 * np.median(np.abs(np.diff(curve.values))) / np.sqrt(2)
    seen = fallen > 12 * noise / np.sqrt(len(curve) / 10) and fallen > 0.02 * course[0]
    return (
        bool(seen)
        and fallen < 0.25 * course[0]
        and course[6] - course[-1] > 0.25 * fallen
        and _gain_kept(run, reference) < 0.3
    )


def _tiny_set(recipe: Recipe, rng: np.random.Generator) -> Recipe:
    """A few hundred examples, each alone in its many dimensions, met again and again; no held-out set."""
    epochs, batches = int(rng.integers(8, 17)), int(rng.integers(12, 25))
    return replace(
        recipe,
        task=task("regression" if rng.random() < 0.5 else "clusters", rng, noise=1.0, width=1024),
        hidden=(192,),
        optimiser="plain-sgd",
        rate=float(rng.uniform(0.01, 0.03)),
        logs_epochs=bool(rng.random() < 0.5),
        schedule=str(rng.choice(["constant", "linear"])),
        samples=16 * batches,
        batch=16,
        steps=epochs * batches,
        validation=0,
        per_epoch=False,
        every=1,
        clip=None,
        pretrained=0,
    )


def _learned_by_heart(run: Run, reference: Reference) -> bool:
    return _finite(run) and _course(run)[-1] < 0.2 * _start(run)


def _sound(run: Run, reference: Reference) -> bool:
    """It made most of the progress that more steps and a higher rate would bring, and validation is at its best."""
    validation, course = run.curve(Role.VAL_LOSS), _course(run)
    kept = validation is None or validation.values[-1] < 1.02 * validation.values.min()
    return _finite(run) and kept and course[-1] < 0.9 * _start(run) and _gain_kept(run, reference) > 0.85


def _without(recipe: Recipe, spoilt: Recipe) -> Recipe:
    """The same training without the fault."""
    return replace(recipe, steps=spoilt.steps, per_epoch=False, pretrained=0)


def _longer(recipe: Recipe, spoilt: Recipe) -> Recipe:
    """Three times the steps at twice the rate: what there was to learn."""
    return replace(recipe, rate=2 * recipe.rate, steps=3 * recipe.steps)


def _names(*names: str) -> frozenset[str]:
    return frozenset(names)


_CAUSES: Mapping[Fault, tuple[_Injection, ...]] = {
    Fault.HEALTHY: (_Injection("sound", lambda recipe, rng: recipe, _sound, _names(), _longer),),
    Fault.SPIKE: (_Injection("bad-batches", _bad_batches, _spiked, _names("loss-spike")),),
    Fault.DIVERGENCE: (_Injection("rate-jumps", _rate_jumps, _gave_back, _names("divergence")),),
    Fault.NAN: (
        _Injection("bad-sample", _bad_sample, _became_nan, _names("non-finite-loss")),
        _Injection("overflow", _overflow, _became_nan, _names("non-finite-loss")),
    ),
    Fault.PLATEAU: (
        _Injection("frozen-layers", _frozen_layers, _stuck, _names("plateau"), _without),
        _Injection("shuffled-labels", _shuffled_labels, _stuck, _names("plateau"), _without),
        _Injection("decayed-at-once", _decayed_at_once, _stuck, _names("plateau", "dead-schedule"), _without),
    ),
    Fault.OVERFITTING: (_Injection("few-noisy-samples", _few_noisy_samples, _overfitted, _names("overfitting")),),
    Fault.RATE_TOO_HIGH: (
        # At such a rate a real run may also give back what it gained: then divergence is what there is to see.
        _Injection(
            "rate-too-high",
            _rate_too_high,
            _unsettled,
            _names("learning-rate-too-high", "oscillation", "missing-warmup", "divergence"),
            _without,
        ),
    ),
    Fault.RATE_TOO_LOW: (
        _Injection(
            "rate-too-low", _rate_too_low, _barely_moved, _names("learning-rate-too-low", "slow-learning"), _without
        ),
    ),
    Fault.MEMORISATION: (_Injection("tiny-set", _tiny_set, _learned_by_heart, _names("memorisation")),),
}


def trained_cases(first_seed: int, healthy_runs: int, runs_per_fault: int) -> Iterator[Case]:
    """Real trainings, `healthy_runs` sound ones and `runs_per_fault` of each fault, on every core."""
    asked = [
        (fault, first_seed + index)
        for fault in Fault
        for index in range(healthy_runs if fault is Fault.HEALTHY else runs_per_fault)
    ]
    # One thread in each: more would only wait for one another, and the sums would depend on the machine's cores.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        yield from (case for case in pool.map(trained_case, *zip(*asked, strict=True), chunksize=5) if case)


def _compared(to: Run | Recipe, seed: int) -> Run:
    return to if isinstance(to, Run) else train(to, seed)


def trained_case(fault: Fault, seed: int) -> Case | None:
    """A training with the fault; None where no attempt left a mark."""
    for attempt in range(ATTEMPTS):
        rng = np.random.default_rng([seed, list(Fault).index(fault), attempt])
        injection = _CAUSES[fault][int(rng.integers(len(_CAUSES[fault])))]
        recipe = healthy(rng)
        spoilt = injection.spoil(recipe, rng)
        run = train(spoilt, seed)
        make = injection.reference
        reference = Reference(partial(_compared, run if make is None else make(recipe, spoilt), seed))
        if injection.marked(run, reference):
            name = f"trained-{fault.value}-{seed:06d}"
            return Case(name, "trained", fault, injection.kind, seed, run, injection.accepted)
    return None
