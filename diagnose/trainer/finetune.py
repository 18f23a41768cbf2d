"""Starting from a trained model: its weights, its sound tokens, and room for the letters of another language."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from diagnose.trainer import checkpoint
from diagnose.trainer.checkpoint import Checkpoint
from diagnose.trainer.options import DataOptions, Options

GROWING = ("text_embedding.weight", "text_head.weight", "text_position.weight", "speech_position.weight")
"""Tensors with a row a text token or a position: these may have more rows than the pretrained ones."""
SOUND = ("sampling_rate", "filter_length", "hop_length", "win_length", "n_mel_channels", "mel_fmin", "mel_fmax")
"""What must be equal for a speech token to mean the same sound, beside frames_per_token."""


def pretrained(options: Options) -> Checkpoint:
    """The checkpoint to start from. Raises ConfigError where it is missing or does not fit the config."""
    saved = checkpoint.load(Path(options.finetuning.pretrained_model or ""))
    rows, wanted = saved.options["model"]["n_vocab"], options.model.original_vocab_size
    if wanted is not None and wanted != rows:
        raise options.error("model.original_vocab_size", f"{wanted}, but the pretrained model has {rows} rows")
    if rows > options.model.n_vocab:
        raise options.error("model.n_vocab", f"{options.model.n_vocab}, but the pretrained model has {rows} rows")
    ours = DataOptions.__dataclass_fields__.keys() & {*SOUND, "frames_per_token"}
    for key in sorted(ours):
        theirs = saved.options["data"][key]
        if getattr(options.data, key) != theirs:
            raise options.error(f"data.{key}", f"the pretrained model was trained with {theirs}; set it to that")
    return saved


def warm_start(model: nn.Module, saved: Checkpoint, options: Options) -> None:
    """Put the pretrained weights into `model`; its further rows of text tokens stay fresh. Raises ConfigError."""
    weights = model.state_dict()
    missing = sorted(weights.keys() ^ saved.weights.keys())
    if missing:
        raise options.error("model.n_layers", f"the pretrained model is built otherwise (it differs in {missing[0]})")
    for name, weight in weights.items():
        _copy(name, weight, saved.weights[name], options)


def _copy(name: str, weight: Tensor, loaded: Tensor, options: Options) -> None:
    if loaded.shape != weight.shape and (name not in GROWING or loaded.shape[1:] != weight.shape[1:]):
        problem = f"{name} is {tuple(loaded.shape)} in the pretrained model, {tuple(weight.shape)} by this config"
        raise options.error("finetuning.pretrained_model", problem)
    with torch.no_grad():
        weight[: len(loaded)] = loaded


def freeze_rows(embedding: nn.Embedding, count: int) -> None:
    """Keep the first `count` rows as they are: their gradient is zero, and embeddings are not decayed."""

    def without_frozen(gradient: Tensor) -> Tensor:
        gradient = gradient.clone()
        gradient[:count] = 0
        return gradient

    embedding.weight.register_hook(without_frozen)  # type: ignore[no-untyped-call]  # torch
