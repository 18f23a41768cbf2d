"""The batches of an update, in an order that a seed decides, and those of an evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

from diagnose.trainer.corpus import Corpus, IntArray
from diagnose.trainer.distributed import World
from diagnose.trainer.model import TEXT_START, Batch
from diagnose.trainer.options import Options

WINDOW = 8
"""Batches that are cut from one stretch of clips sorted by length, so that little of them is padding."""


@dataclass(frozen=True)
class Update:
    """The clips of one update on one device, and the sums over all devices by which its loss is divided."""

    batches: tuple[Batch, ...]
    text_tokens: int
    speech_tokens: int


@dataclass(eq=False)
class BatchSampler:
    """Draws the training clips of each update. What an update gets follows from its number and the seed alone."""

    corpus: Corpus
    options: Options
    world: World
    _shuffled: tuple[int, list[list[int]]] = field(default=(-1, []), init=False)
    """The epoch that was drawn from last, and its order."""

    @property
    def clips_per_update(self) -> int:
        """The effective batch: over all devices and accumulated micro-batches."""
        return self.options.data.batch_size * self.options.training.grad_accumulation_steps * self.world.size

    @property
    def steps_per_epoch(self) -> int:
        """Updates an epoch; clips that do not fill the last one sit it out, others every epoch."""
        return len(self.corpus.train) // self.clips_per_update

    def batches(self, step: int) -> Update:
        """What this device learns from in update `step`."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if self._shuffled[0] != epoch:
            self._shuffled = (epoch, self._order(epoch))
        chosen = self._shuffled[1][place]
        texts = {index: self.corpus.vocabulary.encode(self.corpus.texts[index]) for index in chosen}
        return Update(
            tuple(self._batch(part, texts, epoch) for part in self._share(chosen)),
            sum(len(text) for text in texts.values()),
            sum(len(self.corpus.speech[index]) + 1 for index in chosen),
        )

    def _order(self, epoch: int) -> list[list[int]]:
        """The clips of each update of an epoch: shuffled, sorted by length within a window, shuffled again."""
        random = np.random.default_rng((self.options.training.seed, epoch))
        clips = random.permutation(np.array(self.corpus.train))[: self.steps_per_epoch * self.clips_per_update]
        lengths = np.array([len(self.corpus.speech[index]) for index in clips])
        stretch = WINDOW * self.clips_per_update
        clips = clips[np.lexsort((lengths, np.arange(len(clips)) // stretch))]
        updates = clips.reshape(self.steps_per_epoch, self.clips_per_update)
        return [list(map(int, updates[index])) for index in random.permutation(self.steps_per_epoch)]

    def _share(self, chosen: list[int]) -> Iterator[list[int]]:
        """Micro-batches of this device: neighbours in length, so that all devices work equally long."""
        size = self.options.data.batch_size * self.world.size
        for start in range(0, len(chosen), size):
            yield chosen[start : start + size][self.world.rank :: self.world.size]

    def _batch(self, part: list[int], texts: dict[int, list[int]], epoch: int) -> Batch:
        speech = [self.corpus.speech[index] for index in part]
        given = [self._replaced(tokens, index, epoch) for tokens, index in zip(speech, part, strict=True)]
        return make_batch([texts[index] for index in part], speech, given, self.options)

    def _replaced(self, tokens: IntArray, index: int, epoch: int) -> IntArray:
        """The tokens that the model is shown: some are random, so that it cannot lean on them alone."""
        if not self.options.training.token_replacement:
            return tokens
        random = np.random.default_rng((self.options.training.seed, epoch, index))
        wrong = random.random(len(tokens)) < self.options.training.token_replacement
        return np.where(wrong, random.integers(0, self.options.model.n_speech_tokens, len(tokens)), tokens)


def make_batch(texts: list[list[int]], speech: list[IntArray], given: list[IntArray], options: Options) -> Batch:
    """Rows of text tokens and the `given` speech tokens, padded, with the `speech` tokens as targets."""
    n_vocab, start = options.model.n_vocab, options.model.n_speech_tokens
    rows = [
        np.concatenate([[TEXT_START], text, [n_vocab + start], n_vocab + tokens])
        for text, tokens in zip(texts, given, strict=True)
    ]
    length = max(map(len, rows))
    tokens = np.zeros((len(rows), length), np.int64)
    positions = np.zeros((len(rows), length), np.int64)
    text_at, speech_at = [], []
    for number, (row, text) in enumerate(zip(rows, texts, strict=True)):
        tokens[number, : len(row)] = row
        positions[number, : len(row)] = [*range(len(text) + 1), *range(len(row) - len(text) - 1)]
        text_at.append(np.arange(len(text)) + number * length)
        speech_at.append(np.arange(len(text) + 1, len(row)) + number * length)
    targets = [np.append(tokens_of_clip, start + 1) for tokens_of_clip in speech]
    joined = [tokens, positions, *(np.concatenate(parts) for parts in (text_at, texts, speech_at, targets))]
    return Batch(*(torch.from_numpy(np.asarray(part, np.int64)) for part in joined))


def fixed_batches(
    corpus: Corpus, clips: tuple[int, ...], options: Options, *, wrong_text: bool = False
) -> Iterator[Batch]:
    """The clips as they are, for evaluation, in batches of similar length; or each with the next one's text."""
    ordered = sorted(clips, key=lambda index: len(corpus.speech[index]))
    spoken = ordered[1:] + ordered[:1] if wrong_text else ordered
    for start in range(0, len(ordered), options.data.batch_size):
        part = slice(start, start + options.data.batch_size)
        speech = [corpus.speech[index] for index in ordered[part]]
        texts = [corpus.vocabulary.encode(corpus.texts[index]) for index in spoken[part]]
        yield make_batch(texts, speech, speech, options)
