"""What can be wrong with the clips of a data set, one by one and with one another."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from diagnose.data.audio import AudioError, Header, Samples, header, read
from diagnose.data.manifest import Clip, Split
from diagnose.finding import Severity

# F5-TTS leaves out clips below 0.3 s and above 30 s (its model/dataset.py): a shorter one hardly holds a word,
# and the memory that a longer one takes goes with the square of its length.
SHORTEST_SECONDS, LONGEST_SECONDS = 0.3, 30.0
# Speech that peaks 60 dB below full scale has 6 of the 16 bits left: what is there is the noise of the room.
SILENT_PEAK = 10 ** (-60 / 20)
# A wave that just touches full scale stays there for a sample or two; three in a row are a cut-off top. Measured
# on 200 clips of espeak-ng turned up beyond full scale: one sample in 1000 is on such plateaus in none of them at
# 0.5 dB, in half at 2 dB, in 95 % at 3 dB.
FULL_SCALE, PLATEAU, CLIPPED_SHARE = 0.999, 3, 0.001
# Frames of a model at 22.05 kHz and hop 256. With a blank between the letters, an aligner needs
# 2 * letters + 1 <= frames (HierSpeech++ issue 27: NaN until such clips were dropped).
FRAMES_PER_SECOND = 22_050 / 256
# What spoils quality but breaks nothing is a warning from this share of the clips on, and a note below it.
NOTABLE_SHARE = 0.01
# The first minute decides about the level of a clip: one of hours is too long in any case.
HEARD_SECONDS = 60.0
EXAMPLES = 3
# Characters that no tokenizer wants: controls, format marks, private use, unassigned, halves of a pair.
UNSPEAKABLE = ("Cc", "Cf", "Co", "Cn", "Cs")
REPLACEMENT = "\ufffd"


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of fault in a data set."""

    code: str
    name: str
    """Kebab-case, states the fault."""
    severity: Severity
    count: int
    """Clips that have it."""
    message: str
    """Half a sentence, with the count."""
    examples: tuple[str, ...]
    """A few of them: `file:line: id (detail)`. Text from the data, not yet neutralised."""
    advice: str
    """What to do."""


@dataclass(frozen=True, slots=True)
class Heard:
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


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault, and how one clip by itself shows it."""

    code: str
    name: str
    meaning: str
    """What is told after `3 of 525 clips: `."""
    advice: str
    detail: Callable[[Heard], str | None] = lambda one: None
    """What is told of a clip that has the fault; None for one that has not, or shows it only beside others."""
    severity: Severity = Severity.WARNING
    tolerable: bool = False
    """Whether it is only a note below `NOTABLE_SHARE` of the clips."""


def hear(clip: Clip) -> Heard:
    """Open one recording; only its first minute is listened to."""
    if not clip.audio.is_file():
        return Heard(clip)
    try:
        found = header(clip.audio)
        samples = read(clip.audio, stop=HEARD_SECONDS).samples
    except AudioError as error:
        return Heard(clip, error=str(error).removeprefix(f"{clip.audio}: "))
    peak = float(np.abs(samples).max(initial=0.0))
    return Heard(clip, found, peak, _clipped_share(samples) if peak >= FULL_SCALE else 0.0)


def faults_of(heard: Sequence[Heard], alphabet: Collection[str] | None) -> Iterator[Problem]:
    """Everything that is wrong with the clips of one data set. `alphabet`: see `dataset.survey`."""
    for fault in FAULTS:
        yield from _problem(fault, [(one, detail) for one in heard if (detail := fault.detail(one)) is not None], heard)
    again = _repeats(heard, lambda clip: str(clip.audio))
    yield from _problem(_REPEATED_CLIP, again, heard)
    known = {id(one) for one, _ in again}
    once = [one for one in heard if id(one) not in known and not one.clip.is_copy]
    yield from _problem(_REPEATED_TEXT, _repeats(once, lambda clip: spoken(clip.text)), heard)
    yield from _problem(_UNKNOWN, _unknown(heard, alphabet), heard)
    yield from _problem(_MIXED_RATES, _minority(heard, lambda found: found.rate, "Hz"), heard)


def overlap(train: Sequence[Clip], held_out: Sequence[Clip]) -> Problem | None:
    """Held-out clips whose recording or spoken text is in the training list as well; None where there are none."""
    recordings = {clip.audio for clip in train}
    texts = {spoken(clip.text) for clip in train} - {""}
    leaked = [clip for clip in held_out if clip.audio in recordings or spoken(clip.text) in texts]
    if not leaked:
        return None
    return Problem(
        "DAT002",
        "validation-is-training",
        Severity.ERROR,
        len(leaked),
        f"{len(leaked)} of {len(held_out)} held-out clips: trained on as well, as the same recording or the same text",
        tuple(_told(clip, clip.text) for clip in leaked[:EXAMPLES]),
        "split again, so that no text stands on both sides: ttsdoc data split DIR --force",
    )


def overlaps(parts: Mapping[Split, Sequence[Clip]]) -> Iterator[Problem]:
    """The overlap of the training list with all others."""
    held_out = [clip for split, clips in parts.items() if split is not Split.TRAIN for clip in clips]
    found = overlap(parts.get(Split.TRAIN, ()), held_out)
    if found:
        yield found


def spoken(text: str) -> str:
    """What is heard of a text: two that differ only in case, punctuation, spacing or Unicode form are the same."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in folded)
    return " ".join(kept.split())


def text_beyond_audio(text: str, seconds: float) -> bool:
    """Whether the text has more letters than an aligner can place in the audio."""
    return 2 * len(text) + 1 > seconds * FRAMES_PER_SECOND


def _clipped_share(samples: Samples) -> float:
    """Share of the samples that stand in a row of PLATEAU or more at full scale."""
    full = np.pad((np.abs(samples) >= FULL_SCALE).astype(np.int8), 1)
    edges = np.flatnonzero(np.diff(full))
    lengths = edges[1::2] - edges[::2]
    return float(lengths[lengths >= PLATEAU].sum() / len(samples))


def _problem(fault: Fault, hits: Sequence[tuple[Heard, str]], heard: Sequence[Heard]) -> Iterator[Problem]:
    if not hits:
        return
    rare = len(hits) < NOTABLE_SHARE * len(heard)
    severity = Severity.INFO if fault.tolerable and rare else fault.severity
    examples = tuple(_told(one.clip, detail) for one, detail in hits[:EXAMPLES])
    message = f"{len(hits)} of {len(heard)} clips: {fault.meaning}"
    yield Problem(fault.code, fault.name, severity, len(hits), message, examples, fault.advice)


def _told(clip: Clip, detail: str) -> str:
    return f"{clip.file}:{clip.line}: {clip.id}" + (f" ({detail})" if detail else "")


def _repeats(heard: Iterable[Heard], key: Callable[[Clip], str]) -> list[tuple[Heard, str]]:
    """The clips whose key an earlier clip has, with the line of the first; an empty key is none."""
    first: dict[str, Clip] = {}
    again = []
    for one in heard:
        name = key(one.clip)
        if name and first.setdefault(name, one.clip) is not one.clip:
            again.append((one, f"first in line {first[name].line}"))
    return again


def _unknown(heard: Iterable[Heard], alphabet: Collection[str] | None) -> list[tuple[Heard, str]]:
    """The clips whose text has a character that the model cannot know, with those characters."""
    found = []
    for one in heard:
        letters = sorted({letter for letter in one.clip.text if _is_unknown(letter, alphabet)})
        if letters:
            found.append((one, " ".join(f"U+{ord(letter):04X}" for letter in letters[:5])))
    return found


def _is_unknown(letter: str, alphabet: Collection[str] | None) -> bool:
    if alphabet is not None:
        return letter not in alphabet
    return letter == REPLACEMENT or unicodedata.category(letter) in UNSPEAKABLE


def _minority(heard: Iterable[Heard], key: Callable[[Header], int], unit: str) -> list[tuple[Heard, str]]:
    """The clips that are not like most of them."""
    opened = [(one, key(one.header)) for one in heard if one.header]
    if not opened:
        return []
    usual = Counter(value for _, value in opened).most_common(1)[0][0]
    return [(one, f"{value} {unit}, most have {usual}") for one, value in opened if value != usual]


def _when(condition: bool, detail: str = "") -> str | None:
    return detail if condition else None


def _beyond(one: Heard) -> str | None:
    """The letters and the seconds of a clip whose text is too long for it."""
    told = f"{len(one.clip.text)} characters in {one.seconds:.2f} s"
    return _when(one.seconds >= SHORTEST_SECONDS and text_beyond_audio(one.clip.text, one.seconds), told)


_DELETE = "delete these lines from the list"
FAULTS: tuple[Fault, ...] = (
    Fault(
        "DAT101",
        "missing-audio",
        "no recording",
        "correct the paths in the list, or delete these lines",
        lambda one: _when(one.header is None and not one.error, f"no {one.clip.audio.name}"),
        Severity.ERROR,
    ),
    Fault(
        "DAT102",
        "unreadable-audio",
        "a recording that cannot be read",
        "convert it again: ffmpeg -i IN -ac 1 -ar 22050 -c:a pcm_s16le OUT.wav",
        lambda one: one.error or None,
        Severity.ERROR,
    ),
    Fault(
        "DAT103",
        "silent-audio",
        "nothing but silence",
        "record or cut them again, or delete their lines",
        lambda one: _when(one.seconds >= SHORTEST_SECONDS and one.peak < SILENT_PEAK, f"peak {one.peak:.5f}"),
    ),
    Fault(
        "DAT104",
        "empty-text",
        "no text to speak",
        "write what is said, or delete these lines",
        lambda one: _when(not spoken(one.clip.text), repr(one.clip.text)),
    ),
    Fault(
        "DAT105",
        "text-beyond-audio",
        "more text than the audio can hold, on which aligners give NaN",
        "the text belongs to another recording or the cut is wrong: repair or delete these lines",
        _beyond,
    ),
    Fault(
        "DAT106",
        "too-short",
        f"shorter than {SHORTEST_SECONDS:g} s",
        _DELETE,
        lambda one: _when(one.header is not None and one.seconds < SHORTEST_SECONDS, f"{one.seconds:.2f} s"),
        tolerable=True,
    ),
    Fault(
        "DAT107",
        "too-long",
        f"longer than {LONGEST_SECONDS:g} s, which fills the memory; many trainers drop such clips silently",
        "cut them between sentences, or delete their lines",
        lambda one: _when(one.seconds > LONGEST_SECONDS, f"{one.seconds:.1f} s"),
        tolerable=True,
    ),
    Fault(
        "DAT108",
        "clipped-audio",
        "clipped, and the model learns the distortion",
        "record them again at a lower level, or delete their lines; turning them down does not repair them",
        lambda one: _when(one.clipped > CLIPPED_SHARE, f"{one.clipped:.1%} of the samples at full scale"),
        tolerable=True,
    ),
    Fault(
        "DAT109",
        "several-channels",
        "more than one channel; trainers that expect one read them at the wrong speed or not at all",
        "mix them down: ttsdoc data merge DIR --out NEW does it",
        lambda one: _when(one.header is not None and one.header.channels > 1, _channels(one)),
    ),
)
_REPEATED_CLIP = Fault("DAT110", "repeated-clip", "listed more than once", "keep one line for each recording")
_REPEATED_TEXT = Fault(
    "DAT111",
    "repeated-text",
    "a text that another clip has too",
    "no harm in training; keep them on one side of the split: ttsdoc data split DIR",
    severity=Severity.INFO,
)
_UNKNOWN = Fault(
    "DAT112",
    "unknown-characters",
    "characters that the model cannot know",
    "save the list as UTF-8, and write such characters as words or delete them",
)
_MIXED_RATES = Fault(
    "DAT113",
    "mixed-rates",
    "another sample rate than the rest; trainers that do not resample play them too slow or too fast",
    "bring all to one rate: ttsdoc data merge DIR --out NEW does it",
)
EVERY_FAULT = (*FAULTS, _REPEATED_CLIP, _REPEATED_TEXT, _UNKNOWN, _MIXED_RATES)
"""Those that one clip shows by itself, then those that only the whole set shows."""


def _channels(one: Heard) -> str:
    return f"{one.header.channels} channels" if one.header else ""
