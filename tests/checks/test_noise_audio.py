"""AUD001: samples that are noise, silence or clipped, written by torch's own writer and read from its file."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from diagnose.data import voice
from diagnose.engine import examine
from diagnose.facts import Facts
from diagnose.finding import Severity
from diagnose.readers import read
from diagnose.run import Attachment, FloatArray, Run
from tests.cases import Case, assert_findings, case, table
from tests.curves import descent, noisy, training

RATE = 22_050
NOISE = 0.1 * np.random.default_rng(0).standard_normal(RATE)
TIME = np.arange(RATE) / RATE


def logged(*sounds: FloatArray) -> Run:
    """A run whose log holds these sounds, at steps 100, 200, ..."""
    files = [io.BytesIO() for _ in sounds]
    for file, sound in zip(files, sounds, strict=True):
        soundfile.write(file, sound, RATE, format="WAV", subtype="PCM_16")
    attached = (Attachment("audio", "sample", 100 * n, 0.0, file.getvalue) for n, file in enumerate(files, 1))
    return replace(training(noisy(descent())), attachments=tuple(attached))


FAULTY = (case("two samples of noise", logged(NOISE, NOISE), "AUD001"),)
HEALTHY = (
    case(
        "a sample of speech",
        logged(voice.speak("the quick brown fox jumps over the lazy dog").samples.astype(np.float64)),
    ),
)
EDGE = (case("no audio is logged", training(noisy(descent()))),)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_noise_audio(one: Case) -> None:
    """Samples that are noise are found, speech is not."""
    assert_findings(one)


def findings_of(folder: Path, sounds: list[FloatArray], tag: str = "sample") -> list[tuple[str, Severity]]:
    """What AUD001 says of a run that logged these sounds at steps 100, 200, ..."""
    torch = pytest.importorskip("torch", reason="the sounds are written by torch's SummaryWriter")
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder)) as writer:
        for number, sound in enumerate(sounds, 1):
            writer.add_scalar("loss/train", 9 - number, number * 100)
            writer.add_audio(tag, torch.tensor(sound[None], dtype=torch.float32), number * 100, RATE)
    findings = examine(Facts(read(folder))).findings
    return [(finding.message, finding.severity) for finding in findings if finding.code == "AUD001"]


@pytest.mark.parametrize(
    ("sound", "word"),
    [
        pytest.param(NOISE, "noise", id="white noise"),
        pytest.param(0.3 * np.sin(2 * np.pi * 120 * TIME), "hum", id="a hum"),
        pytest.param(np.zeros(RATE), "silence", id="silence"),
        pytest.param(np.clip(4 * np.sin(2 * np.pi * 120 * TIME), -1, 1), "clipped", id="clipped"),
    ],
)
def test_a_sound_that_stays_bad_is_a_warning(tmp_path: Path, sound: FloatArray, word: str) -> None:
    ((message, severity),) = findings_of(tmp_path, [sound, sound])
    assert word in message
    assert severity is Severity.WARNING


def test_a_first_bad_sample_is_information(tmp_path: Path) -> None:
    assert [severity for _, severity in findings_of(tmp_path, [NOISE])] == [Severity.INFO]


def test_speech_is_silent_about(tmp_path: Path) -> None:
    spoken = voice.speak("the quick brown fox jumps over the lazy dog").samples.astype(np.float64)
    assert findings_of(tmp_path, [NOISE, spoken]) == []


def test_a_logged_target_is_not_judged(tmp_path: Path) -> None:
    assert findings_of(tmp_path, [NOISE, NOISE], tag="gt/audio") == []


def test_a_sample_too_short_to_judge_is_passed_over(tmp_path: Path) -> None:
    assert findings_of(tmp_path, [NOISE[:3000], NOISE[:3000]]) == []
