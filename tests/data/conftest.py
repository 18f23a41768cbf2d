"""Small data sets, spoken by the built-in voice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from diagnose.data.audio import Sound, write
from diagnose.data.inspect import Survey, survey
from diagnose.data.voice import speak as say
from diagnose.engine import examine
from diagnose.facts import Facts
from diagnose.finding import Finding

MakeSet = Callable[..., Path]


@cache
def speak(text: str) -> Sound:
    """The text in the built-in voice, 22.05 kHz."""
    return say(text)


def tone(seconds: float, rate: int = 22_050, hertz: float = 200.0, level: float = 0.5) -> Sound:
    """A steady sine."""
    return Sound((level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32), rate)


@pytest.fixture
def make_set(tmp_path: Path) -> MakeSet:
    """Write a data set of texts, spoken, under a name below the test's folder."""

    def make(texts: Mapping[str, str], name: str = "set", sounds: Mapping[str, Sound] | None = None) -> Path:
        folder = tmp_path / name
        (folder / "wavs").mkdir(parents=True)
        for key, text in texts.items():
            write(folder / "wavs" / f"{key}.wav", (sounds or {}).get(key) or speak(text))
        lines = "".join(f"{key}|{text}|{text}\n" for key, text in texts.items())
        (folder / "metadata.csv").write_text(lines, encoding="utf-8")
        return folder

    return make


def findings_of(found: Survey) -> tuple[Finding, ...]:
    """What is wrong with a data set."""
    return examine(Facts(survey=found)).findings


def faults(folder: Path) -> tuple[str, ...]:
    """The names of what is wrong with the data set in a folder."""
    return tuple(finding.name for finding in findings_of(survey(folder)))
