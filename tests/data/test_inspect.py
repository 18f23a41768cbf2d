"""The survey of a data set: each fault planted by itself is the only one reported, and healthy sets have none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from diagnose.data.audio import Sound, resample, write
from diagnose.data.choices import Voice
from diagnose.data.demo import make
from diagnose.data.inspect import Survey, survey
from diagnose.data.manifest import read_clips
from diagnose.data.speech import ClipAudio
from diagnose.errors import DataError
from diagnose.finding import Severity
from tests.data.conftest import MakeSet, findings_of
from tests.data.speaking import speak

TEXTS = {
    "a": "the farmer sold red bread",
    "b": "today the child sang",
    "c": "the doctor found white honey",
    "d": "the sailor waited near the harbour",
}


def problems(found: Survey) -> dict[str, int]:
    return {finding.name: int(next(iter(finding.numbers.values()))) for finding in findings_of(found)}


def loud(sound: Sound, factor: float) -> Sound:
    return replace(sound, samples=np.clip(sound.samples * np.float32(factor), -1.0, 1.0))


@pytest.mark.parametrize("language", ["am", "en"])
def test_a_healthy_set_has_no_problem(tmp_path: Path, language: str) -> None:
    make(tmp_path / "set", clips=40, language=language, voice=Voice.BUILTIN)
    found = survey(tmp_path / "set")
    assert problems(found) == {}
    assert findings_of(found) == ()


def test_size_length_rates_and_characters_are_reported(make_set: MakeSet) -> None:
    folder = make_set(TEXTS)
    found = survey(folder)
    assert found.clips == 4
    assert found.durations == pytest.approx([speak(text).seconds for text in TEXTS.values()], abs=1e-3)
    assert found.minutes == pytest.approx(sum(speak(text).seconds for text in TEXTS.values()) / 60, abs=1e-3)
    assert dict(found.rates) == {22_050: 4}
    assert found.characters["e"] == "".join(TEXTS.values()).count("e")
    assert next(iter(found.characters)) == " "


FAULTY_SOUNDS = {
    "silent-audio": Sound(np.zeros(22_050, np.float32), 22_050),
    "clipped-audio": loud(speak(TEXTS["a"]), 6.0),
    "too-short": Sound(speak("a").samples[:4000], 22_050),
    "too-long": Sound(np.tile(speak(TEXTS["a"]).samples, 25), 22_050),
    "text-beyond-audio": Sound(speak(TEXTS["a"]).samples[:8000], 22_050),
    "mixed-rates": resample(speak(TEXTS["a"]), 16_000),
}


@pytest.mark.parametrize(("name", "sound"), FAULTY_SOUNDS.items(), ids=FAULTY_SOUNDS)
def test_a_faulty_recording_is_the_only_problem_reported(make_set: MakeSet, name: str, sound: Sound) -> None:
    found = survey(make_set(TEXTS, sounds={"a": sound}))
    assert problems(found) == {name: 1}
    (problem,) = findings_of(found)
    assert "metadata.csv:1: a" in problem.examples[0]
    assert problem.advice


FAULTY_TEXTS = {
    "empty-text": " ... ",
    "unknown-characters": "the farmer\u200b sold bread",
    "repeated-text": "Today, the child SANG!",
}


@pytest.mark.parametrize(("name", "text"), FAULTY_TEXTS.items(), ids=FAULTY_TEXTS)
def test_a_faulty_text_is_the_only_problem_reported(make_set: MakeSet, name: str, text: str) -> None:
    found = survey(make_set(TEXTS | {"e": text}, sounds={"e": speak(TEXTS["b"])}))
    assert problems(found) == {name: 1}
    assert "metadata.csv:5: e" in findings_of(found)[0].examples[0]


def test_bytes_that_are_no_utf8_are_unknown_characters(make_set: MakeSet) -> None:
    folder = make_set(TEXTS)
    with (folder / "metadata.csv").open("ab") as file:
        file.write("b|a café là|a café là\n".encode("latin-1"))
    assert set(problems(survey(folder))) == {"unknown-characters", "repeated-clip"}


def test_characters_outside_of_the_alphabet_are_unknown(make_set: MakeSet) -> None:
    folder = make_set(TEXTS)
    assert problems(survey(folder, alphabet=set("abcdefghijklmnopqrstuvwxyz "))) == {}
    assert problems(survey(folder, alphabet=set("abcdefghijklmnopqrtuvwxyz "))) == {"unknown-characters": 3}


def test_missing_and_unreadable_recordings_are_errors_of_the_list(make_set: MakeSet) -> None:
    folder = make_set(TEXTS)
    (folder / "wavs" / "a.wav").unlink()
    (folder / "wavs" / "b.wav").write_bytes(b"no sound")
    found = survey(folder)
    assert problems(found) == {"missing-audio": 1, "unreadable-audio": 1}
    assert len(found.durations) == 2
    assert [finding.code for finding in findings_of(found)] == ["DAT101", "DAT102"]
    assert [finding.numbers for finding in findings_of(found)] == [
        {"missing_audio": 1, "clips": 4},
        {"unreadable_audio": 1, "clips": 4},
    ]
    assert all(finding.severity is Severity.ERROR and finding.alarming for finding in findings_of(found))


def test_stereo_is_reported(make_set: MakeSet) -> None:
    folder = make_set(TEXTS)
    sound = speak(TEXTS["a"])
    soundfile.write(folder / "wavs" / "a.wav", np.stack([sound.samples] * 2, axis=1), sound.rate)
    assert problems(survey(folder)) == {"several-channels": 1}


def test_a_peak_that_only_touches_full_scale_is_not_clipped(make_set: MakeSet) -> None:
    sound = speak(TEXTS["a"])
    touching = loud(sound, 1.0 / float(np.abs(sound.samples).max()))
    assert problems(survey(make_set(TEXTS, sounds={"a": touching}))) == {}


def test_what_spoils_few_clips_of_many_is_only_a_note(tmp_path: Path) -> None:
    make(tmp_path / "set", clips=120, voice=Voice.BUILTIN)
    first = read_clips(tmp_path / "set")[0]
    write(first.audio, loud(speak(first.text), 6.0))
    found = survey(tmp_path / "set")
    assert [(one.name, one.severity) for one in findings_of(found)] == [("clipped-audio", Severity.INFO)]


def test_lists_that_share_a_text_or_a_recording_leak(make_set: MakeSet) -> None:
    folder = make_set(TEXTS)
    lines = (folder / "metadata.csv").read_text("utf-8").splitlines(keepends=True)
    (folder / "metadata_train.csv").write_text("".join(lines[:3]), "utf-8")
    (folder / "metadata_val.csv").write_text(lines[3], "utf-8")
    assert problems(survey(folder)) == {}
    (folder / "metadata_val.csv").write_text(f"{lines[3]}x|Today the child, sang.|Today the child, sang.\n", "utf-8")
    found = survey(folder)
    assert problems(found) == {"validation-is-training": 1}
    (finding,) = findings_of(found)
    assert (finding.code, finding.severity) == ("DAT002", Severity.ERROR)


def test_a_leak_says_how_much_of_the_held_out_list_is_trained_on(make_set: MakeSet) -> None:
    folder = make_set(TEXTS)
    lines = (folder / "metadata.csv").read_text("utf-8").splitlines(keepends=True)
    (folder / "metadata_train.csv").write_text("".join(lines[:3]), "utf-8")
    (folder / "metadata_val.csv").write_text("".join(lines[1:]), "utf-8")
    (finding,) = findings_of(survey(folder))
    assert "2 of 3" in finding.message


def test_every_clip_is_handed_to_the_one_who_watches(make_set: MakeSet) -> None:
    seen = []

    def watch(clips: Iterable[ClipAudio], total: int) -> Iterator[ClipAudio]:
        for clip in clips:
            seen.append((clip.clip.id, total))
            yield clip

    survey(make_set(TEXTS), track=watch)
    assert seen == [(name, 4) for name in TEXTS]


def test_an_empty_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text("\n\n")
    with pytest.raises(DataError, match="lists no clips"):
        survey(tmp_path)
