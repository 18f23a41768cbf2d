"""A synthesised demo data set of short sentences, so that training needs no download."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from diagnose.data import espeak
from diagnose.data import voice as formant_voice
from diagnose.data.audio import Sound, resample, write
from diagnose.data.choices import Voice
from diagnose.data.grammar import GRAMMARS
from diagnose.data.ljspeech import RATE, Row, folder_written_whole, write_lists
from diagnose.data.progress import track, workers
from diagnose.data.speech import trim
from diagnose.errors import DataError


@dataclass(frozen=True, slots=True)
class Demo:
    """What was made."""

    folder: Path
    clips: int
    minutes: float
    language: str
    voice: Voice
    """Never AUTO: the voice that spoke."""


def make(
    folder: Path,
    *,
    clips: int = 525,
    seed: int = 0,
    language: str = "am",
    voice: Voice = Voice.AUTO,
    force: bool = False,
) -> Demo:
    """Speak `clips` different sentences into `folder`, in the LJSpeech layout at 22.05 kHz.

    The sentences depend on `seed` alone, the sound on the sentence and the voice. Nothing is left behind
    where it fails. Raises DataError for an unknown language, too many clips, a folder that is not empty.
    """
    sentences = _sentences(language, clips, seed)
    installed = Voice.ESPEAK if espeak.installed() else Voice.BUILTIN
    spoken_by = installed if voice is Voice.AUTO else voice
    speak = partial(espeak.speak, language=language) if spoken_by is Voice.ESPEAK else formant_voice.speak
    with folder_written_whole(folder, force=force) as staging, workers() as pool:
        rows = [Row(f"{language}{index:05d}", text) for index, text in enumerate(sentences, 1)]
        work = pool.map(partial(_record, staging / "wavs", speak), rows)
        seconds = sum(track(work, len(rows), "speaking"))
        write_lists(staging, {"metadata.csv": rows})
    return Demo(folder, clips, seconds / 60, language, spoken_by)


def _sentences(language: str, clips: int, seed: int) -> list[str]:
    if language not in GRAMMARS:
        raise DataError(f"no sentences in {language!r}; there are some in {' and '.join(GRAMMARS)}")
    if clips < 1:
        raise DataError(f"{clips} clips cannot be made; ask for at least one")
    try:
        return GRAMMARS[language].sentences(clips, seed)
    except ValueError as error:
        raise DataError(f"{clips} clips are more than there are different sentences: {error}") from error


def _record(folder: Path, speak: Callable[[str], Sound], row: Row) -> float:
    """Write one clip; its seconds."""
    sound = trim(resample(speak(row.text), RATE))
    write(folder / f"{row.id}.wav", sound)
    return sound.seconds
