"""Small changes to a recording that leave the words and the speaker as they are."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from diagnose.data.audio import Samples, Sound, interpolate

CEILING = 0.99
"""Nothing is made louder than this share of full scale, so that no change clips."""
# Frames of 40 ms hold at least three periods of the lowest voice; 10 ms of search hold one period of a voice of
# 100 Hz (Verhelst and Roelands 1993, WSOLA).
FRAME_SECONDS, SEARCH_SECONDS = 0.04, 0.01


def gain(sound: Sound, decibels: float) -> Sound:
    """Louder by `decibels`, or softer where negative."""
    return _below_ceiling(sound.samples * np.float32(10 ** (decibels / 20)), sound.rate)


def noise(sound: Sound, below_decibels: float, rng: np.random.Generator) -> Sound:
    """With white noise whose power is `below_decibels` under the power of the speech."""
    power = float(np.sqrt(np.mean(np.square(sound.samples, dtype=np.float64)))) if len(sound.samples) else 0.0
    hiss = rng.standard_normal(len(sound.samples)) * power * 10 ** (-below_decibels / 20)
    return _below_ceiling((sound.samples + hiss).astype(np.float32), sound.rate)


def speed(sound: Sound, factor: float) -> Sound:
    """`factor` times as fast at the same pitch (WSOLA: frames overlapped where they match best)."""
    frame = max(round(FRAME_SECONDS * sound.rate) // 2 * 2, 4)
    search = round(SEARCH_SECONDS * sound.rate)
    hop = frame // 2
    count = max(round(len(sound.samples) / factor) // hop, 1)
    # Half a frame before and enough behind, so that every frame can be taken whole.
    padded = np.pad(sound.samples, (hop + search, frame + 2 * search + hop))
    window = np.hanning(frame + 1)[:-1].astype(np.float32)
    made = np.zeros((count + 2) * hop, np.float32)
    taken = search
    for number in range(count + 1):
        made[number * hop : number * hop + frame] += padded[taken : taken + frame] * window
        wanted = min(round((number + 1) * hop * factor), len(sound.samples))
        taken = _best_match(padded, taken + hop, wanted, 2 * search, frame)
    return Sound(made[hop : hop + round(len(sound.samples) / factor)], sound.rate)


def pitch(sound: Sound, semitones: float) -> Sound:
    """Higher by `semitones`, or lower where negative, at the same speed."""
    ratio = Fraction(2 ** (semitones / 12)).limit_denominator(100)
    stretched = speed(sound, float(1 / ratio))
    return _below_ceiling(interpolate(stretched.samples, 1 / ratio), sound.rate)


def _best_match(padded: Samples, natural: int, first: int, width: int, frame: int) -> int:
    """The start from `first` to `first + width` whose frame goes on most like the frame at `natural`."""
    goal = padded[natural : natural + frame]
    region = padded[first : first + width + frame]
    return first + int(np.argmax(np.correlate(region, goal, "valid")))


def _below_ceiling(samples: Samples, rate: int) -> Sound:
    peak = float(np.abs(samples).max(initial=0.0))
    return Sound(samples if peak <= CEILING else samples * np.float32(CEILING / peak), rate)
