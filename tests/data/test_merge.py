"""Merging: every clip arrives once, under a name of its own, at one rate."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from diagnose.data.audio import header, read, resample
from diagnose.data.augment import augment
from diagnose.data.inspect import survey
from diagnose.data.manifest import read_clips
from diagnose.data.merge import merge
from diagnose.errors import DataError
from tests.data.conftest import MakeSet, faults
from tests.data.speaking import speak

ONE = {"a": "the farmer sold red bread", "b": "today the child sang", "e": "the guest came"}
TWO = {"a": "the doctor found white honey", "c": "the baker slept near the forest"}


def test_clips_of_one_id_are_both_kept_under_different_names(make_set: MakeSet, tmp_path: Path) -> None:
    merged = merge([make_set(ONE, "one"), make_set(TWO, "two")], tmp_path / "out")
    clips = {clip.id: clip.text for clip in read_clips(tmp_path / "out")}
    assert clips == ONE | {"two-a": TWO["a"], "c": TWO["c"]}
    assert (merged.clips, merged.renamed, merged.rejected) == (5, 1, ())
    assert faults(tmp_path / "out") == ()


def test_a_recording_that_needs_no_change_is_copied_byte_for_byte(make_set: MakeSet, tmp_path: Path) -> None:
    merge([make_set(ONE, "one")], tmp_path / "out")
    for name in ONE:
        mine = (tmp_path / "out" / "wavs" / f"{name}.wav").read_bytes()
        assert mine == (tmp_path / "one" / "wavs" / f"{name}.wav").read_bytes()


@pytest.mark.parametrize("rate", [None, 16_000, 22_050])
def test_all_clips_get_one_rate_and_one_channel(make_set: MakeSet, tmp_path: Path, rate: int | None) -> None:
    other = make_set(TWO, "two", sounds={"a": resample(speak(TWO["a"]), 44_100)})
    both = resample(speak(TWO["c"]), 48_000)
    soundfile.write(other / "wavs" / "c.wav", np.stack([both.samples] * 2, axis=1), both.rate)
    merged = merge([make_set(ONE, "one"), other], tmp_path / "out", rate=rate)
    assert merged.rate == (rate or 22_050)
    found = {clip.id: header(clip.audio) for clip in read_clips(tmp_path / "out")}
    assert {(each.rate, each.channels) for each in found.values()} == {(merged.rate, 1)}
    assert found["c"].seconds == pytest.approx(speak(TWO["c"]).seconds, abs=0.01)
    sound, expected = read(tmp_path / "out" / "wavs" / "two-a.wav"), resample(speak(TWO["a"]), merged.rate)
    assert np.corrcoef(sound.samples, expected.samples[: len(sound.samples)])[0, 1] > 0.99


def test_a_clip_that_is_in_both_sets_is_taken_once(make_set: MakeSet, tmp_path: Path) -> None:
    one = make_set(ONE, "one")
    shutil.copytree(one, tmp_path / "copy")
    merged = merge([one, tmp_path / "copy", one], tmp_path / "out")
    assert {clip.id: clip.text for clip in read_clips(tmp_path / "out")} == ONE
    assert [each.reason for each in merged.rejected] == ["listed before"] * 3


def test_what_has_no_recording_is_left_out_and_reported(make_set: MakeSet, tmp_path: Path) -> None:
    one = make_set(ONE, "one")
    (one / "wavs" / "a.wav").unlink()
    (one / "wavs" / "b.wav").write_bytes(b"no sound")
    merge([one], tmp_path / "out")
    assert [clip.id for clip in read_clips(tmp_path / "out")] == ["e"]
    rejected = (tmp_path / "out" / "rejected.txt").read_text("utf-8").splitlines()
    assert [line.split(": ")[0] for line in rejected] == [f"{one / 'metadata.csv'}:1", f"{one / 'metadata.csv'}:2"]
    assert "no recording" in rejected[0]
    assert "unreadable recording" in rejected[1]


def test_a_set_without_speakers_is_one_voice_beside_a_set_with_speakers(make_set: MakeSet, tmp_path: Path) -> None:
    two = make_set(TWO, "two")
    (two / "metadata.csv").write_text("".join(f"{key}|{text}|{text}|anna\n" for key, text in TWO.items()))
    merge([make_set(ONE, "one"), two], tmp_path / "out")
    assert {clip.id: clip.speaker for clip in read_clips(tmp_path / "out")} == {
        "a": "one",
        "b": "one",
        "e": "one",
        "two-a": "anna",
        "c": "anna",
    }


def test_ids_cannot_leave_the_folder(make_set: MakeSet, tmp_path: Path) -> None:
    one = make_set(ONE, "one")
    shutil.move(one / "wavs" / "a.wav", tmp_path / "..a.wav")
    (one / "metadata.csv").write_text(f"../..a.wav|{ONE['a']}\n.hidden/../b|{ONE['b']}\n")
    merge([one], tmp_path / "out")
    assert [clip.id for clip in read_clips(tmp_path / "out")] == ["a", "b"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["..a.wav", "one", "out"]


def test_an_existing_set_is_replaced_only_when_forced_and_only_as_a_whole(make_set: MakeSet, tmp_path: Path) -> None:
    one, two = make_set(ONE, "one"), make_set(TWO, "two")
    merge([one], tmp_path / "out")
    with pytest.raises(DataError, match="--force"):
        merge([two], tmp_path / "out")
    with pytest.raises(DataError, match="no such file"):
        merge([two, tmp_path / "nowhere"], tmp_path / "out", force=True)
    assert {clip.id for clip in read_clips(tmp_path / "out")} == set(ONE)
    merge([two], tmp_path / "out", force=True)
    assert {clip.id for clip in read_clips(tmp_path / "out")} == set(TWO)
    assert not (tmp_path / "out" / "wavs" / "b.wav").exists()


def test_a_set_can_be_merged_onto_itself(make_set: MakeSet, tmp_path: Path) -> None:
    one = make_set(ONE, "one", sounds={"a": resample(speak(ONE["a"]), 44_100)})
    merge([one, make_set(TWO, "two")], one, force=True)
    assert faults(one) == ()
    assert survey(one).clips == 5


def test_names_that_differ_only_in_case_do_not_meet_on_any_file_system(make_set: MakeSet, tmp_path: Path) -> None:
    two = {"A": TWO["a"], "c": TWO["c"]}
    merge([make_set(ONE, "one"), make_set(two, "two")], tmp_path / "out")
    ids = [clip.id.casefold() for clip in read_clips(tmp_path / "out")]
    assert len(set(ids)) == 5


def test_the_current_folder_is_never_replaced(
    make_set: MakeSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = make_set(ONE, "one")
    monkeypatch.chdir(one / "wavs")
    with pytest.raises(DataError, match="where you are"):
        merge([one], one, force=True)
    assert len(read_clips(one)) == 3


def test_a_set_of_which_nothing_can_be_taken_is_refused(make_set: MakeSet, tmp_path: Path) -> None:
    one = make_set(ONE, "one")
    shutil.rmtree(one / "wavs")
    for act in (lambda: merge([one], tmp_path / "out"), lambda: augment(one, tmp_path / "out")):
        with pytest.raises(DataError, match="no recording"):
            act()
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
