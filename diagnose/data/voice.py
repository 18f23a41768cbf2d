"""A built-in formant voice, so that a data set can be spoken on any machine, with nothing to install.

Every letter has its own formants and length: not a beautiful voice, but one in which text decides sound,
which is what a model has to learn. The same text always gives the same samples.
"""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from diagnose.data.audio import Sound

Floats = npt.NDArray[np.float64]

RATE = 22_050
WINDOW, HOP = 512, 128
"""Samples: 23 ms and 5.8 ms, short enough for the burst of a stop."""


@dataclass(frozen=True, slots=True)
class Phone:
    """One speech sound: three resonances, what excites them, and how long."""

    formants: tuple[float, float, float]
    """Hz."""
    seconds: float
    voice: float
    """Amplitude of the vocal cords, 0 to 1."""
    noise: float = 0.0
    """Amplitude of the breath, 0 to 1."""
    closure: float = 0.0
    """Seconds of silence before it, as in a stop."""


def _vowel(f1: float, f2: float, f3: float, seconds: float = 0.09) -> Phone:
    return Phone((f1, f2, f3), seconds, voice=1.0)


def _sonorant(f1: float, f2: float, f3: float) -> Phone:
    return Phone((f1, f2, f3), 0.06, voice=0.5)


def _fricative(f1: float, f2: float, f3: float, voice: float = 0.0) -> Phone:
    return Phone((f1, f2, f3), 0.075, voice=voice, noise=0.45)


def _stop(f1: float, f2: float, f3: float, voice: float = 0.0) -> Phone:
    return Phone((f1, f2, f3), 0.03, voice=voice, noise=0.7, closure=0.045)


# Vowel formants: rounded from Peterson and Barney (1952), men. The places of the consonants follow the
# usual locus of their second formant (labial low, dental middle, velar and palatal high).
VOWELS: Mapping[str, Phone] = {
    "a": _vowel(730, 1090, 2440, 0.105),
    "e": _vowel(530, 1840, 2480),
    "i": _vowel(270, 2290, 3010),
    "o": _vowel(570, 840, 2410),
    "u": _vowel(300, 870, 2240),
    "ə": _vowel(500, 1350, 1690),
    "ɨ": _vowel(390, 1700, 2300, 0.055),
}
CONSONANTS: Mapping[str, Phone] = {
    "h": _fricative(600, 1500, 2500),
    "l": _sonorant(360, 1300, 2800),
    "m": _sonorant(250, 900, 2100),
    "n": _sonorant(250, 1500, 2500),
    "ɲ": _sonorant(250, 2100, 2900),
    "r": _sonorant(420, 1250, 1600),
    "w": _sonorant(290, 650, 2200),
    "j": _sonorant(280, 2200, 3000),
    "ŋ": _sonorant(250, 1900, 2300),
    "s": _fricative(3600, 5200, 7000),
    "ʃ": _fricative(2000, 2700, 4300),
    "z": _fricative(250, 4800, 6600, voice=0.4),
    "ʒ": _fricative(260, 2300, 4000, voice=0.4),
    "f": _fricative(1100, 4200, 8000),
    "v": _fricative(240, 1200, 6000, voice=0.4),
    "p": _stop(400, 800, 2100),
    "b": _stop(220, 850, 2150, voice=0.5),
    "t": _stop(400, 1750, 4200),
    "d": _stop(220, 1700, 2700, voice=0.5),
    "k": _stop(400, 1950, 2400),
    "g": _stop(220, 2050, 2350, voice=0.5),
    "ʔ": Phone((500, 1500, 2500), 0.01, voice=0.2, closure=0.03),  # noqa: RUF001 - a glottal stop is meant
    "tʃ": _stop(1900, 2600, 4200),
    "dʒ": _stop(260, 2350, 3900, voice=0.5),
}


# The rows of the Ethiopic block from U+1200, eight code points each (Unicode 15, chapter 19.1); rows that
# sound alike in Amharic (U+1200, U+1210 and U+1280, for one) share their sound here as well.
_ROWS = """
h l h m s r s ʃ k' kw' k' kw' b v t tʃ h hw n ɲ ʔ k kw h hw w ʔ z ʒ j d d dʒ g gw ŋ t' tʃ' p' s' s' f p
"""  # noqa: RUF001 - the letters of the phonetic alphabet are meant
_ORDERS = "əuiaeɨoa"
_LATIN: Mapping[str, str] = {"c": "k", "q": "k'", "x": "s", "y": "j", "j": "dʒ"}
_SPACE = Phone((500, 1500, 2500), 0.045, voice=0.0)


def speak(text: str) -> Sound:
    """The text as 22.05 kHz speech; what is neither letter nor number is a short pause."""
    letters = unicodedata.normalize("NFC", text).lower()
    phones = [_SPACE, *(phone for letter in letters for phone in _letter(letter)), _SPACE]
    tracks = _tracks(phones)
    excited = _excitation(tracks, zlib.crc32(text.encode()))
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(excited, WINDOW // 2), WINDOW)[: len(excited) : HOP]
    spectra = np.fft.rfft(frames * np.hanning(WINDOW)) * _resonance(tracks)
    samples = _overlap_add(np.fft.irfft(spectra, WINDOW))
    samples *= 0.7 / max(float(np.abs(samples).max()), 1e-9)  # the peak at -3 dB of full scale
    return Sound(samples.astype(np.float32), RATE)


def _letter(letter: str) -> Sequence[Phone]:
    if "\u1200" <= letter <= "\u1357":
        row, order = divmod(ord(letter) - 0x1200, 8)
        return [*_consonant(_ROWS.split()[row]), VOWELS[_ORDERS[order]]]
    base = unicodedata.normalize("NFKD", letter)[0]
    if base in VOWELS:
        return [VOWELS[base]]
    if base in CONSONANTS or base in _LATIN:
        return _consonant(_LATIN.get(base, base))
    if base.isalnum():  # of any other script: a consonant and a vowel, fixed by its code point
        second, first = divmod(ord(base), len(CONSONANTS))
        return [list(CONSONANTS.values())[first], list(VOWELS.values())[second % len(VOWELS)]]
    return [_SPACE]


def _consonant(name: str) -> Sequence[Phone]:
    """The sound of a row: `'` marks an ejective, `w` after it a rounded one."""
    core = name.rstrip("'")
    rounded = len(core) == 2 and core.endswith("w")
    phone = CONSONANTS[core[0] if rounded else core]
    if name.endswith("'"):  # the same place, with a longer closure and a sharper burst
        phone = replace(phone, closure=0.08, seconds=0.02, noise=1.0)
    return [phone, CONSONANTS["w"]] if rounded else [phone]


@dataclass(frozen=True, eq=False)
class _Tracks:
    """What the voice does over time, one row for every hop."""

    formants: Floats
    """Shape (t, 3), Hz."""
    voice: Floats
    """Shape (t,)."""
    noise: Floats
    """Shape (t,)."""


def _tracks(phones: Sequence[Phone]) -> _Tracks:
    silent = [(replace(phone, voice=0.0, noise=0.0), phone.closure) for phone in phones]
    sounding = [(phone, phone.seconds) for phone in phones]
    pieces = [piece for pair in zip(silent, sounding, strict=True) for piece in pair if piece[1] > 0]
    ends = np.round(np.cumsum([seconds for _, seconds in pieces]) * RATE / HOP).astype(int)
    hops = np.diff(ends, prepend=0)
    values = np.array([[*phone.formants, phone.voice, phone.noise] for phone, _ in pieces])
    glide = np.repeat(values, hops, axis=0)
    # The tongue takes about 40 ms from place to place, the vocal cords about 15 ms to start or stop.
    return _Tracks(_smooth(glide[:, :3], 7), _smooth(glide[:, 3:4], 3)[:, 0], _smooth(glide[:, 4:], 3)[:, 0])


def _smooth(rows: Floats, width: int) -> Floats:
    """Moving average over `width` rows; the ends are held."""
    held = np.pad(rows, ((width // 2, width // 2), (0, 0)), mode="edge")
    total = np.cumsum(np.pad(held, ((1, 0), (0, 0))), axis=0)
    smoothed: Floats = (total[width:] - total[:-width]) / width
    return smoothed


def _excitation(tracks: _Tracks, seed: int) -> Floats:
    """Pulses at the pitch, which falls from 125 to 95 Hz over the sentence, and breath. Shape (samples,)."""
    count = len(tracks.voice) * HOP
    time = np.arange(count) / HOP
    cycles = np.cumsum(np.linspace(125.0, 95.0, count)) / RATE
    pulses = np.diff(np.floor(cycles), prepend=0.0)
    breath = np.random.default_rng(seed).standard_normal(count)
    hops = np.arange(len(tracks.voice)) + 0.5
    voice = np.interp(time, hops, tracks.voice)
    return pulses * voice * 12.0 + breath * np.interp(time, hops, tracks.noise)


def _resonance(tracks: _Tracks) -> Floats:
    """The gain of the vocal tract at each frequency, shape (t, WINDOW // 2 + 1)."""
    frequencies = np.fft.rfftfreq(WINDOW, 1 / RATE)
    centres = tracks.formants[:, :, None]
    widths = 50.0 + 0.06 * centres  # bandwidth grows with frequency (Klatt 1980, table II, rounded)
    peaks = 1.0 / (1.0 + ((frequencies - centres) / widths) ** 2)
    # Vocal cords lose about 6 dB an octave at the lips, breath does not.
    tilt = 1.0 / (1.0 + (frequencies / 900.0))
    voiced = (tracks.voice > tracks.noise)[:, None]
    weights = np.array([1.0, 0.7, 0.4])[:, None]
    gains: Floats = (weights * peaks).sum(axis=1) * np.where(voiced, tilt * 2.0, 1.0)
    return gains


def _overlap_add(frames: Floats) -> Floats:
    """The samples of which `frames`, shape (t, WINDOW), are overlapping parts."""
    blocks = WINDOW // HOP
    total = np.zeros((len(frames) + blocks, HOP))
    for block in range(blocks):
        total[block : block + len(frames)] += frames[:, block * HOP : (block + 1) * HOP]
    return total.reshape(-1)[WINDOW // 2 :]
