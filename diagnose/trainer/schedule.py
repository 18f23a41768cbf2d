"""The learning rate of every update, as a pure function of its number."""

from __future__ import annotations

import math

from diagnose.trainer.options import TrainingOptions


def learning_rate(step: int, training: TrainingOptions, total_steps: int) -> float:
    """The rate of update `step` (0 is the first) of `total_steps`: a linear warm-up, then the schedule.

    Warm-up reaches the full rate on its last update. cosine ends at zero (Loshchilov and Hutter 2017,
    "SGDR"), inverse_sqrt is that of Vaswani et al. 2017 with its peak at the end of the warm-up.
    """
    warmup = training.warmup_steps
    if step < warmup:
        return training.learning_rate * (step + 1) / warmup
    return training.learning_rate * _decay(step - warmup, training, total_steps - warmup)


def _decay(step: int, training: TrainingOptions, total_steps: int) -> float:
    """The factor on the peak rate, `step` updates after the warm-up."""
    if training.lr_scheduler == "cosine":
        return (1 + math.cos(math.pi * min(step / total_steps, 1.0))) / 2
    if training.lr_scheduler == "exponential":
        return training.lr_decay**step
    if training.lr_scheduler == "inverse_sqrt":
        start = max(training.warmup_steps, 1)
        return math.sqrt(start / (start + step))
    return 1.0
