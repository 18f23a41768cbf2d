"""From subtitles to clips: cues joined into sentences, and the sentence's own stretch of the recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from diagnose.data import audio
from diagnose.data.audio import AudioError, Header, Sound
from diagnose.data.ljspeech import Rejected
from diagnose.data.speech import SILENT_PEAK, text_beyond_audio, trim
from diagnose.data.subtitles import Cue
from diagnose.errors import DataError

# Latin, Ethiopic (U+1362 full stop, U+1367 question mark, U+1368 paragraph), Arabic, Indic, CJK.
SENTENCE_ENDS = ".!?\u2026\u1362\u1367\u1368\u061f\u06d4\u0964\u0965\u3002\uff01\uff1f"
CLOSING = "\"')]}\u00bb\u201d\u2019\u203a"
# Below this share of cues that end a sentence, the file has no punctuation to go by, and each cue is alone.
PUNCTUATED_SHARE = 0.1
# Makers of subtitles close gaps of half a second and less, so a longer one is a pause; and they come or go up to
# three frames (an eighth of a second) beside the speech (Netflix Timed Text Style Guide, subtitle timing).
LONGEST_GAP = 0.5
# Twice those three frames: as much overlap is carelessness and cut off, more is two voices.
SLACK = 0.25
# How far the silence beside a cue is searched for the rest of a word: the three frames, and as much again for
# makers who are no professionals.
REACH = 0.25
KEPT_SILENCE = 0.05


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long a clip may be, in seconds."""

    shortest: float = 1.0
    longest: float = 15.0
    """LJSpeech's own clips are 1.1 to 10.1 s; memory grows with the square of the longest."""

    def __post_init__(self) -> None:
        if not 0 < self.shortest < self.longest:
            raise DataError(f"no clip is longer than {self.shortest:g} s and shorter than {self.longest:g} s")


USUAL = Bounds()


@dataclass(frozen=True, slots=True)
class Segment:
    """A sentence and where it is spoken."""

    start: float
    """Seconds."""
    end: float
    text: str
    speaker: str | None
    line: int
    """The line of the first cue."""


def apart(cues: Sequence[Cue]) -> tuple[list[Cue], list[Cue]]:
    """The cues, by start, that no other one talks over, small overlaps cut off; and those in large overlaps."""
    numbers = set(_talked_over(cues))
    kept = [cue for number, cue in enumerate(cues) if number not in numbers]
    ends = [*(following.start for following in kept[1:]), float("inf")]
    shortened = [replace(cue, end=min(cue.end, end)) for cue, end in zip(kept, ends, strict=False)]  # none has no end
    return shortened, [cues[number] for number in sorted(numbers)]


def _talked_over(cues: Sequence[Cue]) -> Iterator[int]:
    """Numbers of the cues that share more than `SLACK` seconds, or half of the shorter one, with another."""
    latest = 0
    for number in range(1, len(cues)):
        shared = min(cues[latest].end, cues[number].end) - cues[number].start
        whole = min(cue.end - cue.start for cue in (cues[latest], cues[number]))
        if shared > min(SLACK, whole / 2):
            yield latest
            yield number
        if cues[number].end > cues[latest].end:
            latest = number


def sentences(cues: Sequence[Cue], longest: float) -> list[Segment]:
    """Join neighbouring cues of one speaker up to the end of the sentence, a pause, or `longest` seconds."""
    ended = sum(_ends_sentence(cue.text) for cue in cues)
    joins = ended >= PUNCTUATED_SHARE * len(cues)
    found: list[Segment] = []
    for cue in cues:
        if joins and found and _goes_on(found[-1], cue, longest):
            found[-1] = replace(found[-1], end=cue.end, text=f"{found[-1].text} {cue.text}")
        else:
            found.append(Segment(cue.start, cue.end, cue.text, cue.speaker, cue.line))
    return found


def _ends_sentence(text: str) -> bool:
    return text.rstrip(CLOSING + " ").endswith(tuple(SENTENCE_ENDS))


def _goes_on(before: Segment, cue: Cue, longest: float) -> bool:
    return (
        not _ends_sentence(before.text)
        and cue.speaker == before.speaker
        and cue.start - before.end <= LONGEST_GAP
        and cue.end - before.start <= longest
    )


def reaches(segments: Sequence[Segment], cues: Sequence[Cue], seconds: float) -> Iterator[tuple[float, float]]:
    """Where to look for each segment in a recording of `seconds`: a little into the gaps to the nearest cues."""
    starts = np.sort([*(cue.start for cue in cues), np.inf])
    ends = np.sort([0.0, *(cue.end for cue in cues)])
    for segment in segments:
        before = float(ends[np.searchsorted(ends, segment.start, side="right") - 1])
        after = min(float(starts[np.searchsorted(starts, segment.end)]), seconds)
        early = min(REACH, (segment.start - before) / 2)
        late = min(REACH, max(after - segment.end, 0.0) / 2)
        yield segment.start - early, segment.end + late


def cut(
    recording: Path, header: Header, segment: Segment, span: tuple[float, float], bounds: Bounds, where: str
) -> Sound | Rejected:
    """The `span` of the recording (seconds) without the silence at its ends, or why it is no good."""
    place = f"{where}:{segment.line}"
    if segment.end > header.seconds + SLACK:
        detail = f"{segment.end:.2f} s of {header.seconds:.2f} s"
        return Rejected(place, "beyond the end of the recording", segment.text, detail)
    try:
        sound = audio.read(recording, *span)
    except AudioError as error:
        return Rejected(place, "unreadable recording", segment.text, str(error))
    if float(np.abs(sound.samples).max(initial=0.0)) < SILENT_PEAK:
        return Rejected(place, "silent", segment.text)
    sound = trim(sound, KEPT_SILENCE)
    reason = _out_of_bounds(sound.seconds, segment.text, bounds)
    return Rejected(place, reason, segment.text, f"{sound.seconds:.2f} s") if reason else sound


def _out_of_bounds(seconds: float, text: str, bounds: Bounds) -> str:
    if seconds < bounds.shortest:
        return f"shorter than {bounds.shortest:g} s"
    if seconds > bounds.longest:
        return f"longer than {bounds.longest:g} s"
    return "more text than its audio can hold" if text_beyond_audio(text, seconds) else ""
