"""Small data sets, spoken by the built-in voice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from diagnose.data.audio import Sound
from diagnose.data.inspect import Survey, survey
from diagnose.engine import examine
from diagnose.facts import Facts
from diagnose.finding import Finding
from tests.data.speaking import write_set

MakeSet = Callable[..., Path]


def tone(seconds: float, rate: int = 22_050, hertz: float = 200.0, level: float = 0.5) -> Sound:
    """A steady sine."""
    return Sound((level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32), rate)


@pytest.fixture
def make_set(tmp_path: Path) -> MakeSet:
    """Write a data set of texts, spoken, under a name below the test's folder."""

    def make(texts: Mapping[str, str], name: str = "set", sounds: Mapping[str, Sound] | None = None) -> Path:
        return write_set(tmp_path / name, texts, sounds)

    return make


def findings_of(found: Survey) -> tuple[Finding, ...]:
    """What is wrong with a data set."""
    return examine(Facts(survey=found)).findings


def faults(folder: Path) -> tuple[str, ...]:
    """The names of what is wrong with the data set in a folder."""
    return tuple(finding.name for finding in findings_of(survey(folder)))
