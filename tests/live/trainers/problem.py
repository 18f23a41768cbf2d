"""One small regression for every framework: at rates above 1 plain gradient descent leaves it for good."""

from __future__ import annotations

import torch
from torch import Tensor

WIDTH = 20


def data(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Inputs of shape (count, WIDTH) and targets of shape (count, 1)."""
    draw = torch.Generator().manual_seed(seed)
    truth = torch.randn(WIDTH, 1, generator=torch.Generator().manual_seed(0))
    inputs = torch.randn(count, WIDTH, generator=draw)
    return inputs, inputs @ truth + 0.3 * torch.randn(count, 1, generator=draw)
