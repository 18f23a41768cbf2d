"""Sound to tokens and back."""

from __future__ import annotations

import numpy as np
import torch

from diagnose.trainer.options import DataOptions
from diagnose.trainer.tokens import Codec, fit, griffin_lim, kmeans, log_mel, mel_filters, stack
from tests.trainer.tiny import RATE, speak

OPTIONS = DataOptions(
    sampling_rate=RATE, filter_length=256, hop_length=64, win_length=256, n_mel_channels=40, mel_fmax=4000.0,
    frames_per_token=2,
)  # fmt: skip


def test_kmeans_finds_clusters_that_are_there() -> None:
    random = torch.Generator().manual_seed(0)
    truth = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    points = truth.repeat(200, 1) + 0.1 * torch.randn(600, 2, generator=random)
    centres = kmeans(points, 3, random)
    assert torch.cdist(truth, centres).min(1).values.max() < 0.1


def test_no_centre_is_left_without_points() -> None:
    """Five centres on five different values: each takes one, wherever they began."""
    points = torch.arange(5.0)[:, None].repeat_interleave(40, 0)
    for seed in range(10):
        centres = kmeans(points, 5, torch.Generator().manual_seed(seed))
        assert sorted(centres.flatten().tolist()) == [0, 1, 2, 3, 4]


def test_the_same_sounds_give_the_same_codec() -> None:
    mels = [log_mel(speak(word).samples, OPTIONS) for word in ("abcde", "edcba", "ace")]
    one, other = (fit(mels, OPTIONS, 16, seed=3) for _ in range(2))
    assert torch.equal(one.codebook, other.codebook)


def test_a_codebook_frame_is_its_own_token() -> None:
    codec = Codec(OPTIONS, torch.randn(16, 80, generator=torch.Generator().manual_seed(0)))
    tokens = torch.randperm(16, generator=torch.Generator().manual_seed(1))
    assert torch.equal(codec.encode(codec.log_mel(tokens)), tokens)


def test_stacking_repeats_the_last_frame_to_fill_up() -> None:
    stacked = stack(torch.arange(5.0)[:, None], 2)
    assert stacked.tolist() == [[0, 1], [2, 3], [4, 4]]


def test_every_filter_hears_something_and_every_tone_between_is_heard() -> None:
    filters = mel_filters(DataOptions())
    assert (filters.sum(1) > 0).all()
    heard = filters.sum(0)
    bins = np.linspace(0, 11_025, len(heard))
    assert (heard[(bins > 50) & (bins < 7900)] > 0).all()


def test_a_tone_comes_back_from_its_mel_at_its_pitch() -> None:
    time = np.arange(RATE) / RATE
    tone = (0.5 * np.sin(2 * np.pi * 1000 * time)).astype(np.float32)
    back = griffin_lim(log_mel(tone, OPTIONS), OPTIONS)
    spectrum = np.abs(np.fft.rfft(back * np.hanning(len(back))))
    pitch = spectrum.argmax() * RATE / len(back)
    assert abs(pitch - 1000) < 40  # a mel channel is 80 Hz wide there
    assert 0.1 < np.abs(back).max() <= 1


def test_the_same_tokens_sound_the_same_every_time() -> None:
    codec = Codec(OPTIONS, torch.randn(16, 80, generator=torch.Generator().manual_seed(0)))
    assert np.array_equal(codec.decode([1, 2, 3]), codec.decode([1, 2, 3]))
    assert not codec.decode([]).any()
    assert len(codec.decode([5])) > 0
