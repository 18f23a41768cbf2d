"""Sound to speech tokens and back: k-means over stacked log-mel frames, then inverse mel and Griffin-Lim."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from diagnose.data.audio import Samples
from diagnose.trainer.options import DataOptions

FLOOR = 1e-5
"""Smallest mel magnitude, as in Tacotron 2 (Shen et al. 2018)."""
FIT_FRAMES = 40_000
"""Stacked frames that the codebook is fitted on at most: 78 a centre, beyond which it changes little."""
FIT_ROUNDS = 12
"""Lloyd iterations; the distortion falls by less than 1 % a round after ten."""
MEL_ROUNDS = 30
PHASE_ROUNDS = 32
"""Iterations of the mel inversion and of Griffin-Lim."""


@dataclass(frozen=True, eq=False)
class Codec:
    """Turns a recording into tokens and tokens into a recording."""

    options: DataOptions
    codebook: Tensor
    """Shape (tokens, frames_per_token * n_mel_channels), log-mel magnitudes."""

    def encode(self, mel: Tensor) -> Tensor:
        """Log-mel frames (frames, n_mel_channels) -> tokens (ceil(frames / frames_per_token),)."""
        return _nearest(stack(mel, self.options.frames_per_token), self.codebook)

    def log_mel(self, tokens: Tensor) -> Tensor:
        """Tokens (n,) -> log-mel frames (n * frames_per_token, n_mel_channels)."""
        return self.codebook[tokens].reshape(-1, self.options.n_mel_channels)

    def decode(self, tokens: list[int]) -> Samples:
        """The recording behind the tokens, shape (samples,), full scale -1 to 1."""
        if not tokens:
            return np.zeros(self.options.hop_length, np.float32)
        return griffin_lim(self.log_mel(torch.tensor(tokens)), self.options)


def fit(mels: list[Tensor], options: DataOptions, size: int, seed: int) -> Codec:
    """The codec whose `size` tokens come nearest to the frames of `mels`. The same frames give the same codec.

    Raises ValueError where there are fewer stacked frames than tokens.
    """
    frames = torch.cat([stack(mel, options.frames_per_token) for mel in mels])
    if len(frames) < size:
        raise ValueError(f"{len(frames)} speech frames cannot make {size} different tokens")
    random = torch.Generator().manual_seed(seed)
    sample = frames[torch.randperm(len(frames), generator=random)[:FIT_FRAMES]]
    return Codec(options, kmeans(sample, size, random))


def kmeans(points: Tensor, size: int, random: torch.Generator) -> Tensor:
    """Centres (size, width) of `points` (n, width) by Lloyd's algorithm from points drawn at random.

    A centre that loses all its points moves to one of the points farthest from their centres.
    """
    centres = points[torch.randperm(len(points), generator=random)[:size]].clone()
    for _ in range(FIT_ROUNDS):
        nearest = _nearest(points, centres)
        counts = torch.bincount(nearest, minlength=size)
        sums = torch.zeros_like(centres).index_add_(0, nearest, points)
        centres = sums / counts.clamp(min=1)[:, None]
        empty = torch.nonzero(counts == 0).flatten()
        if len(empty):
            distance = (points - centres[nearest]).square().sum(1)
            centres[empty] = points[distance.topk(len(empty)).indices]
    return centres


def stack(mel: Tensor, count: int) -> Tensor:
    """(frames, channels) -> (ceil(frames / count), count * channels); the last frame is repeated to fill up."""
    missing = -len(mel) % count
    full = torch.cat([mel, mel[-1:].expand(missing, -1)]) if missing else mel
    return full.reshape(len(full) // count, -1)


def log_mel(samples: Samples, options: DataOptions) -> Tensor:
    """Recording (samples,) -> natural log of mel magnitudes (frames, n_mel_channels)."""
    magnitude = _stft(torch.from_numpy(np.ascontiguousarray(samples)), options).abs()
    return (mel_filters(options) @ magnitude).clamp(min=FLOOR).log().T.contiguous()


def griffin_lim(mel: Tensor, options: DataOptions) -> Samples:
    """Log-mel frames (frames, n_mel_channels) -> recording, by the fast Griffin-Lim of Perraudin et al. 2013."""
    magnitude = _magnitude(mel, options)
    # A fixed start makes the same tokens sound the same every time.
    phase = torch.rand(magnitude.shape, generator=torch.Generator().manual_seed(0)) * 2 * math.pi
    estimate = torch.polar(magnitude, phase)
    previous = estimate
    for _ in range(PHASE_ROUNDS):
        projected = _stft(_istft(estimate, options), options)[:, : magnitude.shape[1]]
        faster = projected + 0.99 * (projected - previous)
        previous = projected
        estimate = torch.polar(magnitude, faster.angle())
    return _istft(estimate, options).clamp(-1, 1).numpy()


def mel_filters(options: DataOptions) -> Tensor:
    """Triangular filters of peak 1 on the HTK mel scale, shape (n_mel_channels, filter_length // 2 + 1)."""
    low, high = (2595 * math.log10(1 + hertz / 700) for hertz in (options.mel_fmin, options.mel_fmax))
    edges = 700 * (10 ** (torch.linspace(low, high, options.n_mel_channels + 2, dtype=torch.float64) / 2595) - 1)
    bins = torch.linspace(0, options.sampling_rate / 2, options.filter_length // 2 + 1, dtype=torch.float64)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return torch.minimum(rising, falling).clamp(min=0).float()


def _magnitude(mel: Tensor, options: DataOptions) -> Tensor:
    """Spectral magnitudes (bins, frames) that have these mels, by multiplicative updates (Lee and Seung 2001)."""
    filters, target = mel_filters(options), mel.T.exp()
    wanted = filters.T @ target
    magnitude = wanted.clone()
    for _ in range(MEL_ROUNDS):
        magnitude = magnitude * wanted / (filters.T @ (filters @ magnitude)).clamp(min=1e-8)
    return magnitude


def _stft(samples: Tensor, options: DataOptions) -> Tensor:
    """(samples,) -> complex (bins, frames); sounds shorter than a window are padded."""
    samples = functional.pad(samples, (0, max(0, options.filter_length - len(samples))))
    window = torch.hann_window(options.win_length)
    return torch.stft(
        samples, options.filter_length, options.hop_length, options.win_length, window, return_complex=True
    )


def _istft(spectrum: Tensor, options: DataOptions) -> Tensor:
    window = torch.hann_window(options.win_length)
    # torch.istft wants two frames to overlap; a lone frame is used twice.
    spectrum = spectrum if spectrum.shape[1] > 1 else spectrum.expand(-1, 2)
    return torch.istft(spectrum, options.filter_length, options.hop_length, options.win_length, window)


def _nearest(points: Tensor, centres: Tensor) -> Tensor:
    """Index of the nearest centre of each point, (n, width) and (k, width) -> (n,); blocks bound the memory."""
    offsets = centres.square().sum(1)
    return torch.cat([(offsets - 2 * block @ centres.T).argmin(1) for block in torch.split(points, 8192)])
