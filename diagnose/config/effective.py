"""What a config amounts to: updates, epochs, clips seen, warm-up, intervals."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from diagnose.config import Config
from diagnose.config.hyperparameters import STEPS, clips_per_update, steps_per_epoch
from diagnose.numbers import Number, is_number


@dataclass(frozen=True)
class Effective:
    """What the run will really do. Steps are optimiser updates; None: cannot be known."""

    batch_size: Number | None = None
    """Clips behind one update, on one device."""
    steps_per_epoch: int | None = None
    total_steps: int | None = None
    epochs: float | None = None
    samples_seen: int | None = None
    """Clips that pass through the model, repetitions counted."""
    warmup_steps: float | None = None
    warmup_share: float | None = None
    """Of the run."""
    eval_interval: float | None = None
    """In steps."""
    save_interval: float | None = None
    """In steps."""
    learning_rate_peak: float | None = None
    first_loss: float | None = None
    """ln of the vocabulary: the cross-entropy of a model that knows nothing yet."""

    def known(self) -> dict[str, Number]:
        """The fields that have a value."""
        return {name: value for name, value in vars(self).items() if value is not None}


def effective(config: Config, samples: int | None = None) -> Effective:
    """What the config amounts to with `samples` training clips."""
    batches = [(place.value, place.unit) for place in config.places.get("batch_size", ()) if not place.dead]
    ignored = is_dead(config, "grad_accumulation_steps")
    batch = clips_per_update(batches, None if ignored else config.value("grad_accumulation_steps"))
    per_epoch = steps_per_epoch(samples, batch) if samples and batch else None
    total = _total_steps(config, per_epoch)
    warmup = _warmup(config, per_epoch, total)
    vocabulary = number(config, "vocabulary_size")
    return Effective(
        batch_size=batch,
        steps_per_epoch=per_epoch,
        total_steps=total,
        epochs=round(total / per_epoch, 2) if total and per_epoch else _last_epoch(config),
        samples_seen=int(total * batch) if total and batch else None,
        warmup_steps=warmup,
        warmup_share=round(warmup / total, 4) if warmup is not None and total else None,
        eval_interval=in_steps(config, "eval_interval", per_epoch, total),
        save_interval=in_steps(config, "save_interval", per_epoch, total),
        learning_rate_peak=config.learning_rate_peak,
        first_loss=round(math.log(vocabulary), 3) if vocabulary and vocabulary > 1 else None,
    )


def warmup_and_run(config: Config, samples: int | None) -> tuple[float, float, str] | None:
    """The warm-up and the run, in the unit in which the config gives the first (`steps`, `epochs`), where known."""
    epochs, last = positive(config, "warmup_epochs"), positive(config, "max_epochs")
    in_steps = positive(config, "warmup_steps") and not is_dead(config, "warmup_steps")
    if epochs and last and not in_steps and not is_dead(config, "warmup_epochs") and not positive(config, "max_steps"):
        return epochs, last, "epochs"
    amounts = effective(config, samples)
    known = amounts.warmup_steps is not None and amounts.total_steps is not None
    return (amounts.warmup_steps or 0, amounts.total_steps or 0, "steps") if known else None


def peak_follows_warmup(config: Config) -> bool:
    """Whether a shorter warm-up makes a higher learning rate: Noam's, and a rate that the trainer computes itself.

    Coqui's and SpeechBrain's Noam reach the configured rate whatever the warm-up.
    """
    if config.learning_rate_peak is not None:
        return True
    noam = re.search("(?i)noam|transformer", str(config.value("lr_scheduler")))
    return config.definition.synonyms is not None and (bool(noam) or "learning_rate" not in config.values)


def number(config: Config, name: str) -> Number | None:
    """The value where it is a number."""
    value = config.value(name)
    return value if is_number(value) else None


def positive(config: Config, name: str) -> Number | None:
    """The value where it counts something; -1 and 0 mean `off` in most frameworks."""
    value = number(config, name)
    return value if value is not None and value > 0 else None


def _last_epoch(config: Config) -> Number | None:
    return None if is_dead(config, "max_epochs") else positive(config, "max_epochs")


def _total_steps(config: Config, per_epoch: int | None) -> int | None:
    """The first of the two ends that the run meets."""
    epochs, steps = _last_epoch(config), positive(config, "max_steps")
    setting = config.values.get("max_steps")
    ends = [steps] if steps is not None and setting is not None and setting.unit in {None, *STEPS} else []
    if epochs is not None and per_epoch is not None:
        ends.append(epochs * per_epoch)
    return int(min(ends)) if ends else None


def in_steps(config: Config, name: str, per_epoch: int | None, total: int | None) -> float | None:
    """An interval in steps, whatever unit the file counts it in."""
    setting, value = config.values.get(name), positive(config, name)
    if setting is None or value is None:
        return None
    if setting.unit in STEPS:
        return value
    whole = {"epochs": per_epoch, "share of the epoch": per_epoch, "share of the run": total}.get(str(setting.unit))
    return None if whole is None else value * whole


def _warmup(config: Config, per_epoch: int | None, total: int | None) -> float | None:
    steps = None if is_dead(config, "warmup_steps") else in_steps(config, "warmup_steps", per_epoch, total)
    for name, whole in (("warmup_epochs", per_epoch), ("warmup_ratio", total)):
        part = None if is_dead(config, name) else positive(config, name)
        if steps is None and part is not None and whole is not None:
            steps = part * whole
    return steps


def is_dead(config: Config, name: str) -> bool:
    """Whether the dialect says that its trainer never reads the key."""
    return name in config.values and config.values[name].dead
