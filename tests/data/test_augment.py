"""Augmentation: the change that was asked for and no other, marked as a copy, for training clips only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnose.data import effects
from diagnose.data.audio import Sound, read
from diagnose.data.augment import augment
from diagnose.data.choices import HARMLESS, Change
from diagnose.data.manifest import Split, read_clips, split_lists
from diagnose.data.split import Shares, split
from tests.data.conftest import MakeSet, faults, tone
from tests.data.speaking import speak

TEXTS = {
    "a": "the farmer sold red bread",
    "b": "today the child sang",
    "c": "the doctor found white honey",
    "d": "the baker slept near the forest",
    "e": "the guest came",
    "f": "later the painter gave milk",
}


def hertz(sound: Sound) -> float:
    """The strongest frequency."""
    spectrum = np.abs(np.fft.rfft(sound.samples * np.hanning(len(sound.samples)), 1 << 17))
    return float(np.argmax(spectrum) * sound.rate / (1 << 17))


def power(samples: np.ndarray) -> float:
    return float(np.mean(np.square(samples, dtype=np.float64)))


@pytest.mark.parametrize("decibels", [-6.0, 4.0])
def test_gain_changes_the_level_by_so_many_decibels(decibels: float) -> None:
    before = tone(0.3, level=0.3)
    after = effects.gain(before, decibels)
    assert 10 * np.log10(power(after.samples) / power(before.samples)) == pytest.approx(decibels, abs=0.01)


def test_nothing_is_made_so_loud_that_it_clips() -> None:
    loud = tone(0.3, level=0.95)
    assert np.abs(effects.gain(loud, 6.0).samples).max() <= effects.CEILING
    assert np.abs(effects.noise(loud, 10.0, np.random.default_rng(0)).samples).max() <= effects.CEILING


def test_noise_has_the_power_that_was_asked_for() -> None:
    before = tone(2.0, level=0.3)
    added = effects.noise(before, 30.0, np.random.default_rng(0)).samples - before.samples
    assert 10 * np.log10(power(before.samples) / power(added)) == pytest.approx(30.0, abs=0.2)


@pytest.mark.parametrize("factor", [0.9, 0.95, 1.05, 1.1])
def test_speed_changes_the_duration_and_not_the_pitch(factor: float) -> None:
    before = tone(1.0, hertz=220.0)
    after = effects.speed(before, factor)
    assert after.seconds == pytest.approx(1.0 / factor, abs=0.001)
    assert hertz(after) == pytest.approx(220.0, rel=0.01)
    middle = after.samples[2000:-2000]
    assert power(middle) == pytest.approx(power(before.samples), rel=0.05)


@pytest.mark.parametrize("semitones", [-1.0, 0.5, 1.0])
def test_pitch_changes_the_pitch_and_not_the_duration(semitones: float) -> None:
    after = effects.pitch(tone(1.0, hertz=220.0), semitones)
    assert after.seconds == pytest.approx(1.0, abs=0.01)
    assert hertz(after) == pytest.approx(220.0 * 2 ** (semitones / 12), rel=0.01)


@settings(max_examples=30, deadline=None)
@given(length=st.integers(0, 3000), factor=st.floats(0.8, 1.25), level=st.sampled_from([0.0, 0.5]))
def test_speed_takes_sound_of_any_length(length: int, factor: float, level: float) -> None:
    sound = Sound(tone(1.0, level=level).samples[:length], 22_050)
    after = effects.speed(sound, factor)
    assert len(after.samples) == round(length / factor)
    assert np.isfinite(after.samples).all()


def test_each_clip_gets_its_marked_copies_with_its_text(make_set: MakeSet, tmp_path: Path) -> None:
    made = augment(make_set(TEXTS), tmp_path / "out", changes=tuple(Change), copies=4)
    clips = read_clips(tmp_path / "out")
    assert (made.originals, made.made) == (6, 24)
    assert len(clips) == 30
    for name, text in TEXTS.items():
        copies = [clip for clip in clips if clip.is_copy and clip.id.startswith(f"{name}+")]
        assert [clip.text for clip in copies] == [text] * 4
        assert {clip.id.partition("+")[2].rstrip("0123456789") for clip in copies} == {
            "gain",
            "noise",
            "speed",
            "pitch",
        }
        for clip in copies:
            assert read(clip.audio).samples.tobytes() != speak(text).samples.tobytes()
    assert faults(tmp_path / "out") == ()


def test_the_voice_stays_as_it_is_unless_asked(make_set: MakeSet, tmp_path: Path) -> None:
    augment(make_set(TEXTS), tmp_path / "out", copies=3)
    kinds = {clip.id.partition("+")[2].rstrip("0123456789") for clip in read_clips(tmp_path / "out")} - {""}
    assert kinds == {change.value for change in HARMLESS} == {"gain", "speed"}


def test_the_same_seed_gives_the_same_bytes(make_set: MakeSet, tmp_path: Path) -> None:
    source = make_set(TEXTS)
    digests = []
    for name, seed in (("x", 1), ("y", 1), ("z", 2)):
        augment(source, tmp_path / name, changes=tuple(Change), seed=seed)
        digests.append({path.name: path.read_bytes() for path in (tmp_path / name / "wavs").iterdir()})
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def test_only_training_clips_are_changed_and_the_lists_stay_apart(make_set: MakeSet, tmp_path: Path) -> None:
    source = make_set(TEXTS)
    before = split(source, shares=Shares(0.3, 0.2))
    augment(source, tmp_path / "out", copies=2)
    after = {side: read_clips(path) for side, path in split_lists(tmp_path / "out").items()}
    assert {side: sum(not clip.is_copy for clip in clips) for side, clips in after.items()} == dict(before.clips)
    assert sum(clip.is_copy for clip in after[Split.TRAIN]) == 2 * before.clips[Split.TRAIN]
    assert not any(clip.is_copy for side in (Split.VALIDATION, Split.TEST) for clip in after[side])
    assert faults(tmp_path / "out") == ()


def test_augmenting_again_does_not_change_copies_of_copies(make_set: MakeSet, tmp_path: Path) -> None:
    augment(make_set(TEXTS), tmp_path / "one")
    augment(tmp_path / "one", tmp_path / "two", copies=2)
    assert len(read_clips(tmp_path / "two")) == 18
