"""What can be measured of one recording and its text: how loud, how clipped, whether the text fits into it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from diagnose.data.audio import AudioError, Header, Samples, Sound, header, read
from diagnose.data.manifest import Clip

# Speech that peaks 60 dB below full scale has 6 of the 16 bits left: what is there is the noise of the room.
SILENT_PEAK = 10 ** (-60 / 20)
# A wave that just touches full scale stays there for a sample or two; three in a row are a cut-off top.
FULL_SCALE, PLATEAU = 0.999, 3
# Frames of a model at 22.05 kHz and hop 256. With a blank between the letters, an aligner needs
# 2 * letters + 1 <= frames (HierSpeech++ issue 27: NaN until such clips were dropped).
FRAMES_PER_SECOND = 22_050 / 256
# The first minute decides about the level of a clip: one of hours is too long in any case.
INSPECTED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ClipAudio:
    """What one recording is like."""

    clip: Clip
    header: Header | None = None
    """None: missing or unreadable."""
    peak: float = 0.0
    """Of full scale."""
    clipped: float = 0.0
    """Share of the samples on plateaus at full scale."""
    error: str = ""
    """Why it cannot be read; empty where it is missing."""

    @property
    def seconds(self) -> float:
        """Duration; 0 where it could not be opened."""
        return self.header.seconds if self.header else 0.0


def inspect(clip: Clip) -> ClipAudio:
    """Open one recording and measure its first minute."""
    if not clip.audio.is_file():
        return ClipAudio(clip)
    try:
        found = header(clip.audio)
        samples = read(clip.audio, stop=INSPECTED_SECONDS).samples
    except AudioError as error:
        return ClipAudio(clip, error=str(error).removeprefix(f"{clip.audio}: "))
    peak = float(np.abs(samples).max(initial=0.0))
    return ClipAudio(clip, found, peak, clipped_share(samples) if peak >= FULL_SCALE else 0.0)


def spoken(text: str) -> str:
    """The spoken form of a text: two that differ only in case, punctuation, spacing or Unicode form are the same."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in folded)
    return " ".join(kept.split())


def text_beyond_audio(text: str, seconds: float) -> bool:
    """Whether the text has more letters than an aligner can place in the audio."""
    return 2 * len(text) + 1 > seconds * FRAMES_PER_SECOND


def clipped_share(samples: Samples) -> float:
    """Share of the samples that are in a row of PLATEAU or more at full scale."""
    full = np.pad((np.abs(samples) >= FULL_SCALE).astype(np.int8), 1)
    edges = np.flatnonzero(np.diff(full))
    lengths = edges[1::2] - edges[::2]
    return float(lengths[lengths >= PLATEAU].sum() / len(samples))


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
