"""Subtitles as people write them, and as nobody should: never a wrong time, never a word of markup."""

from __future__ import annotations

from pathlib import Path

import pysubs2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.data.subtitles import Cue, read
from diagnose.errors import DataError

SRT = """1
00:00:01,000 --> 00:00:02,500
Good morning.

2
00:00:03,000 --> 00:00:04,250
How are
you today?

"""


def write(folder: Path, content: str | bytes, name: str = "talk.srt") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def heard(path: Path) -> list[tuple[float, float, str]]:
    return [(cue.start, cue.end, cue.text) for cue in read(path).cues]


EXPECTED = [(1.0, 2.5, "Good morning."), (3.0, 4.25, "How are you today?")]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(SRT.encode(), id="plain"),
        pytest.param(SRT.replace("\n", "\r\n").encode(), id="CRLF"),
        pytest.param(SRT.replace("\n", "\r").encode(), id="CR"),
        pytest.param(b"\xef\xbb\xbf" + SRT.encode(), id="BOM"),
        pytest.param(SRT.encode("utf-16"), id="UTF-16 with BOM"),
        pytest.param(SRT.encode("utf-16-le"), id="UTF-16 without BOM"),
        pytest.param(SRT.encode("utf-16-be"), id="UTF-16 big-endian without BOM"),
        pytest.param(SRT.replace("\n1\n", "\n").replace("1\n", "", 1).encode(), id="no number"),
        pytest.param(SRT.replace("2\n", "9" * 5000 + "\n").encode(), id="huge number"),
        pytest.param(SRT.replace("00:00:0", "0:0:").encode(), id="short times"),
        pytest.param(SRT.replace(",", ".").encode(), id="points for commas"),
        pytest.param(SRT.replace(" --> ", "-->").encode(), id="tight arrow"),
        pytest.param(SRT.replace("500\n", "500  X1:40 X2:600 Y1:20 Y2:50\n").encode(), id="coordinates"),
        pytest.param(
            SRT.replace("Good", "<i>Good</i>").replace("are", "<font color='#f00'>are</font>").encode(), id="tags"
        ),
        pytest.param(SRT.replace("Good", "{\\an8}Good").encode(), id="ASS overrides"),
        pytest.param(SRT.replace("Good", "[door slams] Good").encode(), id="noises"),
        pytest.param(SRT.replace("Good", "- Good").encode(), id="dialogue dash"),
        pytest.param(SRT.replace("\n\n2\n", "\n2\n").encode(), id="no blank line between"),
        pytest.param(SRT.replace("are\n", "are\n\n").encode(), id="blank line within"),
        pytest.param(SRT.rstrip("\n").encode(), id="no newline at the end"),
    ],
)
def test_the_same_cues_are_read_however_they_are_written(tmp_path: Path, content: bytes) -> None:
    found = read(write(tmp_path, content))
    assert [(cue.start, cue.end, cue.text) for cue in found.cues] == EXPECTED
    assert found.rejected == ()


def test_ordinary_files_are_read_as_pysubs2_reads_them(tmp_path: Path) -> None:
    path = write(tmp_path, SRT)
    theirs = [
        (event.start / 1000, event.end / 1000, " ".join(event.plaintext.split())) for event in pysubs2.load(str(path))
    ]
    assert heard(path) == theirs


def test_amharic_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, "1\n00:00:01,000 --> 00:00:02,000\nሰላም ለዓለም።\n")
    assert heard(path) == [(1.0, 2.0, "ሰላም ለዓለም።")]


def test_another_encoding_is_guessed_and_said_or_named(tmp_path: Path) -> None:
    path = write(tmp_path, SRT.replace("morning", "café").encode("cp1252"))
    assert read(path).encoding == "windows-1252"
    assert read(path).cues[0].text == "Good café."
    greek = write(tmp_path, SRT.replace("morning", "μέρα").encode("iso8859-7"), "greek.srt")
    assert read(greek, "iso8859-7").cues[0].text == "Good μέρα."
    for encoding in ("utf-8", "klingon"):
        with pytest.raises(DataError, match="--encoding"):
            read(greek, encoding)


VTT = """WEBVTT - a talk
Kind: captions

STYLE
::cue { color: red }

NOTE this is
no speech

intro
00:01.000 --> 00:02.500 align:start position:0%
<v Anna>Good <c.loud>mor</c>ning.

NOTE nor this

00:00:03.000 --> 00:00:04.250
How are you &amp; yours?
"""
ROLLING = """WEBVTT
Kind: captions

00:00:01.000 --> 00:00:02.500 align:start position:0%
\x20
good<00:00:01.500><c> morning</c>

00:00:02.500 --> 00:00:02.510 align:start position:0%
good morning
\x20

00:00:02.510 --> 00:00:04.250 align:start position:0%
good morning
how<00:00:03.000><c> are</c><00:00:03.500><c> you</c>

00:00:04.250 --> 00:00:04.260 align:start position:0%
how are you
\x20
"""


def test_webvtt_gives_the_speech_and_the_speaker_and_nothing_else(tmp_path: Path) -> None:
    found = read(write(tmp_path, VTT, "talk.vtt"))
    assert found.cues == (
        Cue(1.0, 2.5, "Good morning.", "Anna", 11),
        Cue(3.0, 4.25, "How are you & yours?", None, 16),
    )
    assert found.rejected == ()


def test_machine_made_captions_give_each_line_once(tmp_path: Path) -> None:
    found = read(write(tmp_path, ROLLING, "talk.vtt"))
    assert [(cue.start, cue.end, cue.text) for cue in found.cues] == [
        (1.0, 2.5, "good morning"),
        (2.51, 4.25, "how are you"),
    ]
    assert found.rejected == ()


@pytest.mark.parametrize(
    ("times", "text", "reason"),
    [
        ("-00:00:01,000 --> 00:00:02,000", "hello", "negative time"),
        ("00:00:01,000 --> -00:00:02,000", "hello", "negative time"),
        ("00:00:02,000 --> 00:00:01,000", "hello", "ends before it starts"),
        ("00:00:02,000 --> 00:00:02,000", "hello", "ends before it starts"),
        ("soon --> later", "hello", "unreadable times"),
        ("99999999999:00:00,000 --> 99999999999:00:01,000", "hello", "unreadable times"),
        ("00:00:01,000 --> 00:00:02,000", "", "no speech in it"),
        ("00:00:01,000 --> 00:00:02,000", "[music]", "no speech in it"),
        ("00:00:01,000 --> 00:00:02,000", "♪ la la la ♪", "no speech in it"),
        ("00:00:01,000 --> 00:00:02,000", "(laughs)", "no speech in it"),
    ],
)
def test_a_bad_cue_is_rejected_with_its_line_and_the_others_are_kept(
    tmp_path: Path, times: str, text: str, reason: str
) -> None:
    path = write(tmp_path, f"1\n{times}\n{text}\n\n2\n00:00:05,000 --> 00:00:06,000\nfine\n")
    found = read(path)
    assert [cue.text for cue in found.cues] == ["fine"]
    (rejected,) = found.rejected
    assert rejected.reason == reason
    assert rejected.where == f"{path}:2"


def test_a_last_line_that_is_a_number_is_spoken(tmp_path: Path) -> None:
    path = write(
        tmp_path, "1\n00:00:01,000 --> 00:00:02,000\nThe answer is\n42\n\n2\n00:00:03,000 --> 00:00:04,000\nyes\n"
    )
    assert heard(path)[0][2] == "The answer is 42"


def test_cues_come_in_the_order_of_time(tmp_path: Path) -> None:
    path = write(tmp_path, "1\n00:00:05,000 --> 00:00:06,000\nlate\n\n2\n00:00:01,000 --> 00:00:02,000\nearly\n")
    assert [text for _, _, text in heard(path)] == ["early", "late"]


@pytest.mark.parametrize("content", [b"", b"hello", b"\0\1\2\3" * 100, b"\xff\xfe\x00", b"{1}{25}MicroDVD"])
def test_what_holds_no_subtitles_is_reported_in_one_line(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match="no subtitles here"):
        read(write(tmp_path, content))


def test_a_file_of_one_endless_line_is_read_in_linear_time(tmp_path: Path) -> None:
    hostile = " " * 100_000 + "-->" + "<v " * 100_000 + "[" * 100_000 + "(" * 100_000 + "{\\" * 100_000
    path = write(tmp_path, f"{hostile}\n1\n00:00:01,000 --> 00:00:02,000\n{hostile.replace('-->', '')}\n")
    assert len(read(path).cues) + len(read(path).rejected) == 2


@given(content=st.text(alphabet="0123456789:,.-> \n\r\ufeffa<>[](){}\\♪|", max_size=400))
def test_any_text_is_read_or_refused(content: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = write(tmp_path_factory.mktemp("any"), content)
    if "-->" not in content:
        with pytest.raises(DataError):
            read(path)
        return
    for cue in read(path).cues:
        assert 0 <= cue.start < cue.end
        assert cue.text.split()
        assert "\n" not in cue.text
