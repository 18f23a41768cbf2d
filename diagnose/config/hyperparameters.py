"""The canonical names of hyperparameters: what kind of value each takes, in what unit it counts, and other units."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from diagnose.config.node import MAX_NUMBER
from diagnose.numbers import is_number

NOTHING = frozenset({"None", "null", "???", ""})
"""Words that stand for no value: OmegaConf keeps `None` as text, Hydra's `???` waits for the command line."""
_WRITTEN = re.compile(r"[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def is_written_number(text: str) -> bool:
    """Whether text is written as a number, by whatever YAML or its trainer."""
    return len(text) <= MAX_NUMBER and _WRITTEN.fullmatch(text) is not None


def number_of(text: str) -> int | float:
    """The number that `text` is written as."""
    text = text.replace("_", "")
    return int(text) if text.lstrip("+-").isdigit() else float(text)


def numbers_in(text: str) -> list[int | float]:
    """The members of a list of numbers that YAML reads as text (`(0.9, 0.98)`); empty where it is none."""
    text = text.strip()
    parts = [part.strip() for part in text[1:-1].split(",")] if text[:1] + text[-1:] in {"()", "[]"} else []
    return [number_of(part) for part in parts] if all(map(is_written_number, parts)) else []


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
        return bool(members) and all(
            one in NOTHING or is_written_number(one) if isinstance(one, str) else one is None or is_number(one)
            for one in members
        )


@dataclass(frozen=True, slots=True)
class Hyperparameter:
    """One canonical name."""

    kind: Kind
    unit: str | None = None
    """The unit in which ttsdoc asks for it. A step is whatever the trainer counts as one."""
    equal_copies: bool = False
    """Further places are copies only while they hold the same value: each layer may have a dropout of its own."""


HYPERPARAMETERS: Mapping[str, Hyperparameter] = {
    name: what
    for what, names in {
        Hyperparameter(
            Kind.RATE
        ): "learning_rate learning_rate_generator learning_rate_discriminator min_learning_rate "
        "warmup_init_lr grad_clip_norm grad_norm_alarm weight_decay eps lr_decay early_stopping_min_delta val_split",
        Hyperparameter(Kind.RATE, "ratio"): "warmup_ratio",
        Hyperparameter(Kind.RATE, equal_copies=True): "learning_rate_aux dropout",
        Hyperparameter(Kind.LIST): "betas",
        Hyperparameter(Kind.COUNT): "grad_accumulation_steps keep_checkpoints nonfinite_patience seed vocabulary_size",
        Hyperparameter(Kind.COUNT, "samples"): "batch_size eval_batch_size max_samples",
        Hyperparameter(Kind.COUNT, "steps"): "warmup_steps max_steps decay_steps iters_per_epoch disc_start "
        "save_interval eval_interval log_interval plot_interval",
        Hyperparameter(Kind.COUNT, "epochs"): "warmup_epochs max_epochs eval_delay early_stopping_min_epochs",
        Hyperparameter(Kind.COUNT, "evals"): "early_stopping_patience plateau_patience",
        Hyperparameter(Kind.COUNT, "frames"): "max_len",
        Hyperparameter(Kind.SWITCH): "early_stopping scheduler_after_epoch",
        Hyperparameter(Kind.CHOICE): "mixed_precision",
        Hyperparameter(Kind.TEXT): "batch_size_type optimizer lr_scheduler lr_scheduler_params phase_epochs log_dir "
        "logger dataset checkpoint_dir init_checkpoint best_metric resume tokenizer checkpoint",
    }.items()
    for name in names.split()
}
"""By canonical name."""
TRAINING = frozenset(
    (
        *("learning_rate", "learning_rate_generator", "learning_rate_discriminator", "max_epochs", "max_steps"),
        *("grad_accumulation_steps", "warmup_steps", "warmup_ratio", "weight_decay", "grad_clip_norm"),
    )
)
"""What only a training config says; without any of them a file of no known dialect is left alone."""
STEPS = frozenset({"steps", "updates", "micro_steps", "iters", "batches"})
"""A step is whatever the trainer counts as one: the prescription read it from the same trainer's log."""

ENVIRONMENT_STEPS = "environment steps"
"""What reinforcement learning counts: many of them make one update, how many the config does not say."""
SHARE_OF_EPOCH = "share of the epoch"
SHARE_OF_RUN = "share of the run"


class UnitError(Exception):
    """The value cannot be said in the unit of the file. The message is the reason."""


@dataclass(frozen=True, slots=True)
class Clock:
    """How many steps and evaluations an epoch holds, where that is known."""

    steps_per_epoch: int | None = None
    epochs_per_eval: float | None = None

    def convert(self, value: float, unit: str, target: str) -> float:
        """`value` of `unit` in units of `target`. Raises UnitError where it cannot be known."""
        if unit == target or {unit, target} <= STEPS:
            return value
        if unit == "evals" and target == "epochs":
            return max(1, round(value * (self.epochs_per_eval or 1)))
        if unit in STEPS and target in _FROM_EPOCHS:
            return _FROM_EPOCHS[target](value / self._epoch(target))
        if unit == "epochs" and target in STEPS:
            return value * self._epoch(target)
        raise UnitError(f"the file counts it in {target}, which {unit} cannot be turned into")

    def _epoch(self, target: str) -> int:
        if self.steps_per_epoch is None:
            raise UnitError(f"the file counts it in {target}: give the number of clips (--samples) to convert it")
        return self.steps_per_epoch


_FROM_EPOCHS: Mapping[str, Callable[[float], float]] = {
    "epochs": lambda epochs: max(1, round(epochs)),
    "per_epoch": lambda epochs: max(1, round(1 / epochs)),
    SHARE_OF_EPOCH: lambda epochs: min(1.0, float(f"{epochs:.3g}")),
}


AN_UPDATE = "samples an update"
"""The unit of a batch that counts what one update sees, accumulation included (DeepSpeed's `train_batch_size`)."""


def clips_per_update(batches: Iterable[tuple[Any, str | None]], accumulation: Any) -> float | None:
    """Clips behind one update; None: cannot be known. `batches`: every batch size of the config, with its unit."""
    known = [(size, unit) for size, unit in batches if is_number(size) and size > 0]
    whole = next((size for size, unit in known if unit == AN_UPDATE), None)
    if whole is not None:
        return whole
    size, unit = known[0] if known else (None, None)
    if size is None or unit not in {None, "samples"}:
        return None
    return size * accumulation if is_number(accumulation) and accumulation > 0 else size


def steps_per_epoch(samples: int, batch_size: float, accumulation: float = 1) -> int:
    """Optimizer updates in one pass over `samples` clips, the last incomplete one included."""
    return max(1, math.ceil(samples / max(1.0, batch_size * max(1.0, accumulation))))
