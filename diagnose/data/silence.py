"""Where a recording is silent."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from diagnose.data.audio import Samples, Sound

FRAME_SECONDS = 0.01
# Below the loudest frame of the clip. With the 60 dB that librosa.effects.trim has by default, the hiss of an
# ordinary room counts as speech; with 40 dB the ends of sentences are found within 0.03 s (tests/data/
# test_import_srt.py), and what `trim` keeps on either side holds a weak last consonant.
FLOOR_DB = -40.0


def loudness(sound: Sound) -> npt.NDArray[np.float64]:
    """Root mean square of every 10 ms frame, shape (frames,), of full scale; the last frame may be shorter."""
    size = max(round(FRAME_SECONDS * sound.rate), 1)
    squares = np.square(sound.samples, dtype=np.float64)
    starts = np.arange(0, len(squares), size)
    if not len(starts):
        return np.zeros(0)
    sizes = np.diff(starts, append=len(squares))
    levels: npt.NDArray[np.float64] = np.sqrt(np.add.reduceat(squares, starts) / sizes)
    return levels


def speech_span(sound: Sound) -> tuple[int, int] | None:
    """First and last sample + 1 that are not silence at the ends; None where all is silence."""
    levels = loudness(sound)
    if not len(levels) or levels.max() <= 0.0:
        return None
    loud = np.flatnonzero(levels > levels.max() * 10 ** (FLOOR_DB / 20))
    size = max(round(FRAME_SECONDS * sound.rate), 1)
    return int(loud[0]) * size, min(int(loud[-1] + 1) * size, len(sound.samples))


def trim(sound: Sound, keep_seconds: float = 0.02) -> Sound:
    """The sound without the silence at its ends, but for `keep_seconds` on either side."""
    span = speech_span(sound)
    if span is None:
        return sound
    margin = round(keep_seconds * sound.rate)
    kept: Samples = sound.samples[max(span[0] - margin, 0) : span[1] + margin]
    return Sound(kept, sound.rate)
