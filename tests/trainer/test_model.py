"""The model: what it may see, what it costs to be fresh, and how it speaks."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
import torch

from diagnose.trainer.batches import make_batch
from diagnose.trainer.model import Batch, SpeechModel
from diagnose.trainer.options import ModelOptions, Options

SMALL = ModelOptions(
    hidden_channels=16, filter_channels=32, n_heads=2, n_layers=2, p_dropout=0.0, n_vocab=12, n_speech_tokens=20,
    max_text_tokens=10, max_speech_tokens=30,
)  # fmt: skip


def model(options: ModelOptions = SMALL) -> SpeechModel:
    torch.manual_seed(0)
    return SpeechModel(options).eval()


def batch(clips: list[tuple[list[int], list[int]]]) -> Batch:
    speech = [np.array(tokens) for _, tokens in clips]
    return make_batch([text for text, _ in clips], speech, speech, Options(model=SMALL))


LONG = ([1, 2, 3, 4], [5, 6, 7, 8, 9, 10])
SHORT = ([7, 8], [11, 12])


def test_a_fresh_model_of_the_default_size_starts_where_the_guide_says() -> None:
    """11 to 13: the sum of two cross-entropies over 512 rows each."""
    torch.manual_seed(0)
    fresh = SpeechModel(ModelOptions())
    tokens = np.arange(40)
    made = make_batch([[1, 2, 3, 4, 5]], [tokens], [tokens], Options())
    with torch.no_grad():
        text, speech = fresh(made)
    loss = float(text) / 5 + float(speech) / 41
    assert 11 < loss < 13
    assert loss == pytest.approx(math.log(512) + math.log(514), abs=0.3)


@pytest.mark.parametrize("norm", ["post", "pre", "none"])
def test_a_clip_costs_the_same_alone_and_beside_a_longer_one(norm: Literal["post", "pre", "none"]) -> None:
    """Padding is never seen."""
    net = model(replace(SMALL, norm=norm))
    with torch.no_grad():
        alone = [net(batch([clip])) for clip in (LONG, SHORT)]
        together = net(batch([LONG, SHORT]))
    for part in (0, 1):
        assert float(together[part]) == pytest.approx(sum(float(sums[part]) for sums in alone), rel=1e-5)


def test_what_comes_later_is_not_seen() -> None:
    net = model()
    made = batch([LONG])
    before, _ = net.hidden(made.tokens, made.positions)
    changed = made.tokens.clone()
    changed[0, -1] = SMALL.n_vocab + 3
    after, _ = net.hidden(changed, made.positions)
    assert torch.equal(before[0, :-1], after[0, :-1])
    assert not torch.equal(before[0, -1], after[0, -1])


def test_every_character_token_and_the_stop_are_predicted_once() -> None:
    made = batch([LONG, SHORT])
    assert made.text_targets.tolist() == [*LONG[0], *SHORT[0]]
    stop = SMALL.n_speech_tokens + 1
    assert made.speech_targets.tolist() == [*LONG[1], stop, *SHORT[1], stop]
    flat = made.tokens.flatten()
    start = SMALL.n_vocab + SMALL.n_speech_tokens
    heard = [start, *(SMALL.n_vocab + token for token in LONG[1])]
    assert flat[made.speech_at][:7].tolist() == heard
    assert flat[made.text_at].tolist() == [0, 1, 2, 3, 0, 7]


def test_speaking_with_the_cache_is_speaking_without_it() -> None:
    net = model()
    torch.nn.init.normal_(net.speech_head.weight)  # a model with opinions
    spoken = net.speak([1, 2, 3], 12)
    assert len(set(spoken)) > 1
    tokens = [0, 1, 2, 3, SMALL.n_vocab + SMALL.n_speech_tokens, *(SMALL.n_vocab + token for token in spoken)]
    positions = [0, 1, 2, 3, *range(len(spoken) + 1)]
    hidden, _ = net.hidden(torch.tensor([tokens]), torch.tensor([positions]))
    predicted = net.speech_head(hidden[0, 4:]).argmax(-1).tolist()
    assert predicted[: len(spoken)] == spoken


def test_speech_is_cut_where_the_model_does_not_stop() -> None:
    net = model()
    assert len(net.speak([1], 5)) <= 5
    assert len(net.speak([1], 1000)) <= SMALL.max_speech_tokens


def test_a_text_beyond_the_positions_is_refused() -> None:
    with pytest.raises(ValueError, match="11 characters are more than the 10"):
        model().speak([1] * 11, 5)
