"""The canonical names of hyperparameters: what kind of value each takes and in what unit it counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from diagnose.config.number_text import NOTHING, is_written_number
from diagnose.numbers import is_number


class Kind(str, Enum):
    """What a value of a hyperparameter looks like."""

    RATE = "rate"
    """A real number, written as a float."""
    COUNT = "count"
    """A whole number."""
    SWITCH = "switch"
    """True or false."""
    CHOICE = "choice"
    """A switch, a number or a word (`true`, `16`, `bf16-mixed`)."""
    LIST = "list"
    """Several real numbers, in a list or in a key each."""
    TEXT = "text"
    """A path or a name: read, never rewritten."""

    def accepts(self, value: Any) -> bool:
        """Whether a plain value, or each member of a list that has any, can be one of this kind; None can be any."""
        if self in {Kind.TEXT, Kind.LIST} or value is None:
            return True
        if self in {Kind.CHOICE, Kind.SWITCH}:
            return not isinstance(value, list) and (self is Kind.CHOICE or isinstance(value, bool))
        members = value if isinstance(value, list) else [value]
        return bool(members) and all(map(_may_be_number, members))


def _may_be_number(value: Any) -> bool:
    """A number, or text that is one; an empty word is none."""
    if isinstance(value, str):
        return value in NOTHING or is_written_number(value)
    return value is None or is_number(value)


@dataclass(frozen=True, slots=True)
class Hyperparameter:
    """One canonical name."""

    kind: Kind
    unit: str | None = None
    """The unit in which ttsdoc asks for it. A step is whatever the trainer counts as one."""
    equal_copies: bool = False
    """Further places are copies only while they hold the same value: each layer may have a dropout of its own."""


_RATE = Hyperparameter(Kind.RATE)
_SWITCH = Hyperparameter(Kind.SWITCH)
_CHOICE = Hyperparameter(Kind.CHOICE)
_TEXT = Hyperparameter(Kind.TEXT)
_STEPS = Hyperparameter(Kind.COUNT, "steps")
_EPOCHS = Hyperparameter(Kind.COUNT, "epochs")
_SAMPLES = Hyperparameter(Kind.COUNT, "samples")
_EVALS = Hyperparameter(Kind.COUNT, "evals")
_COUNT = Hyperparameter(Kind.COUNT)

HYPERPARAMETERS: Mapping[str, Hyperparameter] = {
    "learning_rate": _RATE,
    "learning_rate_generator": _RATE,
    "learning_rate_discriminator": _RATE,
    "learning_rate_aux": Hyperparameter(Kind.RATE, equal_copies=True),
    "min_learning_rate": _RATE,
    "warmup_init_lr": _RATE,
    "batch_size": _SAMPLES,
    "eval_batch_size": _SAMPLES,
    "batch_size_type": _TEXT,
    "max_samples": _SAMPLES,
    "grad_accumulation_steps": _COUNT,
    "grad_clip_norm": _RATE,
    "grad_norm_alarm": _RATE,
    "dropout": Hyperparameter(Kind.RATE, equal_copies=True),
    "weight_decay": _RATE,
    "betas": Hyperparameter(Kind.LIST),
    "eps": _RATE,
    "optimizer": _TEXT,
    "lr_scheduler": _TEXT,
    "lr_scheduler_params": _TEXT,
    "lr_decay": _RATE,
    "decay_steps": _STEPS,
    "warmup_steps": _STEPS,
    "warmup_epochs": _EPOCHS,
    "warmup_ratio": Hyperparameter(Kind.RATE, "ratio"),
    "max_epochs": _EPOCHS,
    "max_steps": _STEPS,
    "iters_per_epoch": _STEPS,
    "phase_epochs": _TEXT,
    "disc_start": _STEPS,
    "save_interval": _STEPS,
    "eval_interval": _STEPS,
    "log_interval": _STEPS,
    "plot_interval": _STEPS,
    "eval_delay": _EPOCHS,
    "keep_checkpoints": _COUNT,
    "early_stopping": _SWITCH,
    "early_stopping_patience": _EVALS,
    "early_stopping_min_delta": _RATE,
    "early_stopping_min_epochs": _EPOCHS,
    "plateau_patience": _EVALS,
    "nonfinite_patience": _COUNT,
    "scheduler_after_epoch": _SWITCH,
    "mixed_precision": _CHOICE,
    "max_len": Hyperparameter(Kind.COUNT, "frames"),
    "seed": _COUNT,
    "val_split": _RATE,
    "log_dir": _TEXT,
    "logger": _TEXT,
    "dataset": _TEXT,
    "checkpoint_dir": _TEXT,
    "init_checkpoint": _TEXT,
    "best_metric": _TEXT,
    "resume": _TEXT,
    "vocabulary_size": _COUNT,
    "tokenizer": _TEXT,
    "checkpoint": _TEXT,
}

TRAINING = frozenset(
    {
        "learning_rate",
        "learning_rate_generator",
        "learning_rate_discriminator",
        "max_epochs",
        "max_steps",
        "grad_accumulation_steps",
        "warmup_steps",
        "warmup_ratio",
        "weight_decay",
        "grad_clip_norm",
    }
)
"""What only a training config says; without any of them a file of no known dialect is left alone."""
