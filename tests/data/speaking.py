"""Small data sets, spoken by the built-in voice."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from diagnose.data.audio import Sound, write
from diagnose.data.voice import speak as say


@cache
def speak(text: str) -> Sound:
    """The text in the built-in voice, 22.05 kHz."""
    return say(text)


def write_set(folder: Path, texts: Mapping[str, str], sounds: Mapping[str, Sound] | None = None) -> Path:
    """Write a data set of texts, spoken where no other sound is given."""
    (folder / "wavs").mkdir(parents=True)
    for key, text in texts.items():
        write(folder / "wavs" / f"{key}.wav", (sounds or {}).get(key) or speak(text))
    lines = "".join(f"{key}|{text}|{text}\n" for key, text in texts.items())
    (folder / "metadata.csv").write_text(lines, encoding="utf-8")
    return folder
