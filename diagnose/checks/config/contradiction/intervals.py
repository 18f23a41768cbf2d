"""When the run is evaluated, saved and stopped."""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.checks.config._rule import Rule, at, beside, contradiction
from diagnose.config import Config
from diagnose.config.effective import Effective, is_dead, number, positive
from diagnose.facts import Facts
from diagnose.finding import Edit, Finding, Operation, Prescription, Safety, Severity
from diagnose.numbers import round_count

MANY_EPOCHS = 5
"""Epochs between two evaluations above which overfitting is seen late. A judgement, not a measurement: small sets
overfit within tens of epochs, so that ten looks or more remain."""

LOOKS = 10
"""Evaluations and checkpoints of a run that had none. Source: our choice; any number sees and keeps something."""

SOON = 0.3
"""Share of the run after which early stopping may act. Source: Lightning waits 3 evaluations, of ten here."""


def evaluation_out_of_reach(config: Config, effective: Effective, _: Facts) -> Iterator[Finding]:
    """An interval longer than the run evaluates nothing; one of many epochs sees overfitting late."""
    if effective.eval_interval is None or is_dead(config, "eval_interval"):
        return
    numbers, line = {"eval_interval": effective.eval_interval}, config.values["eval_interval"].line
    if effective.total_steps is not None and effective.eval_interval > effective.total_steps:
        end = effective.total_steps
        message = f"{at(config, 'eval_interval')}: longer than the run ({end:,} steps): never evaluated"
        cure = _tenth("eval_interval", end)
        yield contradiction(Severity.ERROR, message, "evaluate about once an epoch", cure, line=line, **numbers)
    elif effective.steps_per_epoch is not None and effective.eval_interval > effective.steps_per_epoch * MANY_EPOCHS:
        epochs = effective.eval_interval / effective.steps_per_epoch
        message = f"{at(config, 'eval_interval')}: one evaluation in {epochs:.0f} epochs"
        advice = f"evaluate about once an epoch: every {effective.steps_per_epoch} steps"
        numbers |= {"steps_per_epoch": effective.steps_per_epoch}
        yield contradiction(Severity.WARNING, message, advice, line=line, **numbers)


def nothing_saved(config: Config, effective: Effective, _: Facts) -> Iterator[Finding]:
    """A run that ends before its first checkpoint."""
    if effective.save_interval is None or effective.total_steps is None or is_dead(config, "save_interval"):
        return
    if effective.save_interval > effective.total_steps:
        end = effective.total_steps
        message = f"{at(config, 'save_interval')}: the run ends at step {end:,}, before the first checkpoint"
        numbers = {"save_interval": effective.save_interval, "total_steps": end}
        cure, line = _tenth("save_interval", end), config.values["save_interval"].line
        yield contradiction(Severity.ERROR, message, "save more often than the run is long", cure, line=line, **numbers)


def _tenth(parameter: str, steps: int) -> Prescription:
    """Ten times in the run."""
    why = f"{LOOKS} times in the {steps:,} steps of the run"
    edit = Edit(parameter, Operation.SET, round_count(steps / LOOKS), why)
    return Prescription(f"Make the {parameter.replace('_', ' ')} shorter than the run", why, (edit,), Safety.SAFE)


def patience_out_of_reach(config: Config, effective: Effective, _: Facts) -> Iterator[Finding]:
    """Early stopping that cannot happen before the run is over."""
    patience = positive(config, "early_stopping_patience")
    if patience is None or config.value("early_stopping") is False or is_dead(config, "early_stopping_patience"):
        return
    first, last = positive(config, "early_stopping_min_epochs"), positive(config, "max_epochs")
    if first is not None and last is not None and first >= last:
        message = f"{at(config, 'early_stopping_min_epochs')}: not before the last epoch ({last:g})"
        line = config.values["early_stopping_min_epochs"].line
        yield contradiction(Severity.WARNING, message, "lower it", line=line, min_epochs=first, max_epochs=last)
    setting = config.values["early_stopping_patience"]
    if setting.unit is None:
        return
    if setting.unit == "epochs":
        needed, length, unit = float(patience), last, "epochs"
    else:
        needed, length, unit = patience * (effective.eval_interval or 0), effective.total_steps, "steps"
    if needed and length and needed >= length:
        where = at(config, "early_stopping_patience")
        message = f"{where}: needs {needed:g} {unit} without progress, the run has {length:g}"
        advice = "lower the patience or evaluate more often"
        fits = max(1, int(SOON * length * patience / needed))
        why = f"it can stop within the {length:g} {unit} of the run"
        shorter = Edit("early_stopping_patience", Operation.SET, fits, why)
        cure = Prescription("Lower the patience", why, (shorter,), Safety.SAFE)
        cures = (cure,) if needed / patience < length else ()  # where no evaluation is reached, that comes first
        numbers = {"needed": needed, "available": length}
        yield contradiction(Severity.WARNING, message, advice, *cures, line=setting.line, **numbers)


def best_model_needs_both(config: Config, effective: Effective, _: Facts) -> Iterator[Finding]:
    """Hugging Face's `load_best_model_at_end` saves where it evaluates."""
    save, evaluate = number(config, "save_interval"), number(config, "eval_interval")
    if not save or not evaluate or beside(config, "save_interval", "load_best_model_at_end") is not True:
        return
    if save >= 1 and evaluate >= 1 and save % evaluate:
        message = (
            f"load_best_model_at_end: {at(config, 'save_interval')} is no multiple of {at(config, 'eval_interval')}"
        )
        advice = "make the one a multiple of the other: the Trainer raises ValueError at the start"
        why = f"a multiple of the {evaluate:g} steps between evaluations"
        multiple = Edit("save_interval", Operation.SET, int(max(1, round(save / evaluate)) * evaluate), why)
        cure = Prescription("Save where it is evaluated", why, (multiple,), Safety.SAFE)
        yield contradiction(Severity.ERROR, message, advice, cure, save_steps=save, eval_steps=evaluate)


RULES: tuple[Rule, ...] = (
    evaluation_out_of_reach,
    nothing_saved,
    patience_out_of_reach,
    best_model_needs_both,
)
