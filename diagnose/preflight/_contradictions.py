"""What in a config cannot be meant. A rule is one function, listed in RULES."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from diagnose.config import Config
from diagnose.config.units import STEPS
from diagnose.finding import Confidence, Edit, Finding, Number, Operation, Prescription, Safety, Severity
from diagnose.preflight._effective import Effective, is_dead, number, positive

CONTRADICTION = ("CFG003", "contradiction")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known beside the config. None: not known."""

    samples: int | None = None
    """Clips in the training set."""
    tokens: int | None = None
    """Entries of the tokenizer."""
    embedding_rows: int | None = None
    """Rows of the text embedding in the checkpoint that training starts from."""


NOTHING = Surroundings()


def contradiction(severity: Severity, message: str, advice: str, **evidence: Number) -> Finding:
    """A CFG003 finding; these rest on the text alone, so that they are certain."""
    return Finding(*CONTRADICTION, severity, Confidence.HIGH, "config", message, evidence=evidence, advice=advice)


def at(config: Config, name: str) -> str:
    """`training.warmup_steps: 4000 (line 60)`."""
    setting = config.values[name]
    return f"{setting.path}: {setting.value} (line {setting.line})"


def _warmup_beyond_run(config: Config, sums: Effective, _: Surroundings) -> Iterator[Finding]:
    """A run that ends within its warm-up never reaches its learning rate."""
    name = next((name for name in ("warmup_steps", "warmup_epochs", "warmup_ratio") if config.value(name)), None)
    if name is None or sums.warmup_steps is None or sums.total_steps is None:
        return
    numbers = {"warmup_steps": sums.warmup_steps, "total_steps": sums.total_steps}
    if sums.warmup_steps >= sums.total_steps:
        message = f"{at(config, name)}: the warm-up is as long as the run ({sums.total_steps} steps) or longer"
        yield contradiction(Severity.ERROR, message, "warm up for 1 to 10 % of the run", **numbers)
    elif sums.warmup_steps > sums.total_steps / 2:
        message = f"{at(config, name)}: more than half of the run ({sums.total_steps} steps) is warm-up"
        yield contradiction(Severity.WARNING, message, "warm up for 1 to 10 % of the run", **numbers)


def _evaluation_out_of_reach(config: Config, sums: Effective, _: Surroundings) -> Iterator[Finding]:
    """An interval longer than the run evaluates nothing; one of many epochs sees overfitting late."""
    if sums.eval_interval is None or is_dead(config, "eval_interval"):
        return
    numbers = {"eval_interval": sums.eval_interval}
    if sums.total_steps is not None and sums.eval_interval > sums.total_steps:
        message = f"{at(config, 'eval_interval')}: longer than the run ({sums.total_steps} steps): never evaluated"
        yield contradiction(Severity.ERROR, message, "evaluate about once an epoch", **numbers)
    elif sums.steps_per_epoch is not None and sums.eval_interval > sums.steps_per_epoch * MANY_EPOCHS:
        epochs = sums.eval_interval / sums.steps_per_epoch
        message = f"{at(config, 'eval_interval')}: one evaluation in {epochs:.0f} epochs"
        advice = f"evaluate about once an epoch: every {sums.steps_per_epoch} steps"
        yield contradiction(Severity.WARNING, message, advice, **numbers, steps_per_epoch=sums.steps_per_epoch)


MANY_EPOCHS = 5
"""Epochs between two evaluations above which overfitting is seen late. A judgement, not a measurement: small sets
overfit within tens of epochs, so that ten looks or more remain."""


def _nothing_saved(config: Config, sums: Effective, _: Surroundings) -> Iterator[Finding]:
    """A run that ends before its first checkpoint."""
    if sums.save_interval is None or sums.total_steps is None or is_dead(config, "save_interval"):
        return
    if sums.save_interval > sums.total_steps:
        message = f"{at(config, 'save_interval')}: the run ends at step {sums.total_steps}, before the first checkpoint"
        numbers = {"save_interval": sums.save_interval, "total_steps": sums.total_steps}
        yield contradiction(Severity.ERROR, message, "save more often than the run is long", **numbers)


def _patience_out_of_reach(config: Config, sums: Effective, _: Surroundings) -> Iterator[Finding]:
    """Early stopping that cannot happen before the run is over."""
    patience = positive(config, "early_stopping_patience")
    if patience is None or config.value("early_stopping") is False or is_dead(config, "early_stopping_patience"):
        return
    first, last = positive(config, "early_stopping_min_epochs"), positive(config, "max_epochs")
    if first is not None and last is not None and first >= last:
        message = f"{at(config, 'early_stopping_min_epochs')}: not before the last epoch ({last:g})"
        yield contradiction(Severity.WARNING, message, "lower it", min_epochs=first, max_epochs=last)
    if config.values["early_stopping_patience"].unit == "epochs":
        needed, length, unit = float(patience), last, "epochs"
    else:
        needed, length, unit = patience * (sums.eval_interval or 0), sums.total_steps, "steps"
    if needed and length and needed >= length:
        where = at(config, "early_stopping_patience")
        message = f"{where}: needs {needed:g} {unit} without progress, the run has {length:g}"
        advice = "lower the patience or evaluate more often"
        yield contradiction(Severity.WARNING, message, advice, needed=needed, available=length)


def _decay_ends_run(config: Config, sums: Effective, _: Surroundings) -> Iterator[Finding]:
    """A decay so fast that the last part of the run is trained with no learning rate."""
    gamma = number(config, "lr_decay")
    setting = config.values.get("lr_decay")
    if gamma is None or setting is None or setting.dead:
        return
    if gamma > 1:
        yield contradiction(
            Severity.ERROR, f"{at(config, 'lr_decay')}: the learning rate grows", "use a factor below 1"
        )
    per_step = config.value("scheduler_after_epoch") is False or setting.unit in STEPS
    length = sums.total_steps if per_step else positive(config, "max_epochs")
    if 0 < gamma < 1 and length and gamma**length < FADED and (per_step or setting.unit == "epochs"):
        end = math.log(FADED) / math.log(gamma)
        unit = "steps" if per_step else "epochs"
        message = f"{at(config, 'lr_decay')}: after {end:.0f} of {length:g} {unit} the learning rate is a thousandth"
        advice = f"use a factor of {0.1 ** (1 / length):.6g} for a tenth at the end, or a shorter run"
        yield contradiction(Severity.WARNING, message, advice, lr_decay=gamma, faded_at=round(end))


FADED = 1e-3
"""Share of the learning rate at which nothing is learnt any more: far below the factors of 10 to 100 by which
schedules end (cosine to 10 %: Hoffmann et al. 2022)."""


def _noam_per_epoch(config: Config, sums: Effective, _: Surroundings) -> Iterator[Finding]:
    """Coqui's NoamLR counts its warm-up in scheduler steps, and the Trainer steps it once an epoch by default."""
    scheduler = str(config.value("lr_scheduler"))
    knows = "scheduler_after_epoch" in config.definition.keys
    if knows and re.search("(?i)noam", scheduler) and config.value("scheduler_after_epoch") is not False:
        length = config.value("warmup_steps")
        warmup = f"its warm-up of {length} steps lasts {length} epochs" if length else "its warm-up counts epochs"
        message = f"{at(config, 'lr_scheduler')} is stepped once an epoch: {warmup}"
        edit = Edit("scheduler_after_epoch", Operation.SET, False, "NoamLR counts steps, not epochs")
        cure = Prescription("Step NoamLR every step", message, (edit,), Safety.SAFE, ("CFG003",))
        advice = "set scheduler_after_epoch: false"
        yield Finding(
            *CONTRADICTION, Severity.ERROR, Confidence.HIGH, "config", message, prescriptions=(cure,), advice=advice
        )


def _half_precision(config: Config, sums: Effective, _: Surroundings) -> Iterator[Finding]:
    """Two kinds of half precision at once; or the one that overflows where the other is at hand."""
    kinds = {name for name in ("fp16", "bf16") if _switched_on(config, name)}
    if kinds == {"fp16", "bf16"}:
        yield contradiction(Severity.ERROR, "bf16 and fp16 are both switched on", "keep one; bf16 where the GPU has it")
    elif "fp16" in kinds and "mixed_precision" in config.values:
        message = f"{at(config, 'mixed_precision')}: fp16 overflows above 65504 and needs loss scaling"
        yield contradiction(Severity.INFO, message, "on Ampere (2020) and newer GPUs bf16 needs neither")


def _switched_on(config: Config, kind: str) -> bool:
    setting = config.values.get("mixed_precision")
    if setting is None:
        return False
    word = str(setting.value).lower()
    named = kind in setting.path.lower() and setting.value is True
    return (
        _beside(config, "mixed_precision", kind) is True
        or named
        or word in {kind, f"{kind}-mixed", "16-mixed" if kind == "fp16" else f"{kind}-true"}
    )


def _scalar(config: Config, path: str) -> Any:
    """The plain value of a key that has no canonical name."""
    node = config.document.node(tuple(path.split(".")))
    return getattr(node, "value", None)


def _beside(config: Config, name: str, key: str) -> Any:
    """The plain value of a key in the section where a hyperparameter stands."""
    *section, _ = config.values[name].path.split(".")
    return _scalar(config, ".".join([*section, key]))


def _batch_beyond_data(config: Config, sums: Effective, around: Surroundings) -> Iterator[Finding]:
    """An update that wants more clips than there are."""
    if around.samples is not None and sums.batch_size is not None and sums.batch_size > around.samples:
        message = f"{sums.batch_size} clips go into one optimizer step, the data set has {around.samples}"
        numbers = {"effective_batch": sums.batch_size, "samples": around.samples}
        yield contradiction(Severity.ERROR, message, "lower the batch size or the accumulation", **numbers)


def _rates_crossed(config: Config, sums: Effective, _: Surroundings) -> Iterator[Finding]:
    """A floor of the learning rate above its top."""
    top, floor = sums.learning_rate_peak or number(config, "learning_rate"), number(config, "min_learning_rate")
    if top and floor and floor > top and not is_dead(config, "min_learning_rate"):
        message = f"{at(config, 'min_learning_rate')}: above the learning rate itself ({top:g})"
        yield contradiction(Severity.ERROR, message, "put it below", minimum=floor, learning_rate=top)


def _best_model_needs_both(config: Config, sums: Effective, _: Surroundings) -> Iterator[Finding]:
    """Hugging Face's `load_best_model_at_end` saves where it evaluates."""
    save, evaluate = number(config, "save_interval"), number(config, "eval_interval")
    if not save or not evaluate or _beside(config, "save_interval", "load_best_model_at_end") is not True:
        return
    if save >= 1 and evaluate >= 1 and save % evaluate:
        message = (
            f"load_best_model_at_end: {at(config, 'save_interval')} is no multiple of {at(config, 'eval_interval')}"
        )
        advice = "make the one a multiple of the other: the Trainer raises ValueError at the start"
        yield contradiction(Severity.ERROR, message, advice, save_steps=save, eval_steps=evaluate)


def _two_warmups(config: Config, sums: Effective, _: Surroundings) -> Iterator[Finding]:
    """A warm-up given in steps and as a share: one of them is ignored or both are refused."""
    if positive(config, "warmup_steps") and positive(config, "warmup_ratio"):
        message = f"{at(config, 'warmup_steps')} and {at(config, 'warmup_ratio')} both ask for a warm-up"
        yield contradiction(Severity.WARNING, message, "keep one of them")


def _phase_never_starts(config: Config, sums: Effective, _: Surroundings) -> Iterator[Finding]:
    """StyleTTS 2 starts its diffusion and its joint training at an epoch; behind the last one they never run."""
    epochs = positive(config, "max_epochs")
    if "phase_epochs" not in config.values or epochs is None:
        return
    for phase in ("loss_params.diff_epoch", "loss_params.joint_epoch"):
        start = _scalar(config, phase)
        last = _scalar(config, "epochs_2nd") or epochs
        if isinstance(start, int) and isinstance(last, int) and start >= last:
            message = f"{phase}: {start} never comes, the run has {last} epochs"
            yield contradiction(Severity.WARNING, message, "start it earlier or train longer", start=start, epochs=last)


def _vocabulary(config: Config, sums: Effective, around: Surroundings) -> Iterator[Finding]:
    """Token numbers without an embedding row crash or corrupt; rows that do not fit are not loaded."""
    size = number(config, "vocabulary_size")
    if size is None:
        return
    if around.tokens is not None and around.tokens > size:
        message = f"{at(config, 'vocabulary_size')}: the tokenizer has {around.tokens} tokens"
        numbers = {"vocabulary_size": size, "tokens": around.tokens}
        yield contradiction(Severity.ERROR, message, "make the vocabulary as large as the tokenizer", **numbers)
    if around.embedding_rows is not None and around.embedding_rows != size:
        message = f"{at(config, 'vocabulary_size')}: the checkpoint has {around.embedding_rows} embedding rows"
        advice = "extend the checkpoint's embedding first: rows of another number are dropped when it is loaded"
        numbers = {"vocabulary_size": size, "embedding_rows": around.embedding_rows}
        yield contradiction(Severity.ERROR, message, advice, **numbers)


Rule = Callable[[Config, Effective, Surroundings], Iterator[Finding]]
RULES: tuple[Rule, ...] = (
    _warmup_beyond_run,
    _evaluation_out_of_reach,
    _nothing_saved,
    _patience_out_of_reach,
    _decay_ends_run,
    _noam_per_epoch,
    _half_precision,
    _batch_beyond_data,
    _rates_crossed,
    _best_model_needs_both,
    _two_warmups,
    _phase_never_starts,
    _vocabulary,
)
