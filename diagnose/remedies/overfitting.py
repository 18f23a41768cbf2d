"""Against memorisation: stop at the best evaluation, regularise, see the best come."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, isfinite

import numpy as np

from diagnose.facts import Facts
from diagnose.finding import Edit, Operation, Prescription, Safety, Support
from diagnose.numbers import is_number
from diagnose.remedies.evidence import length_of, number
from diagnose.run import Axis, Curve, FloatArray, IntArray, Role

PATIENCE = (2, 5)
"""Fewest and most evaluations to wait. Source: Lightning's EarlyStopping waits 3."""
HELD_OUT = 0.1
"""Share of the clips to validate on. Source: the story's config."""
DROPOUT = 0.2
"""Source: the guide's table; measured on 96 clips of the bundled trainer it costs nothing and gains nothing."""


def regularise(facts: Facts, best_step: int | None) -> tuple[Prescription, ...]:
    """Against overfitting: stop at the best evaluation (`best_step`, None: not known), and more dropout."""
    stop, val = tuple(_stop_at_best(facts, best_step)), facts.curve(Role.VAL_LOSS)
    found = []
    if stop:
        expected = "96 clips in the bundled trainer: validation 4.7 at the best epoch, 6.6 at the last"
        where = (
            "nothing is gained after the best"
            if val is None or best_step is None
            else f"validation was best at {val.place(best_step)}"
        )
        title, measured = "Stop at the best validation loss", Support.MEASURED
        found.append(Prescription(title, where, stop, Safety.SAFE, expected=expected, support=measured))
    dropout = facts.settings.get("dropout")
    if is_number(dropout) and 0 < dropout < DROPOUT:  # 0 is a decision: fine-tuned and convolutional nets have none
        why = "makes memorising harder"
        found.append(Prescription("Regularise", why, (Edit("dropout", Operation.SET, DROPOUT, why),), Safety.SAFE))
    return tuple(found)


def log_validation(facts: Facts) -> tuple[Prescription, ...]:
    """For a run without a validation loss: hold clips out where none are, evaluate where that never comes."""
    edits = []
    if facts.settings.get("val_split") == 0:
        edits.append(Edit("val_split", Operation.SET, HELD_OUT, "nothing is held out to validate on"))
    interval, length = number(facts, "eval_interval"), length_of(facts)
    if interval is not None and length is not None and interval > length:
        tenth = max(1, length // 10)
        edits.append(Edit("eval_interval", Operation.CAP, tenth, f"the run ends at step {length:,}, before the first"))
    if not edits:
        return ()
    return (Prescription("Log a validation loss", "none is logged", tuple(edits), Safety.SAFE, support=Support.CITED),)


def _stop_at_best(facts: Facts, best_step: int | None) -> Iterator[Edit]:
    """Early stopping that can fire in what was left after the best; else as many epochs as the best needed."""
    val = facts.curve(Role.VAL_LOSS)
    left = 0 if val is None or best_step is None else int(np.count_nonzero(val.steps > best_step))
    switch, patience = facts.settings.get("early_stopping"), number(facts, "early_stopping_patience")
    silent = patience is not None and switch is not False and left > patience  # it did not fire in this run
    if "early_stopping_patience" not in facts.settings or silent or switch is patience is None:
        yield from _length_of_best(facts, val, best_step)
    if switch is None and patience is None:
        return
    if switch is False:
        yield Edit("early_stopping", Operation.SET, True, "stops after the best evaluation")
    wait = int(np.clip(left // 2, *PATIENCE))
    if left and (patience is None or wait < left <= patience or (switch is False and patience > wait)):
        yield Edit("early_stopping_patience", Operation.SET, wait, f"{left} evaluations came after the best")


def _length_of_best(facts: Facts, val: Curve | None, best_step: int | None) -> Iterator[Edit]:
    """The run as long as the best needed, in whatever the config counts its length by: both, where it has both.

    In some trainers the first end counts, in others (Hugging Face) the steps, whatever the epochs say.
    """
    if val is None or best_step is None:
        return
    steps, epochs = number(facts, "max_steps"), number(facts, "max_epochs")
    in_steps, epoch = val.axis is Axis.STEP and val.counted, _epoch_of(facts, val, best_step)
    logged = (val.values[val.steps == best_step] <= np.nanmin(val.values)).any()
    where = "of the best validation loss" if logged else "where the smoothed validation loss is lowest"
    if steps is not None and in_steps:
        yield Edit("max_steps", Operation.CAP, max(1, best_step), f"the step {where}")
    elif steps is not None and epoch is not None:
        yield Edit("max_steps", Operation.CAP, epoch, f"the epoch {where}", unit="epochs")
    if epoch is not None and (steps is None or epochs is not None):
        yield Edit("max_epochs", Operation.CAP, epoch, f"the epoch {where}")


def _epoch_of(facts: Facts, val: Curve, step: int) -> int | None:
    """The whole epochs up to an evaluation, where the log counts epochs: of a count from 0, epoch 7 is the eighth."""
    train = facts.curve(Role.TRAIN_LOSS)
    if val.axis is Axis.EPOCH:
        return max(1, step + (train is not None and _from_zero(train.steps if train.axis is Axis.EPOCH else None)))
    if val.epochs is None or not (val.steps <= step).any():
        return None
    epoch = float(val.epochs[val.steps <= step][-1]) + (train is not None and _from_zero(train.epochs))
    return max(1, ceil(epoch)) if isfinite(epoch) else None


def _from_zero(epochs: FloatArray | IntArray | None) -> bool:
    """Whether whole epochs are counted, and the first is 0; a share of an epoch is what was trained of it."""
    return epochs is not None and len(epochs) > 0 and bool(epochs[0] == 0 and (epochs == np.round(epochs)).all())
