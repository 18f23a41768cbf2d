"""Reading sound: what a header claims, what a file holds, and what is said of files that are no sound."""

from __future__ import annotations

import struct
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from diagnose.data.audio import AudioError, Sound, header, read, resample, write
from tests.data.conftest import tone


def write_pcm(path: Path, sound: Sound, width: int, channels: int = 1) -> None:
    """Write with the standard library alone, in any width."""
    samples = np.repeat(sound.samples, channels)
    scaled = np.round(samples * (2 ** (8 * width - 1) - 1)).astype(np.int64) + (128 if width == 1 else 0)
    raw = b"".join(int(value).to_bytes(width, "little", signed=width > 1) for value in scaled)
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, sound.rate, len(sound.samples), "NONE", ""))
        file.writeframes(raw)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_pcm_of_every_width_is_read_as_it_was_written(tmp_path: Path, width: int, channels: int) -> None:
    sound = tone(0.1)
    write_pcm(tmp_path / "a.wav", sound, width, channels)
    found = read(tmp_path / "a.wav")
    assert found.rate == sound.rate
    assert found.samples == pytest.approx(sound.samples, abs=2.0 ** (1 - 8 * width) * 2)
    assert header(tmp_path / "a.wav").channels == channels
    assert header(tmp_path / "a.wav").seconds == pytest.approx(0.1, abs=1e-4)


@pytest.mark.parametrize(("name", "subtype"), [("a.flac", "PCM_16"), ("a.ogg", "VORBIS"), ("a.wav", "FLOAT")])
def test_other_kinds_of_sound_are_read_where_soundfile_is_there(tmp_path: Path, name: str, subtype: str) -> None:
    sound = tone(0.2)
    soundfile.write(tmp_path / name, sound.samples, sound.rate, subtype=subtype)
    assert read(tmp_path / name).samples == pytest.approx(sound.samples, abs=0.05)
    assert header(tmp_path / name).seconds == pytest.approx(0.2, abs=1e-4)


def test_without_soundfile_pcm_works_and_the_rest_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "a.flac", tone(0.1).samples, 22_050)
    write(tmp_path / "a.wav", tone(0.1))
    monkeypatch.setitem(sys.modules, "soundfile", None)
    assert read(tmp_path / "a.wav").seconds == pytest.approx(0.1, abs=1e-4)
    with pytest.raises(AudioError, match="pip install"):
        read(tmp_path / "a.flac")


def test_only_the_asked_stretch_is_read(tmp_path: Path) -> None:
    ramp = Sound(np.linspace(-0.9, 0.9, 22_050, dtype=np.float32), 22_050)
    write(tmp_path / "a.wav", ramp)
    found = read(tmp_path / "a.wav", 0.25, 0.5)
    assert found.samples == pytest.approx(ramp.samples[5512:11_025], abs=1e-4)
    assert len(read(tmp_path / "a.wav", 5.0, 6.0).samples) == 0
    assert len(read(tmp_path / "a.wav", -1.0, 99.0).samples) == 22_050


def test_a_header_that_promises_more_than_the_file_holds_costs_no_memory(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", tone(0.1))
    raw = bytearray((tmp_path / "a.wav").read_bytes())
    raw[40:44] = struct.pack("<I", 2**32 - 2)
    (tmp_path / "a.wav").write_bytes(raw)
    assert read(tmp_path / "a.wav").seconds == pytest.approx(0.1, abs=0.01)
    assert header(tmp_path / "a.wav").seconds < 0.2


def test_a_file_cut_off_in_the_middle_gives_what_is_left(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", tone(1.0))
    raw = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(raw[: len(raw) // 2 + 1])
    assert read(tmp_path / "a.wav").seconds == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"not a sound at all" * 100, b"\0" * 1000, b"RIFF\xff\xff\xff\xffWAVE"]
)
def test_what_is_no_sound_is_reported_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    for ask in (read, header):
        with pytest.raises(AudioError) as raised:
            ask(tmp_path / "a.wav")
        assert "a.wav" in str(raised.value)
        assert "\n" not in str(raised.value)


def test_a_missing_file_and_a_folder_are_reported(tmp_path: Path) -> None:
    for path in (tmp_path / "none.wav", tmp_path):
        with pytest.raises(AudioError):
            read(path)


@pytest.mark.parametrize("rate", [1, 999, 10_000_000])
def test_a_rate_that_no_recorder_has_is_damage(tmp_path: Path, rate: int) -> None:
    write(tmp_path / "a.wav", Sound(tone(0.1).samples, rate))
    with pytest.raises(AudioError, match=f"{rate} Hz"):
        header(tmp_path / "a.wav")
    with pytest.raises(AudioError, match=f"{rate} Hz"):
        read(tmp_path / "a.wav")


def test_samples_that_are_not_numbers_never_get_through(tmp_path: Path) -> None:
    samples = tone(0.1).samples.copy()
    samples[7] = np.nan
    soundfile.write(tmp_path / "a.wav", samples, 22_050, subtype="FLOAT")
    with pytest.raises(AudioError, match="not finite"):
        read(tmp_path / "a.wav")


@pytest.mark.parametrize(("before", "after"), [(44_100, 22_050), (48_000, 22_050), (16_000, 22_050), (22_050, 24_000)])
def test_resampling_keeps_pitch_duration_and_level(before: int, after: int) -> None:
    found = resample(tone(0.5, before, hertz=440.0), after)
    expected = tone(0.5, after, hertz=440.0)
    assert found.rate == after
    assert len(found.samples) == len(expected.samples)
    middle = slice(after // 20, -after // 20)  # the ends of a tone that starts at once cannot be band-limited
    assert found.samples[middle] == pytest.approx(expected.samples[middle], abs=0.02)


def test_resampling_down_leaves_no_alias() -> None:
    found = resample(tone(0.5, 44_100, hertz=15_000.0), 22_050)
    assert np.abs(found.samples[1000:-1000]).max() < 0.01
