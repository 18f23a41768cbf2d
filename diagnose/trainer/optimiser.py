"""The optimiser of an update, the size of its gradient, and what an interval of updates amounted to."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from diagnose.trainer.distributed import World
from diagnose.trainer.options import TrainingOptions

OUTLIER = 100.0
"""Factor on the gradient of an injected outlier."""


def make_optimizer(model: nn.Module, training: TrainingOptions) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter 2019) or SGD with momentum; biases, norms and embeddings are not decayed."""
    embeddings = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    parameters = list(model.parameters())
    decayed = [p for p in parameters if p.dim() >= 2 and id(p) not in embeddings]
    others = [p for p in parameters if p.dim() < 2 or id(p) in embeddings]
    groups = [{"params": decayed, "weight_decay": training.weight_decay}, {"params": others, "weight_decay": 0.0}]
    if training.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=training.learning_rate, momentum=training.momentum)
    # The fused kernel is one launch instead of hundreds on a GPU.
    fused = parameters[0].is_cuda
    return torch.optim.AdamW(groups, lr=training.learning_rate, betas=training.betas, eps=training.eps, fused=fused)


def clip_gradients(model: nn.Module, threshold: float | None) -> tuple[Tensor, Tensor]:
    """Scale the gradient down to `threshold`; (its norm before, 1.0 if it was scaled else 0.0)."""
    parameters = [parameter for parameter in model.parameters() if parameter.grad is not None]
    if threshold is None:
        norms = torch.stack([torch.linalg.vector_norm(parameter.grad) for parameter in parameters])
        norm = torch.linalg.vector_norm(norms)
        return norm, torch.zeros_like(norm)
    norm = nn.utils.clip_grad_norm_(parameters, threshold)
    return norm, (norm > threshold).float()


def outlier_factor(step: int, training: TrainingOptions) -> float:
    """What the gradient of update `step` is multiplied by: 1, or more where the config injects outliers."""
    if not training.outlier_share:
        return 1.0
    drawn = np.random.default_rng((training.seed, step)).random()
    return OUTLIER if drawn < training.outlier_share else 1.0


@dataclass(frozen=True)
class Measured:
    """What an interval of updates amounted to: means, and the largest gradient norm."""

    text_loss: float
    speech_loss: float
    grad_norm: float
    grad_norm_max: float
    clipped_share: float
    seconds: float


class Meter:
    """Means over the updates since the last log line, kept on the device so that no update waits for it."""

    def __init__(self, device: torch.device) -> None:
        self._zero = torch.zeros(4, device=device)
        self._sums, self._largest, self._count, self._seconds = self._zero.clone(), self._zero[2].clone(), 0, 0.0

    def add(self, values: Tensor, seconds: float) -> None:
        """One update: (text loss, speech loss, gradient norm, clipped), shape (4,), and how long it took."""
        self._sums += values
        self._largest = torch.maximum(self._largest, values[2])  # NaN stays, as it should
        self._count += 1
        self._seconds += seconds

    def take(self, world: World) -> Measured:
        """What was added since the last time, and begin anew."""
        # Losses are shares of a sum over the processes; the norm is that of the whole gradient already.
        losses = world.total(self._sums[:2].double().cpu())
        text, speech = (losses / max(self._count, 1)).tolist()
        norm, clipped = (self._sums[2:] / max(self._count, 1)).tolist()
        measured = Measured(text, speech, norm, float(self._largest), clipped, self._seconds / max(self._count, 1))
        self._sums, self._largest, self._count, self._seconds = self._zero.clone(), self._zero[2].clone(), 0, 0.0
        return measured


def update_seed(seed: int, step: int, rank: int) -> int:
    """The seed of an update's dropout: a run that is resumed draws what it would have drawn."""
    return (seed * 1_000_003 + step) * 65_536 + rank & (1 << 63) - 1


def finite(model: nn.Module) -> bool:
    """Whether every weight is a number."""
    return all(math.isfinite(float(weight.detach().sum())) for weight in model.parameters())
