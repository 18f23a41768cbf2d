"""A decoder-only transformer over text and speech tokens, after Chatterbox's T3, small enough for a CPU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from diagnose.trainer.options import ModelOptions

TEXT_START = 0
"""The text token before the first character."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Clips as one row each: text tokens, then speech tokens, then padding, which nothing before it can see."""

    tokens: Tensor
    """Shape (clips, length). Speech token `s` is token `n_vocab + s`."""
    positions: Tensor
    """Shape (clips, length), counted anew in each of the two parts."""
    text_at: Tensor
    """Shape (n,): indices into the flattened rows from which the next character is foretold."""
    text_targets: Tensor
    """Shape (n,): those characters."""
    speech_at: Tensor
    """Shape (m,): likewise for speech tokens and the stop token."""
    speech_targets: Tensor
    """Shape (m,), without the offset of `tokens`."""

    def to(self, device: torch.device) -> Batch:
        """The same batch on `device`."""
        return Batch(*(getattr(self, name).to(device, non_blocking=True) for name in self.__dataclass_fields__))


@dataclass(eq=False)
class Cache:
    """Keys and values of the tokens so far, one pair a layer, each of shape (1, heads, length, width)."""

    layers: list[tuple[Tensor, Tensor]]


class Block(nn.Module):
    """Self-attention and a feed-forward layer, each around a residual."""

    def __init__(self, options: ModelOptions) -> None:
        super().__init__()
        width = options.hidden_channels
        self.heads = options.n_heads
        self.pre = options.norm == "pre"
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.up = nn.Linear(width, options.filter_channels)
        self.down = nn.Linear(options.filter_channels, width)
        self.norms = nn.ModuleList(_norm(options) for _ in range(2))
        self.dropout = nn.Dropout(options.p_dropout)

    def forward(self, x: Tensor, past: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """x: (clips, length, width). Also returns the keys and values, those of `past` included."""
        first, second = self.norms
        attended, present = self.attend(first(x) if self.pre else x, past)
        x = x + self.dropout(attended)
        x = x if self.pre else first(x)
        x = x + self.dropout(self.down(functional.gelu(self.up(second(x) if self.pre else x))))
        return x if self.pre else second(x), present

    def attend(self, x: Tensor, past: tuple[Tensor, Tensor] | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Causal attention; with `past`, x is the one token that comes after it."""
        clips, length, width = x.shape
        q, k, v = self.qkv(x).view(clips, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        if past is not None:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=past is None)
        return self.out(mixed.transpose(1, 2).reshape(clips, length, width)), (k, v)


class SpeechModel(nn.Module):
    """Foretells the next character of the text, then the next speech token given text and speech so far."""

    def __init__(self, options: ModelOptions) -> None:
        super().__init__()
        width = options.hidden_channels
        self.n_vocab = options.n_vocab
        self.start, self.stop = options.n_speech_tokens, options.n_speech_tokens + 1
        self.text_embedding = nn.Embedding(options.n_vocab, width)
        self.speech_embedding = nn.Embedding(options.n_speech_tokens + 2, width)
        # One more for the start token of each part. Learned positions follow the text far better here than
        # sinusoids: 2.0 against 0.9 nats of wrong-text gap after the same training (benchmarks/trainer).
        self.text_position = nn.Embedding(options.max_text_tokens + 1, width)
        self.speech_position = nn.Embedding(options.max_speech_tokens + 1, width)
        self.blocks = nn.ModuleList(Block(options) for _ in range(options.n_layers))
        self.final_norm = _norm(options) if options.norm == "pre" else nn.Identity()
        self.text_head = nn.Linear(width, options.n_vocab, bias=False)
        self.speech_head = nn.Linear(width, options.n_speech_tokens + 2, bias=False)
        self.dropout = nn.Dropout(options.p_dropout)
        self.apply(_initialise)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The cross-entropies of text and of speech, each summed over its tokens, in nats."""
        hidden, _ = self.hidden(batch.tokens, batch.positions)
        flat = hidden.flatten(0, 1)
        text = functional.cross_entropy(self.text_head(flat[batch.text_at]), batch.text_targets, reduction="sum")
        speech = functional.cross_entropy(
            self.speech_head(flat[batch.speech_at]), batch.speech_targets, reduction="sum"
        )
        return text, speech

    def hidden(self, tokens: Tensor, positions: Tensor, cache: Cache | None = None) -> tuple[Tensor, Cache]:
        """tokens, positions: (clips, length) -> (clips, length, width), and the cache with these tokens added."""
        meaning = torch.cat([self.text_embedding.weight, self.speech_embedding.weight])
        place = torch.cat([self.text_position.weight, self.speech_position.weight])
        place_at = positions + (tokens >= self.n_vocab) * self.text_position.num_embeddings
        x = self.dropout(functional.embedding(tokens, meaning) + functional.embedding(place_at, place))
        layers = []
        for index, block in enumerate(self.blocks):
            x, present = block(x, None if cache is None else cache.layers[index])
            layers.append(present)
        return self.final_norm(x), Cache(layers)

    @torch.inference_mode()
    def speak(self, text: list[int], longest: int) -> list[int]:
        """Speech tokens for character tokens `text`, the likeliest at every step, at most `longest`.

        Raises ValueError where the text is longer than the model has positions for.
        """
        most = self.text_position.num_embeddings - 1
        if len(text) > most:
            raise ValueError(f"{len(text)} characters are more than the {most} that the model can hold; say less")
        return list(self._tokens(text, min(longest, self.speech_position.num_embeddings - 1)))

    def _tokens(self, text: list[int], longest: int) -> Iterator[int]:
        device = self.text_embedding.weight.device
        tokens = torch.tensor([[TEXT_START, *text, self.n_vocab + self.start]], device=device)
        positions = torch.tensor([[*range(len(text) + 1), 0]], device=device)
        hidden, cache = self.hidden(tokens, positions)
        for position in range(1, longest + 1):
            token = int(self.speech_head(hidden[0, -1]).argmax())
            if token >= self.start:  # the stop token; the start token is never a target
                return
            yield token
            step = torch.tensor([[self.n_vocab + token]], device=device)
            hidden, cache = self.hidden(step, torch.tensor([[position]], device=device), cache)


EMBEDDING_STD = 0.02
"""Spread of fresh weights, after GPT-2 (Radford et al. 2019): a fresh model foretells all tokens alike."""


def _initialise(module: nn.Module) -> None:
    if isinstance(module, (nn.Linear, nn.Embedding)):
        nn.init.normal_(module.weight, std=EMBEDDING_STD)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


def _norm(options: ModelOptions) -> nn.Module:
    return nn.Identity() if options.norm == "none" else nn.LayerNorm(options.hidden_channels)
