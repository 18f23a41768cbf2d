"""Sound files: PCM wav through the standard library, everything else through soundfile where it is installed."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

INSTALL = "pip install 'ttsdoc[data]'"
SLOWEST, FASTEST = 1_000, 768_000
"""Sample rates outside of this, in Hz, are damage; to resample from 1 Hz would take all memory."""
SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3")


class AudioError(Exception):
    """A sound file that cannot be read. The message is one line: the file, what is wrong, what to do."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a sound file says of itself, without its samples."""

    frames: int
    rate: int
    """Frames per second, Hz."""
    channels: int
    plain: bool = False
    """Whether it is mono PCM of 16 bit in a wav file: what `write` writes."""

    @property
    def seconds(self) -> float:
        """Duration."""
        return self.frames / self.rate


@dataclass(frozen=True, eq=False)
class Sound:
    """One mono recording."""

    samples: Samples
    """Shape (n,), full scale is -1 to 1."""
    rate: int
    """Samples per second, Hz."""

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.samples) / self.rate


def header(path: Path) -> Header:
    """Length, rate and channels. Raises AudioError where the file is no sound that can be read here."""
    try:
        with wave.open(str(path), "rb") as file:
            plain = file.getnchannels() == 1 and file.getsampwidth() == 2
            return Header(_frames(file, path), _rate(file.getframerate(), path), file.getnchannels(), plain)
    except (wave.Error, EOFError):
        info = _soundfile(path).info
    except OSError as error:
        raise AudioError(f"{path}: {error.strerror or error}") from error
    try:
        found = info(str(path))
    except (OSError, RuntimeError) as error:
        raise AudioError(f"{path}: not a sound file that can be read ({_reason(error)})") from error
    return Header(found.frames, _rate(found.samplerate, path), found.channels)


def read(path: Path, start: float = 0.0, stop: float | None = None) -> Sound:
    """The sound between `start` and `stop` (seconds; None: to the end), all channels mixed to one.

    Raises AudioError where the file is no sound that can be read here, or holds NaN.
    """
    try:
        with wave.open(str(path), "rb") as file:
            return _read_wave(file, path, start, stop)
    except (wave.Error, EOFError):
        sound = _read_soundfile(path, start, stop)
    except OSError as error:
        raise AudioError(f"{path}: {error.strerror or error}") from error
    if not np.isfinite(sound.samples).all():
        raise AudioError(f"{path}: holds samples that are not finite numbers; convert it again")
    return sound


def write(path: Path, sound: Sound) -> None:
    """Write a mono wav file of 16 bit; samples beyond full scale are clipped."""
    samples = np.round(np.clip(sound.samples, -1.0, 1.0) * 32767.0).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sound.rate)
        file.writeframes(samples.tobytes())


def resample(sound: Sound, rate: int) -> Sound:
    """The same sound at another rate, by band-limited (Fourier) interpolation; duration and pitch stay."""
    if rate == sound.rate:
        return sound
    return Sound(interpolate(sound.samples, Fraction(rate, sound.rate)), rate)


def interpolate(samples: Samples, ratio: Fraction) -> Samples:
    """`ratio` times as many samples for the same course, shape (round(n * ratio),); small denominators are fast."""
    # A length that the ratio divides keeps the ratio exact; the zeros at the end keep the two ends, which
    # are neighbours to a Fourier transform, from ringing into one another.
    block = ratio.denominator
    padded = (len(samples) + 1024 + block - 1) // block * block
    target = padded // block * ratio.numerator
    spectrum = np.fft.rfft(samples, padded)[: target // 2 + 1]
    full = np.fft.irfft(spectrum, target) * float(ratio)
    return full[: round(len(samples) * ratio)].astype(np.float32)


def _rate(rate: int, path: Path) -> int:
    if not SLOWEST <= rate <= FASTEST:
        raise AudioError(f"{path}: {rate} Hz is no sample rate of speech; the header is damaged")
    return rate


def _frames(file: wave.Wave_read, path: Path) -> int:
    """Frames that are really there: a header may promise more than the file holds, up to 4 GiB."""
    width = file.getsampwidth() * file.getnchannels()
    return min(file.getnframes(), path.stat().st_size // width)


def _read_wave(file: wave.Wave_read, path: Path, start: float, stop: float | None) -> Sound:
    rate = _rate(file.getframerate(), path)
    first, last = _bounds(start, stop, rate, _frames(file, path))
    file.setpos(first)
    width, channels = file.getsampwidth(), file.getnchannels()
    raw = file.readframes(last - first)
    raw = raw[: len(raw) // (width * channels) * (width * channels)]
    samples = _pcm(raw, width)
    return Sound(samples if channels == 1 else samples.reshape(-1, channels).mean(axis=1, dtype=np.float32), rate)


def _bounds(start: float, stop: float | None, rate: int, frames: int) -> tuple[int, int]:
    first = min(max(round(start * rate), 0), frames)
    last = frames if stop is None else min(max(round(stop * rate), first), frames)
    return first, last


def _pcm(raw: bytes, width: int) -> Samples:
    """Little-endian PCM of `width` bytes a sample, as wav files hold it (8 bit is unsigned)."""
    if width == 1:
        return ((np.frombuffer(raw, np.uint8).astype(np.float32)) - 128.0) / 128.0
    if width == 3:
        parts = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        wide = np.zeros((len(parts), 4), np.uint8)
        wide[:, 1:] = parts
        return (wide.view("<i4")[:, 0] / 2147483648.0).astype(np.float32)
    return (np.frombuffer(raw, f"<i{width}") / float(1 << (8 * width - 1))).astype(np.float32)


def _read_soundfile(path: Path, start: float, stop: float | None) -> Sound:
    module = _soundfile(path)
    try:
        with module.SoundFile(str(path)) as file:
            first, last = _bounds(start, stop, _rate(file.samplerate, path), file.frames)
            file.seek(first)
            samples = file.read(last - first, dtype="float32", always_2d=True)
            return Sound(samples.mean(axis=1, dtype=np.float32), file.samplerate)
    except (OSError, RuntimeError) as error:
        raise AudioError(f"{path}: not a sound file that can be read ({_reason(error)})") from error


def _soundfile(path: Path) -> Any:
    try:
        import soundfile
    except (ImportError, OSError) as error:
        raise AudioError(f"{path}: not a PCM wav file; for other kinds of sound: {INSTALL}") from error
    return soundfile


def _reason(error: Exception) -> str:
    """What went wrong, without the path that libsndfile repeats."""
    return str(error).rpartition(": ")[2].strip().rstrip(".") or type(error).__name__
