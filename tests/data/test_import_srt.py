"""From subtitles and a recording to clips: the right words, the right stretch, and a reason for what is left out."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from diagnose.data import espeak
from diagnose.data.audio import Sound, header, read, write
from diagnose.data.import_srt import import_srt
from diagnose.data.manifest import read_clips
from diagnose.data.segments import Bounds, apart, sentences
from diagnose.data.speech import trim
from diagnose.data.subtitles import Cue
from diagnose.errors import DataError
from tests.data.speaking import speak

TEXTS = ("the farmer sold red bread.", "today the child sang.", "the doctor found white honey.", "the baker slept.")
RATE = 22_050


def stamp(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d},{rest % 1000:03d}"


def srt(cues: list[tuple[float, float, str]]) -> str:
    return "".join(f"{n}\n{stamp(a)} --> {stamp(b)}\n{text}\n\n" for n, (a, b, text) in enumerate(cues, 1))


@dataclass
class Talk:
    """A recording of sentences, 0.8 s of near silence around each, and where each one is spoken."""

    folder: Path
    cues: list[tuple[float, float, str]]

    @property
    def subtitles(self) -> Path:
        return self.folder / "talk.srt"

    @property
    def recording(self) -> Path:
        return self.folder / "talk.wav"

    def subtitle(self, cues: list[tuple[float, float, str]]) -> None:
        self.subtitles.write_text(srt(cues), encoding="utf-8")


def talk(folder: Path, sounds: list[Sound], texts: tuple[str, ...]) -> Talk:
    hiss = np.random.default_rng(0)
    parts: list[npt.NDArray[np.float64]] = []
    cues: list[tuple[float, float, str]] = []
    now = 0.0
    for sound, text in zip(sounds, texts, strict=True):
        parts += [hiss.normal(0, 1e-4, round(0.8 * RATE)), sound.samples.astype(np.float64)]
        cues.append((now + 0.8, now + 0.8 + sound.seconds, text))
        now = cues[-1][1]
    parts.append(hiss.normal(0, 1e-4, round(0.8 * RATE)))
    made = Talk(folder, cues)
    write(made.recording, Sound(np.concatenate(parts).astype(np.float32), RATE))
    made.subtitle(cues)
    return made


@pytest.fixture
def spoken(tmp_path: Path) -> Talk:
    return talk(tmp_path, [trim(speak(text), 0.0) for text in TEXTS], TEXTS)


def reasons(folder: Path) -> list[str]:
    return (folder / "rejected.txt").read_text("utf-8").splitlines()


@pytest.mark.parametrize("slip", [0.0, 0.1, -0.1])
def test_each_sentence_becomes_a_clip_even_when_the_times_slip(spoken: Talk, tmp_path: Path, slip: float) -> None:
    spoken.subtitle([(start + slip, end + slip, text) for start, end, text in spoken.cues])
    taken = import_srt([spoken.subtitles], tmp_path / "out")
    clips = read_clips(tmp_path / "out")
    assert [clip.text for clip in clips] == list(TEXTS)
    assert taken.clips == len(TEXTS)
    assert reasons(tmp_path / "out") == []
    for clip, (start, end, _) in zip(clips, spoken.cues, strict=True):
        sound = read(clip.audio)
        assert sound.rate == RATE
        assert trim(sound, 0.0).seconds == pytest.approx(end - start, abs=0.03)
        assert sound.seconds <= end - start + 0.13


def test_amharic_by_espeak_is_cut_where_it_is_spoken(tmp_path: Path) -> None:
    if not espeak.installed():
        pytest.skip("espeak-ng is not on this machine")
    texts = ("ልጁ ትልቅ ዳቦ ገዛ።", "ዛሬ መምህሩ በቤት ተኛ።", "ገበሬው ነጭ በግ ሸጠ።")
    spoken = talk(tmp_path, [trim(espeak.speak(text, "am"), 0.0) for text in texts], texts)
    import_srt([spoken.subtitles], tmp_path / "out")
    clips = read_clips(tmp_path / "out")
    assert [clip.text for clip in clips] == list(texts)
    for clip, (start, end, _) in zip(clips, spoken.cues, strict=True):
        assert trim(read(clip.audio), 0.0).seconds == pytest.approx(end - start, abs=0.05)


def test_a_video_gives_its_sound_where_ffmpeg_is_there(spoken: Talk, tmp_path: Path) -> None:
    program = shutil.which("ffmpeg")
    if program is None:
        pytest.skip("ffmpeg is not on this machine")
    picture = ["-f", "lavfi", "-i", "color=black:s=32x32:r=5", "-shortest"]
    video = tmp_path / "talk.mp4"
    command = [program, "-loglevel", "error", "-i", str(spoken.recording), *picture, "-c:a", "aac", str(video)]
    subprocess.run(command, check=True)
    spoken.recording.unlink()
    import_srt([spoken.subtitles], tmp_path / "out")
    assert [clip.text for clip in read_clips(tmp_path / "out")] == list(TEXTS)


def test_a_video_without_ffmpeg_says_what_is_missing(
    spoken: Talk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "talk.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + b"\0" * 1000)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match="ffmpeg"):
        import_srt([spoken.subtitles], tmp_path / "out", recording=tmp_path / "talk.mp4")
    assert not (tmp_path / "out").exists()


def test_stereo_at_another_rate_becomes_mono_at_the_usual_one(spoken: Talk, tmp_path: Path) -> None:
    sound = read(spoken.recording)
    doubled = np.repeat(sound.samples, 2)
    soundfile.write(spoken.recording, np.stack([doubled, doubled], axis=1), 2 * RATE)
    import_srt([spoken.subtitles], tmp_path / "out")
    for clip, (start, end, _) in zip(read_clips(tmp_path / "out"), spoken.cues, strict=True):
        found = header(clip.audio)
        assert (found.rate, found.channels) == (RATE, 1)
        assert found.seconds == pytest.approx(end - start, abs=0.15)


def test_what_cannot_be_used_is_listed_with_its_line_and_reason(spoken: Talk, tmp_path: Path) -> None:
    first, second, third, fourth = spoken.cues
    spoken.subtitle(
        [
            first,
            (second[0], second[1], "x" * 300 + "."),
            (third[0], third[0] + 0.5, "the doctor."),
            (third[1] + 0.3, third[1] + 0.5, "nobody speaks here at all."),
            (fourth[0], fourth[1], fourth[2]),
            (fourth[0] + 0.5, fourth[1], "and another voice at once."),
            (500.0, 502.0, "long after the end."),
            (1000.0, 1400.0, "for ever."),
        ]
    )
    taken = import_srt([spoken.subtitles], tmp_path / "out")
    assert [clip.text for clip in read_clips(tmp_path / "out")] == [first[2]]
    rejected = [line.removeprefix(f"{spoken.subtitles}:") for line in reasons(tmp_path / "out")]
    assert [line.split(":")[0] for line in rejected] == ["6", "10", "14", "18", "22", "26", "30"]
    for line, reason in zip(
        rejected,
        ["more text", "shorter", "silent", "overlaps", "overlaps", "beyond the end", "longer"],
        strict=True,
    ):
        assert reason in line
    assert len(taken.rejected) == 7


def test_nothing_to_take_leaves_no_folder(spoken: Talk, tmp_path: Path) -> None:
    spoken.subtitle([(500.0, 502.0, "long after the end.")])
    with pytest.raises(DataError, match="beyond the end of the recording"):
        import_srt([spoken.subtitles], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".out*"))


def test_text_can_neither_break_the_list_nor_reach_a_terminal(spoken: Talk, tmp_path: Path) -> None:
    start, end, _ = spoken.cues[0]
    spoken.subtitle([(start, end, "a|b\x1bX &#27;c d."), (start + 100, end + 100, "\x1b[2Jgone.")])
    import_srt([spoken.subtitles], tmp_path / "out")
    (clip,) = read_clips(tmp_path / "out")
    assert clip.text == "a b X c d."
    assert "\x1b" not in "".join(reasons(tmp_path / "out"))


def test_several_files_go_into_one_set(spoken: Talk, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(spoken.recording, other / "talk.wav")
    shutil.copy(spoken.subtitles, other / "talk.am.srt")
    shutil.copy(spoken.subtitles, other / "talk.srt")
    files = [spoken.subtitles, other / "talk.srt", other / "talk.am.srt"]
    import_srt(files, tmp_path / "out")
    ids = [clip.id for clip in read_clips(tmp_path / "out")]
    assert len(set(ids)) == 3 * len(TEXTS)
    assert len(list((tmp_path / "out" / "wavs").iterdir())) == 3 * len(TEXTS)
    with pytest.raises(DataError, match="one subtitle file"):
        import_srt(files, tmp_path / "more", recording=spoken.recording)


def test_a_missing_recording_is_reported(spoken: Talk, tmp_path: Path) -> None:
    spoken.recording.unlink()
    with pytest.raises(DataError, match="--audio"):
        import_srt([spoken.subtitles], tmp_path / "out")
    with pytest.raises(DataError, match="no such file"):
        import_srt([spoken.subtitles], tmp_path / "out", recording=tmp_path / "none.wav")


def cue(start: float, end: float, text: str, speaker: str | None = None) -> Cue:
    return Cue(start, end, text, speaker, 1)


JOINING = {
    "halves of a sentence": ([cue(0, 1, "the farmer"), cue(1.1, 2, "sold bread."), cue(2, 3, "No.")], 2),
    "a whole sentence each": ([cue(0, 1, "Yes."), cue(1, 2, "No!"), cue(2, 3, "ሰላም።")], 3),
    "closing quotes": ([cue(0, 1, "“Yes.”"), cue(1, 2, "No.")], 2),
    "no punctuation anywhere": ([cue(0, 1, "the farmer"), cue(1, 2, "sold bread")], 2),
    "a pause": ([cue(0, 1, "the farmer"), cue(3, 4, "sold bread.")], 2),
    "another speaker": ([cue(0, 1, "the farmer", "a"), cue(1, 2, "sold bread.", "b")], 2),
    "more than the longest clip": ([cue(0, 9, "the farmer"), cue(9, 18, "sold bread.")], 2),
}


@pytest.mark.parametrize(("cues", "count"), JOINING.values(), ids=JOINING)
def test_cues_are_joined_to_sentences_and_no_further(cues: list[Cue], count: int) -> None:
    assert len(sentences(cues, Bounds().longest)) == count


def test_a_joined_sentence_has_all_its_words_and_all_its_time() -> None:
    (found,) = sentences([cue(0, 1, "the farmer"), cue(1.2, 2, "sold bread.")], 15.0)
    assert (found.start, found.end, found.text) == (0, 2, "the farmer sold bread.")


def test_a_small_overlap_is_cut_and_a_large_one_costs_both() -> None:
    kept, lost = apart([cue(0, 2.1, "a"), cue(2, 4, "b"), cue(5, 7, "c"), cue(6, 8, "d"), cue(9, 10, "e")])
    assert [(each.text, each.end) for each in kept] == [("a", 2), ("b", 4), ("e", 10)]
    assert [each.text for each in lost] == ["c", "d"]
