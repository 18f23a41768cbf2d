"""The demo data set: synthesised locally, the same on every machine that has the same voice."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from diagnose.data import espeak
from diagnose.data import voice as formant_voice
from diagnose.data.audio import read
from diagnose.data.choices import Voice
from diagnose.data.demo import make
from diagnose.data.grammar import GRAMMARS
from diagnose.data.manifest import read_clips
from diagnose.errors import DataError


@pytest.mark.parametrize("language", ["am", "en"])
def test_the_built_in_voice_makes_a_data_set_in_the_ljspeech_layout(tmp_path: Path, language: str) -> None:
    made = make(tmp_path / "set", clips=12, language=language, voice=Voice.BUILTIN)
    clips = read_clips(made.folder)
    assert len(clips) == 12
    assert len({clip.text for clip in clips}) == 12
    sounds = [read(clip.audio) for clip in clips]
    assert {sound.rate for sound in sounds} == {22_050}
    assert sum(sound.seconds for sound in sounds) == pytest.approx(made.minutes * 60)
    assert all(0.8 < sound.seconds < 4.0 for sound in sounds)
    assert all(0.1 < np.abs(sound.samples).max() < 1.0 for sound in sounds)


def test_espeak_speaks_amharic_from_ethiopic_script(tmp_path: Path) -> None:
    if not espeak.installed():
        pytest.skip("espeak-ng is not on this machine")
    made = make(tmp_path / "set", clips=4, language="am")
    assert made.voice is Voice.ESPEAK
    assert all(0.5 < read(clip.audio).seconds < 4.0 for clip in read_clips(made.folder))


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    make(tmp_path / "one", clips=3, seed=7, voice=Voice.BUILTIN)
    make(tmp_path / "two", clips=3, seed=7, voice=Voice.BUILTIN)
    make(tmp_path / "three", clips=3, seed=8, voice=Voice.BUILTIN)
    assert _digest(tmp_path / "one") == _digest(tmp_path / "two") != _digest(tmp_path / "three")


def test_more_clips_begin_with_the_same_clips() -> None:
    grammar = GRAMMARS["am"]
    assert grammar.sentences(50, seed=0)[:20] == grammar.sentences(20, seed=0)


def test_every_word_sounds_different_in_the_built_in_voice() -> None:
    for grammar in GRAMMARS.values():
        words = {word for part in grammar.words.values() for word in part.split()}
        assert len({formant_voice.speak(word).samples.tobytes() for word in words}) == len(words)


@pytest.mark.parametrize("text", ["", "?!", "5 kg", "ça va", "привет", "こんにちは", "\u1357\u137f🙂"])
def test_the_built_in_voice_speaks_any_text(text: str) -> None:
    sound = formant_voice.speak(text)
    assert len(sound.samples) > 0
    assert np.isfinite(sound.samples).all()


def test_a_folder_that_holds_something_is_not_overwritten(tmp_path: Path) -> None:
    make(tmp_path / "set", clips=2, voice=Voice.BUILTIN)
    before = _digest(tmp_path / "set")
    with pytest.raises(DataError, match="--force"):
        make(tmp_path / "set", clips=3, voice=Voice.BUILTIN)
    assert _digest(tmp_path / "set") == before
    make(tmp_path / "set", clips=3, voice=Voice.BUILTIN, force=True)
    assert len(read_clips(tmp_path / "set")) == 3


def test_force_spares_a_folder_that_is_more_than_a_data_set(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(DataError, match=r"thesis\.tex"):
        make(tmp_path, clips=2, voice=Voice.BUILTIN, force=True)
    assert (tmp_path / "thesis.tex").exists()


def test_nothing_is_left_behind_when_speaking_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(text: str) -> None:
        raise DataError("no voice today")

    monkeypatch.setattr(formant_voice, "speak", broken)
    with pytest.raises(DataError, match="no voice today"):
        make(tmp_path / "set", clips=2, voice=Voice.BUILTIN)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("clips", "language", "what"), [(2, "xx", "no sentences"), (0, "am", "at least one"), (10**9, "en", "at most")]
)
def test_what_cannot_be_made_is_said_in_one_line(tmp_path: Path, clips: int, language: str, what: str) -> None:
    with pytest.raises(DataError, match=what) as raised:
        make(tmp_path / "set", clips=clips, language=language)
    assert "\n" not in str(raised.value)


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
