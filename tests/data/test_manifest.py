"""Lists of clips in the forms that people use, and in forms that nobody should."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.data.manifest import Split, read_clips, samples_of, split_lists, split_of
from diagnose.errors import DataError

HELLO, WORLD = "hello there, world", "the world is round"
FORMS = {
    "LJSpeech": ("metadata.csv", f"a|Hello 2|{HELLO}\nb|World!|{WORLD}\n", None),
    "LJSpeech without the normalised text": ("metadata.csv", f"a|{HELLO}|\nb|{WORLD}|\n", None),
    "two columns": ("metadata.csv", f"a|{HELLO}\nb|{WORLD}\n", None),
    "with quotes": ("metadata.csv", f'a|"Hello" 2|{HELLO}\nb|World 1"|{WORLD}\n', None),
    "BOM and CRLF": ("metadata.csv", f"\ufeffa|{HELLO}\r\nb|{WORLD}\r\n", None),
    "blank lines": ("metadata.csv", f"\na|{HELLO}\n\n\nb|{WORLD}", None),
    "ours with speakers": ("metadata.csv", f"a|x y|{HELLO}|anna\nb|x y|{WORLD}|ben\n", ["anna", "ben"]),
    "Piper with speakers": ("metadata.csv", f"a|anna|{HELLO}\nb|anna|{WORLD}\n", ["anna", "anna"]),
    "VITS file list": ("train.txt", f"wavs/a.wav|{HELLO}\nwavs/b.wav|{WORLD}\n", None),
    "VITS file list with speakers": ("train.txt", f"DUMMY/a.wav|4|{HELLO}\nDUMMY/b.wav|7|{WORLD}\n", ["4", "7"]),
    "GPT-SoVITS": ("slicer.list", f"/x/a.wav|anna|EN|{HELLO}\n/x/b.wav|anna|EN|{WORLD}\n", ["anna", "anna"]),
    "Coqui with a heading": (
        "metadata.csv",
        f"audio_file|text|speaker_name\nwavs/a.wav|{HELLO}|anna\nwavs/b.wav|{WORLD}|ben\n",
        ["anna", "ben"],
    ),
    "Hugging Face": ("metadata.csv", f'file_name,transcription\na.wav,"{HELLO}"\nb.wav,{WORLD}\n', None),
    "Common Voice": (
        "train.tsv",
        f"client_id\tpath\tsentence\tup_votes\nx1\ta.mp3\t{HELLO}\t2\nx2\tb.mp3\t{WORLD}\t0\n",
        ["x1", "x2"],
    ),
    "NeMo": (
        "train.json",
        f'{{"audio_filepath": "/x/a.wav", "text": "{HELLO}"}}\n{{"audio_filepath": "b.wav", "text": "{WORLD}"}}\n',
        None,
    ),
    "Windows paths": ("train.txt", f"C:\\data\\a.wav|{HELLO}\nC:\\data\\b.wav|{WORLD}\n", None),
}


@pytest.mark.parametrize(("name", "content", "speakers"), FORMS.values(), ids=FORMS)
def test_every_usual_form_is_read(tmp_path: Path, name: str, content: str, speakers: list[str] | None) -> None:
    (tmp_path / name).write_bytes(content.encode())
    clips = read_clips(tmp_path / name)
    assert [clip.id for clip in clips] == ["a", "b"]
    assert [clip.text for clip in clips] == [HELLO, WORLD]
    assert [clip.speaker for clip in clips if clip.speaker] == (speakers or [])
    assert samples_of(tmp_path / name) == 2


def test_each_clip_knows_its_line(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text("\n\na|one two\n\nb|three four\n")
    assert [clip.line for clip in read_clips(tmp_path)] == [3, 5]


@pytest.mark.parametrize("place", ["wavs/a.wav", "a.wav", "audio/a.flac", "clips/a.mp3"])
def test_recordings_are_found_where_layouts_put_them(tmp_path: Path, place: str) -> None:
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_bytes(b"x")
    (tmp_path / "metadata.csv").write_text("a|one two\n")
    assert read_clips(tmp_path)[0].audio == tmp_path / place


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("metadata_train.csv", Split.TRAIN),
        ("ljs_audio_text_val_filelist.txt", Split.VALIDATION),
        ("dev.tsv", Split.VALIDATION),
        ("metadata-eval.csv", Split.VALIDATION),
        ("test.list", Split.TEST),
        ("metadata.csv", None),
        ("contestants.csv", None),
    ],
)
def test_names_give_the_split(name: str, split: Split | None) -> None:
    assert split_of(Path(name)) is split


def test_a_whole_list_counts_before_its_parts(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text("a|1 1\nb|2 2\nc|3 3\n")
    (tmp_path / "metadata_train.csv").write_text("a|1 1\nb|2 2\n")
    (tmp_path / "metadata_val.csv").write_text("c|3 3\n")
    assert samples_of(tmp_path) == 3
    assert set(split_lists(tmp_path)) == {Split.TRAIN, Split.VALIDATION}
    (tmp_path / "metadata.csv").unlink()
    assert samples_of(tmp_path) == 3
    assert [clip.id for clip in read_clips(tmp_path)] == ["a", "b", "c"]


def test_recordings_are_counted_where_there_is_no_list(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for name in ("a.wav", "deep/b.flac", "deep/er/c.MP3", "deep/notes.txt"):
        (tmp_path / name).write_bytes(b"")
    assert samples_of(tmp_path) == 3


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metadata.csv", b""),
        ("metadata.csv", b"\n\n  \n"),
        ("metadata.csv", b"a\0b|c\n"),
        ("config.yaml", b"a|b\n"),
        ("train.json", b'{"a": 1,\n"b": 2}'),
        ("train.json", b"[" * 100_000),
        ("train.json", b'{"big": ' + b"9" * 10_000 + b"}\n"),
    ],
)
def test_what_is_no_list_has_no_count(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert samples_of(tmp_path / name) in (None, 1) if b"big" in content else samples_of(tmp_path / name) is None


def test_a_json_array_is_counted(tmp_path: Path) -> None:
    (tmp_path / "train.json").write_text('[\n{"text": "a"},\n{"text": "b"}\n]')
    assert samples_of(tmp_path / "train.json") == 2


def test_nothing_there_is_reported_in_one_line(tmp_path: Path) -> None:
    assert samples_of(tmp_path / "none") is None
    for place in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(DataError) as raised:
            read_clips(place)
        assert "\n" not in str(raised.value)


@given(content=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in ("metadata.csv", "train.json"):
        path = tmp_path_factory.mktemp("any") / name
        path.write_bytes(content)
        samples_of(path)
        with suppress(DataError):
            read_clips(path)


WORDS = st.text(st.characters(categories=["L", "N", "P"], exclude_characters='|"{'), min_size=1)


@given(rows=st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=20))
def test_counting_agrees_with_reading(rows: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("rows") / "metadata.csv"
    path.write_text("".join(f"{name}|{text}\n" for name, text in rows), encoding="utf-8")
    assert samples_of(path) == len(read_clips(path))
